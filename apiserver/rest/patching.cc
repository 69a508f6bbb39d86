#include "apiserver/rest/patching.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/json_text.h"
#include "api/members.h"
#include "api/patch/patch.h"
#include "api/patch/touched.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/negotiate.h"

namespace ph::apiserver {
namespace {

// What applies a patch goes as deep as it is. The depth is that of bodies.
constexpr int kDepthMax = api::DecodeOptions().depth_max;

nlohmann::json parse(const std::string& text) {
  if (const std::string why = api::json_syntax_error(text, kDepthMax); !why.empty()) {
    throw api::bad_request(fmt::format("error decoding patch: {}", why));
  }
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw api::bad_request(fmt::format("error decoding patch: {}", error.what()));
  }
}

nlohmann::json patched(PatchType type, const api::Schema& schema, nlohmann::json document, nlohmann::json patch) {
  switch (type) {
    case PatchType::Json: return api::json_patch(document, patch);
    case PatchType::Merge: return api::merge_patch(std::move(document), patch);
    case PatchType::Strategic: return api::strategic_merge_patch(schema, std::move(document), std::move(patch));
  }
  return document;
}

// What upstream says when a well-formed patch cannot be carried out on this object.
[[noreturn]] void refuse_unfit(std::string_view why) {
  meta::v1::Status status;
  status.set_status("Failure");
  status.set_code(422);
  status.set_reason("Invalid");
  status.set_message("the server rejected our request due to an error in our request");
  auto& cause = *status.mutable_details()->add_causes();
  cause.set_message(std::string(why));
  throw api::ApiError(std::move(status));
}

}  // namespace

PatchType patch_type(const HttpRequest& request) {
  const std::string type = media_type(request.headers.get("Content-Type"));
  if (type == "application/json-patch+json") return PatchType::Json;
  if (type == "application/merge-patch+json") return PatchType::Merge;
  if (type == "application/strategic-merge-patch+json") return PatchType::Strategic;
  throw api::unsupported_media_type(
      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
      "application/merge-patch+json, application/strategic-merge-patch+json");
}

std::unique_ptr<Message> apply_patch(PatchType type, const std::string& text, const Message& object, api::Unknown unknown,
                                     std::vector<std::string>& warnings) {
  const api::Schema& schema = api::schema_of(object);
  nlohmann::json patch = parse(text);
  const api::Touched touched = type == PatchType::Json ? api::Touched() : api::Touched(schema, patch);
  std::unique_ptr<Message> result = api::clone(object);
  const std::unique_ptr<Message> part = make_object(schema);
  touched.move(*result, *part);

  nlohmann::json document;
  try {
    document = patched(type, schema, api::to_json(*part), std::move(patch));
  } catch (const api::ApplyError& error) {
    refuse_unfit(error.what());
  } catch (const api::DecodeError& error) {
    throw api::bad_request(error.what());
  }
  if (!document.is_object()) throw api::bad_request("the patch does not result in an object");
  touched.move(*read_document(document, schema, unknown, warnings), *result);
  set_defaults(*result);
  return result;
}

}  // namespace ph::apiserver
