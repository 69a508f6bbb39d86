#include "api/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/error_text.h"

namespace ph::api {

namespace {

meta::v1::Status failure(int code, std::string_view reason, std::string message) {
  meta::v1::Status status;
  status.set_status("Failure");
  status.set_code(code);
  status.set_reason(std::string(reason));
  status.set_message(std::move(message));
  return status;
}

// "deployments.apps" → the resource (or kind) and the group.
struct Qualified {
  std::string name, group;
};
Qualified split(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return {std::string(text), {}};
  return {std::string(text.substr(0, dot)), std::string(text.substr(dot + 1))};
}

// details.kind is the resource here: upstream does the same.
meta::v1::Status about(std::string_view qualified, std::string_view name, int code, std::string_view reason,
                       std::string message) {
  meta::v1::Status status = failure(code, reason, std::move(message));
  auto [kind, group] = split(qualified);
  status.mutable_details()->set_name(std::string(name));
  status.mutable_details()->set_group(std::move(group));
  status.mutable_details()->set_kind(std::move(kind));
  return status;
}

}  // namespace

ApiError::ApiError(meta::v1::Status status) : status_(std::move(status)) {}

bool is_of_another_uid(const ApiError& error) {
  return error.is("Invalid") && std::ranges::any_of(error.status().details().causes(), [](const meta::v1::StatusCause& cause) {
           return cause.field() == "metadata.uid";
         });
}

ApiError bad_request(std::string message) { return ApiError(failure(400, "BadRequest", std::move(message))); }

ApiError unauthorized() { return ApiError(failure(401, "Unauthorized", "Unauthorized")); }

ApiError forbidden(std::string_view resource, std::string_view name, std::string_view why) {
  std::string message = name.empty() ? fmt::format("{} is forbidden: {}", resource, why)
                                     : fmt::format("{} \"{}\" is forbidden: {}", resource, name, why);
  if (resource.empty()) message = fmt::format("forbidden: {}", why);
  return ApiError(about(resource, name, 403, "Forbidden", std::move(message)));
}

ApiError not_found(std::string_view resource, std::string_view name) {
  return ApiError(about(resource, name, 404, "NotFound", fmt::format("{} \"{}\" not found", resource, name)));
}

ApiError page_not_found() {
  meta::v1::Status status = failure(404, "NotFound", "the server could not find the requested resource");
  status.mutable_details();
  return ApiError(std::move(status));
}

ApiError method_not_allowed(std::string_view resource, std::string_view verb) {
  meta::v1::Status status =
      failure(405, "MethodNotAllowed", fmt::format("{} is not supported on resources of kind \"{}\"", verb, resource));
  auto [kind, group] = split(resource);
  status.mutable_details()->set_group(std::move(group));
  status.mutable_details()->set_kind(std::move(kind));
  return ApiError(std::move(status));
}

ApiError not_acceptable(std::string_view accepted) {
  return ApiError(failure(406, "NotAcceptable", fmt::format("only the following media types are accepted: {}", accepted)));
}

ApiError already_exists(std::string_view resource, std::string_view name) {
  return ApiError(about(resource, name, 409, "AlreadyExists", fmt::format("{} \"{}\" already exists", resource, name)));
}

ApiError conflict(std::string_view resource, std::string_view name, std::string_view why) {
  return ApiError(
      about(resource, name, 409, "Conflict", fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", resource, name, why)));
}

ApiError expired(std::string message) { return ApiError(failure(410, "Expired", std::move(message))); }

ApiError too_large(std::string message) {
  return ApiError(failure(413, "RequestEntityTooLarge", fmt::format("Request entity is too large: {}", message)));
}

ApiError unsupported_media_type(std::string message) {
  return ApiError(failure(415, "UnsupportedMediaType", std::move(message)));
}

std::string text_of(const std::vector<FieldError>& errors) {
  std::vector<std::string> told;
  std::set<std::string> known;
  for (const FieldError& error : errors) {
    std::string text = fmt::format("{}: {}", error.field, error.detail);
    if (known.insert(text).second) told.push_back(std::move(text));
  }
  return told.size() == 1 ? told[0] : fmt::format("[{}]", fmt::join(told, ", "));
}

ApiError invalid(std::string_view kind, std::string_view name, const std::vector<FieldError>& errors) {
  std::string message = fmt::format("{} \"{}\" is invalid", kind, name);
  if (!errors.empty()) message += ": " + text_of(errors);
  meta::v1::Status status = about(kind, name, 422, "Invalid", std::move(message));
  for (const FieldError& error : errors) {
    meta::v1::StatusCause& cause = *status.mutable_details()->add_causes();
    cause.set_reason(error.type);
    cause.set_message(error.detail);
    cause.set_field(error.field);
  }
  return ApiError(std::move(status));
}

ApiError too_many_requests(std::string message, int retry_after_seconds) {
  meta::v1::Status status = failure(429, "TooManyRequests", std::move(message));
  status.mutable_details()->set_retry_after_seconds(retry_after_seconds);
  return ApiError(std::move(status));
}

ApiError internal(std::string message) {
  meta::v1::Status status = failure(500, "InternalError", fmt::format("Internal error occurred: {}", message));
  status.mutable_details()->add_causes()->set_message(std::move(message));
  return ApiError(std::move(status));
}

ApiError unforeseen(std::string message) { return ApiError(failure(500, "", std::move(message))); }

ApiError unavailable(std::string message) { return ApiError(failure(503, "ServiceUnavailable", std::move(message))); }

ApiError timeout(std::string message) {
  meta::v1::Status status = failure(504, "Timeout", fmt::format("Timeout: {}", message));
  status.mutable_details();
  return ApiError(std::move(status));
}

}  // namespace ph::api
