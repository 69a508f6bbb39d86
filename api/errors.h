// Errors as the API answers them: a meta/v1 Status with code, reason, message and causes in upstream's words.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "meta/v1.pb.h"

namespace ph::api {

// One thing wrong with an object. `type` is upstream's ErrorType: FieldValueRequired, FieldValueInvalid, …
struct FieldError {
  std::string type;
  std::string field;   // JSON path: spec.containers[0].name
  std::string detail;  // the cause's message without the field, e.g. `Invalid value: "x": must be …`
};

// Thrown by clients for any failed answer, and by the apiserver to give one.
class ApiError : public std::exception {
 public:
  explicit ApiError(meta::v1::Status status);
  const char* what() const noexcept override { return status_.message().c_str(); }
  const meta::v1::Status& status() const { return status_; }
  int code() const { return status_.code(); }
  std::string_view reason() const { return status_.reason(); }
  bool is(std::string_view reason) const { return status_.reason() == reason; }

 private:
  meta::v1::Status status_;
};

// A patch that names a UID was refused since the object of that name has another one: it was made anew.
bool is_of_another_uid(const ApiError& error);

// `resource` is the plural with its group: "pods", "deployments.apps"; `kind` with its group: "Deployment.apps".
ApiError bad_request(std::string message);                                                   // 400 BadRequest
ApiError unauthorized();                                                                     // 401 Unauthorized
ApiError forbidden(std::string_view resource, std::string_view name, std::string_view why);  // 403 Forbidden
ApiError not_found(std::string_view resource, std::string_view name);                        // 404 NotFound
ApiError page_not_found();                                                                   // 404 for an unknown path
ApiError method_not_allowed(std::string_view resource, std::string_view verb);               // 405 MethodNotAllowed
ApiError not_acceptable(std::string_view accepted);                                          // 406 NotAcceptable
ApiError already_exists(std::string_view resource, std::string_view name);                   // 409 AlreadyExists
ApiError conflict(std::string_view resource, std::string_view name, std::string_view why);   // 409 Conflict
ApiError expired(std::string message);                                                       // 410 Expired
ApiError too_large(std::string message);                                                     // 413 RequestEntityTooLarge
ApiError unsupported_media_type(std::string message);                                        // 415 UnsupportedMediaType
ApiError invalid(std::string_view kind, std::string_view name, const std::vector<FieldError>& errors);  // 422 Invalid
ApiError too_many_requests(std::string message, int retry_after_seconds);                               // 429 TooManyRequests
ApiError internal(std::string message);                                                                 // 500 InternalError
ApiError unforeseen(std::string message);                                                               // 500 with no reason
ApiError unavailable(std::string message);                                                              // 503 ServiceUnavailable
ApiError timeout(std::string message);                                                                  // 504 Timeout

}  // namespace ph::api
