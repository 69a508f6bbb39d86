#include "apiserver/admission/webhook/review.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/validation/quote.h"

namespace ph::apiserver::webhook {

using nlohmann::json;

namespace {

constexpr int kDepthMax = 100;
constexpr std::string_view kGroup = "admission.k8s.io", kKind = "AdmissionReview";

BadAnswer undecodable(std::string_view why) { return BadAnswer(fmt::format("failed to call webhook: {}", why)); }
BadAnswer invalid(std::string_view why) { return BadAnswer(fmt::format("received invalid webhook response: {}", why)); }

// Reads members of an answer; null is as if absent.
class Reader {
 public:
  Reader(const json& object, std::string_view path) : object_(object), path_(path) {}

  const json* find(const char* name, json::value_t type, std::string_view wanted) const {
    const auto found = object_.find(name);
    if (found == object_.end() || found->is_null()) return nullptr;
    if (found->type() != type) {
      throw undecodable(fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}",
                                    api::json_type_name(*found), path_, name, wanted));
    }
    return &*found;
  }
  std::optional<std::string> text(const char* name, std::string_view type = "string") const {
    const json* found = find(name, json::value_t::string, type);
    return found ? std::optional(found->get<std::string>()) : std::nullopt;
  }
  bool flag(const char* name) const {
    const json* found = find(name, json::value_t::boolean, "bool");
    return found != nullptr && found->get<bool>();
  }
  std::vector<std::string> texts(const char* name) const {
    std::vector<std::string> out;
    const json* found = find(name, json::value_t::array, "[]string");
    if (found == nullptr) return out;
    for (const json& item : *found) out.push_back(text_of(item, name));
    return out;
  }
  std::map<std::string, std::string> named_texts(const char* name) const {
    std::map<std::string, std::string> out;
    const json* found = find(name, json::value_t::object, "map[string]string");
    if (found == nullptr) return out;
    for (const auto& [key, item] : found->items()) out.emplace(key, text_of(item, name));
    return out;
  }

 private:
  // An item of a list or a map.
  std::string text_of(const json& item, const char* name) const {
    if (item.is_string()) return item.get<std::string>();
    throw undecodable(fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type string",
                                  api::json_type_name(item), path_, name));
  }

  const json& object_;
  const std::string_view path_;
};

json parsed(const std::string& text) {
  if (const std::string why = api::json_syntax_error(text, kDepthMax); !why.empty()) {
    throw undecodable(fmt::format("couldn't get version/kind; json parse error: {}", why));
  }
  json document = json::parse(api::mend_json(text), nullptr, false);
  if (document.is_discarded()) throw undecodable("couldn't get version/kind; json parse error: it cannot be read");
  if (document.is_object()) return document;
  throw undecodable(
      fmt::format("couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ "
                  "APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
                  api::json_type_name(document)));
}

// What it says it is, when it says anything, must be a review that could be read into the expected one.
void check_decodable(std::string_view api_version, std::string_view kind, std::string_view version) {
  if (api_version.empty() && kind.empty()) return;
  const auto slash = api_version.find('/');
  const std::string_view group = slash == api_version.npos ? std::string_view() : api_version.substr(0, slash);
  const std::string_view said = slash == api_version.npos ? api_version : api_version.substr(slash + 1);
  const bool known =
      (api_version.empty() || (group == kGroup && (said == "v1" || said == "v1beta1"))) && (kind.empty() || kind == kKind);
  if (!known) {
    throw undecodable(fmt::format("no kind \"{}\" is registered for version \"{}\"", kind, api_version));
  }
  if (api_version.empty() || said == version) return;
  throw undecodable(fmt::format("converting ({}.AdmissionReview) to ({}.AdmissionReview): unknown conversion", said, version));
}

std::string patch_of(const Reader& response) {
  const auto text = response.text("patch", "[]uint8");
  std::string out;
  if (text) {
    const std::string why = api::decode_base64(*text, out);
    if (!why.empty()) throw undecodable(why);
  }
  return out;
}

// Only a v1 webhook has to say which form its patch has.
void check_patch(const Verdict& verdict, const std::optional<std::string>& type, std::string_view version, bool mutating) {
  const bool strict = version == "v1";
  if (!mutating) {
    if (strict && !verdict.patch.empty()) throw invalid("validating webhook may not return response.patch");
    if (strict && type) throw invalid("validating webhook may not return response.patchType");
    return;
  }
  if (strict && !verdict.patch.empty() && !type) throw invalid("webhook returned response.patch but not response.patchType");
  if (strict && verdict.patch.empty() && type) throw invalid("webhook returned response.patchType but not response.patch");
  if (verdict.patch.empty()) return;
  if (strict && type->empty()) throw invalid("webhook returned invalid response.patchType of \"\"");
  if (strict && *type != "JSONPatch") throw BadAnswer(fmt::format("unsupported patch type {}", api::quote(*type)));
}

}  // namespace

std::string review_text(std::string_view version, json request) {
  const json review = {{"kind", kKind}, {"apiVersion", fmt::format("{}/{}", kGroup, version)}, {"request", std::move(request)}};
  return review.dump(-1, ' ', false, json::error_handler_t::replace);
}

Verdict read_review(const std::string& text, std::string_view version, std::string_view uid, bool mutating) {
  const json document = parsed(text);
  const Reader review(document, kKind);
  const std::string api_version = review.text("apiVersion").value_or(""), kind = review.text("kind").value_or("");
  check_decodable(api_version, kind, version);
  const json* body = review.find("response", json::value_t::object, "v1.AdmissionResponse");
  if (body == nullptr) throw invalid("webhook response was absent");
  const Reader response(*body, "AdmissionReview.response");

  Verdict out;
  const std::string answered = response.text("uid", "types.UID").value_or("");
  out.allowed = response.flag("allowed");
  out.patch = patch_of(response);
  out.warnings = response.texts("warnings");
  out.audit_annotations = response.named_texts("auditAnnotations");
  if (const json* status = response.find("status", json::value_t::object, "v1.Status")) {
    try {
      api::from_json(*status, out.status.emplace());
    } catch (const api::DecodeError& error) {
      throw undecodable(error.what());
    }
  }
  const auto type = response.text("patchType", "v1.PatchType");
  if (version == "v1") {
    if (answered != uid) {
      throw invalid(fmt::format("expected response.uid={}, got {}", api::quote(uid), api::quote(answered)));
    }
    if (api_version.empty() || kind.empty()) {
      const auto slash = api_version.find('/');
      const bool grouped = slash != api_version.npos;
      throw invalid(fmt::format("expected webhook response of {}/v1, Kind={}, got {}/{}, Kind={}", kGroup, kKind,
                                grouped ? api_version.substr(0, slash) : "",
                                grouped ? api_version.substr(slash + 1) : api_version, kind));
    }
  }
  check_patch(out, type, version, mutating);
  return out;
}

}  // namespace ph::apiserver::webhook
