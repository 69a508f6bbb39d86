#include "apiserver/admission/webhook/outcome.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"
#include "api/json_text.h"
#include "api/object_rules.h"
#include "api/patch/patch.h"
#include "api/patch/patch_text.h"
#include "api/structural/objects.h"
#include "api/validation/quote.h"
#include "apiserver/rest/body.h"

namespace ph::apiserver::webhook {

using nlohmann::json;

namespace {

constexpr int kDepthMax = api::DecodeOptions().depth_max;

json read_patch(const std::string& text) {
  if (const std::string why = api::json_syntax_error(text, kDepthMax); !why.empty()) throw api::internal(why);
  try {
    return api::parse_patch(text).document;
  } catch (const api::DecodeError& error) {
    throw api::internal(error.what());
  } catch (const json::exception& error) {
    throw api::internal(error.what());
  }
}

json carried_out(const json& document, json patch) {
  try {
    return api::json_patch(document, std::move(patch));
  } catch (const api::ApiError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw api::internal(error.what());
  }
}

api::Object read_object(const api::Schema& schema, const json& document) {
  if (const std::string why = kind_error(document, schema); !why.empty()) throw api::internal(why);
  try {
    if (schema.custom) return api::structural::read_object(schema, document, {});
    api::Object out = api::Object::make(schema);
    api::from_json(document, *out.message());
    note_emptied_managers(document, out);
    return out;
  } catch (const api::DecodeError& error) {
    throw api::internal(error.what());
  }
}

}  // namespace

api::ApiError denied(std::string_view webhook, std::optional<meta::v1::Status> said) {
  constexpr int kLeast = 400;
  meta::v1::Status status = std::move(said).value_or(meta::v1::Status());
  if (status.code() < kLeast) status.set_code(kLeast);
  if (status.status().empty() || status.status() == "Success") status.set_status("Failure");
  const std::string by = fmt::format("admission webhook {} denied the request", api::quote(webhook));
  const std::string& why = status.message().empty() ? status.reason() : status.message();
  status.set_message(why.empty() ? by + " without explanation" : by + ": " + why);
  return api::ApiError(std::move(status));
}

api::ApiError no_dry_run(std::string_view webhook) {
  return api::bad_request(fmt::format("admission webhook {} does not support dry run", api::quote(webhook)));
}

Patched patched(std::string_view webhook, const api::Schema& schema, const json& document, const std::string& text) {
  json patch = read_patch(text);
  if (patch.is_array() && patch.empty()) return {};
  if (document.is_null()) {
    throw api::internal(fmt::format(
        "admission webhook {} attempted to modify the object, which is not supported for this operation", api::quote(webhook)));
  }
  Patched out{.object = read_object(schema, carried_out(document, std::move(patch)))};
  out.changed = api::to_json(out.object) != document;
  api::set_defaults(out.object);
  return out;
}

}  // namespace ph::apiserver::webhook
