#include "apiserver/extensions/conversion_review.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"
#include "api/json_text.h"
#include "api/structural/document.h"
#include "api/structural/structural.h"
#include "api/validation/quote.h"
#include "api/validation/validation.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

constexpr int kDepthMax = 10000;
constexpr std::string_view kGroup = "apiextensions.k8s.io", kKind = "ConversionReview";
constexpr std::string_view kMalformed = "conversion_webhook_malformed_response_failure";
constexpr std::string_view kPartial = "conversion_webhook_partial_response_failure";
constexpr std::string_view kInvalid = "conversion_webhook_invalid_converted_object_failure";

struct GroupVersion {
  std::string_view group, version;
};
GroupVersion split(std::string_view api_version) {
  const auto slash = api_version.find('/');
  if (slash == api_version.npos) return {{}, api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

// -- The review

FailedConversion not_read(const api::Object& object, std::string_view why) {
  return {fmt::format("{} failed: {}", conversion_of(object), why), kCallFailure};
}

// A member of an answer; null is as if absent.
class Member {
 public:
  Member(const api::Object& about, std::string path, const json& object)
      : about_(about), path_(std::move(path)), object_(object) {}

  const json* find(const char* name, json::value_t type, std::string_view wanted) const {
    const auto found = object_.find(name);
    if (found == object_.end() || found->is_null()) return nullptr;
    if (found->type() == type) return &*found;
    throw not_read(about_, fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}",
                                       api::json_type_name(*found), path_, name, wanted));
  }
  std::string text(const char* name, std::string_view type = "string") const {
    const json* found = find(name, json::value_t::string, type);
    return found != nullptr ? found->get<std::string>() : std::string();
  }

 private:
  const api::Object& about_;
  const std::string path_;
  const json& object_;
};

json parsed(const std::string& text, const api::Object& about) {
  constexpr std::string_view kUnread = "couldn't get version/kind; json parse error: ";
  if (const std::string why = api::json_syntax_error(text, kDepthMax); !why.empty()) {
    throw not_read(about, fmt::format("{}{}", kUnread, why));
  }
  try {
    return api::structural::read_document(api::mend_json(text));
  } catch (const api::DecodeError& error) {
    throw not_read(about, fmt::format("{}{}", kUnread, error.what()));
  }
}

// What it says it is, when it says anything, must be a review that could be read into the expected one.
void check_decodable(std::string_view api_version, std::string_view kind, std::string_view version, const api::Object& about) {
  if (api_version.empty() && kind.empty()) return;
  const GroupVersion said = split(api_version);
  const bool known = (api_version.empty() || (said.group == kGroup && (said.version == "v1" || said.version == "v1beta1"))) &&
                     (kind.empty() || kind == kKind);
  if (!known) throw not_read(about, fmt::format("no kind \"{}\" is registered for version \"{}\"", kind, api_version));
  if (api_version.empty() || said.version == version) return;
  throw not_read(
      about, fmt::format("converting ({}.ConversionReview) to ({}.ConversionReview): unknown conversion", said.version, version));
}

void check_result(const Member& response, const api::Object& about) {
  const json* result = response.find("result", json::value_t::object, "v1.Status");
  const json none = json::object();
  const Member status(about, "ConversionReview.response.result", result != nullptr ? *result : none);
  const std::string said = status.text("status"), message = status.text("message");
  if (said == "Success") return;
  throw FailedConversion(
      fmt::format("{} failed: {}", conversion_of(about),
                  message.empty() ? fmt::format("response.result.status was '{}', not 'Success'", said) : message),
      kMalformed);
}

std::vector<json> converted_objects(json document, std::string_view version, std::string_view uid, const api::Object& about) {
  const auto malformed = [&about](std::string_view why) {
    return FailedConversion(fmt::format("{} failed: {}", conversion_of(about), why), kMalformed);
  };
  const Member review(about, std::string(kKind), document);
  const std::string api_version = review.text("apiVersion"), kind = review.text("kind");
  check_decodable(api_version, kind, version, about);
  const json* body = review.find("response", json::value_t::object, "v1.ConversionResponse");
  if (version == "v1" && (api_version.empty() || kind.empty())) {
    const GroupVersion said = split(api_version);
    throw malformed(fmt::format("expected webhook response of {}/v1, Kind={}, got {}/{}, Kind={}", kGroup, kKind, said.group,
                                said.version, kind));
  }
  if (body == nullptr) throw malformed("no response provided");
  const Member response(about, "ConversionReview.response", *body);
  const std::string answered = response.text("uid", "types.UID");
  if (version == "v1" && answered != uid) {
    throw malformed(fmt::format("expected response.uid={}, got {}", api::quote(uid), api::quote(answered)));
  }
  check_result(response, about);
  const json* objects = response.find("convertedObjects", json::value_t::array, "[]runtime.RawExtension");
  return objects != nullptr ? objects->get<std::vector<json>>() : std::vector<json>();
}

// -- An object

// What is wrong with it; one of many is named by its place.
class Complaint {
 public:
  Complaint(const api::Object& first, std::size_t place, bool of_many)
      : who_(conversion_of(first)), place_(place), of_many_(of_many) {}

  FailedConversion unreadable(std::string_view why) const {
    return of_many_ ? failure("invalid converted object at index {}", place_, why) : FailedConversion(std::string(why), kInvalid);
  }
  FailedConversion kind(std::string_view why) const {
    return of_many_ ? failure("invalid converted object at index {}", place_ + 1, why)
                    : failure("invalid object at index {}", 0, why);
  }
  FailedConversion object(std::string_view why) const {
    return of_many_ ? failure("invalid converted object at index {}", place_ + 1, why) : failure("invalid object", 0, why);
  }
  FailedConversion metadata(std::string_view why) const {
    return of_many_ ? failure("invalid metadata in object at index {}", place_ + 1, why) : failure("invalid metadata", 0, why);
  }

 private:
  FailedConversion failure(const char* what, std::size_t place, std::string_view why) const {
    return {fmt::format("{} returned {}: {}", who_, fmt::format(fmt::runtime(what), place), why), kInvalid};
  }

  const std::string who_;
  const std::size_t place_;
  const bool of_many_;
};

std::string_view go_type(const json& value) {
  switch (value.type()) {
    case json::value_t::null: return "<nil>";
    case json::value_t::boolean: return "bool";
    case json::value_t::string: return "string";
    case json::value_t::array: return "[]interface {}";
    case json::value_t::object: return "map[string]interface {}";
    case json::value_t::number_float: return "float64";
    default: return "int64";
  }
}

// As Go's accessors read it: what is no text is none.
std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void check_kind(const json& document, const api::GroupVersionKind& wanted, const Complaint& complaint) {
  const std::string api_version = text_in(document, "apiVersion"), kind = text_in(document, "kind");
  if (kind.empty()) {
    throw complaint.unreadable(
        fmt::format("Object 'Kind' is missing in '{}'", document.dump(-1, ' ', false, json::error_handler_t::replace)));
  }
  if (api_version != wanted.api_version()) {
    throw complaint.kind(fmt::format("invalid groupVersion (expected {}, received {})", wanted.api_version(), api_version));
  }
  if (kind != wanted.kind) throw complaint.kind(fmt::format("invalid kind (expected {}, received {})", wanted.kind, kind));
}

// It is still the same object.
void check_same(const json& metadata, const meta::v1::ObjectMeta& original, const Complaint& complaint) {
  const auto demand = [&](std::string_view what, const std::string& before, const char* member) {
    const std::string now = metadata.is_object() ? text_in(metadata, member) : std::string();
    if (now != before) throw complaint.object(fmt::format("must have the same {}: {} != {}", what, before, now));
  };
  demand("name", original.name(), "name");
  demand("namespace", original.namespace_(), "namespace");
  demand("UID", original.uid(), "uid");
}

using Texts = google::protobuf::Map<std::string, std::string>;

// Labels or annotations as the webhook has left them. They are judged when it has changed them.
Texts texts_of(const json& metadata, const char* name, const Texts& before, const Complaint& complaint) {
  Texts out;
  const auto found = metadata.find(name);
  if (found == metadata.end() || found->is_null()) return out;
  if (!found->is_object()) {
    throw complaint.metadata(fmt::format("invalid metadata.{} of type {} in converted object", name, go_type(*found)));
  }
  bool changed = found->size() != before.size();
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) {
      throw complaint.metadata(
          fmt::format("metadata.{}[{}] must be a string, but is {} in converted object", name, key, go_type(value)));
    }
    const auto old = before.find(key);
    changed = changed || old == before.end() || old->second != value.get_ref<const std::string&>();
    out[key] = value.get<std::string>();
  }
  if (!changed) return out;
  api::Errors errors;
  if (std::string_view(name) == "labels") {
    api::check_labels(out, api::Path("metadata.labels"), errors);
  } else {
    api::check_annotations(out, api::Path("metadata.annotation"), errors);
  }
  if (errors.empty()) return out;
  std::vector<std::string> all;
  for (const auto& error : errors.list()) all.push_back(fmt::format("{}: {}", error.field, error.detail));
  throw complaint.metadata(all.size() == 1 ? all.front() : fmt::format("[{}]", fmt::join(all, ", ")));
}

meta::v1::ObjectMeta metadata_of(const json& document, const meta::v1::ObjectMeta& original, const Complaint& complaint) {
  const auto found = document.find("metadata");
  check_same(found == document.end() ? json() : *found, original, complaint);
  if (found == document.end()) throw complaint.metadata("missing metadata in converted object");
  if (!found->is_object()) {
    throw complaint.metadata(fmt::format("invalid metadata of type {} in converted object", go_type(*found)));
  }
  meta::v1::ObjectMeta out = original;
  *out.mutable_labels() = texts_of(*found, "labels", original.labels(), complaint);
  *out.mutable_annotations() = texts_of(*found, "annotations", original.annotations(), complaint);
  return out;
}

api::Object converted(json document, const api::Object& original, const api::Schema& to, const Complaint& complaint) {
  if (!document.is_object()) {
    throw complaint.unreadable(
        fmt::format("couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of "
                    "type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string "
                    "\"json:\\\"kind,omitempty\\\"\" }}",
                    api::json_type_name(document)));
  }
  check_kind(document, *to.kind, complaint);
  meta::v1::ObjectMeta metadata = metadata_of(document, original.metadata(), complaint);
  document.erase("metadata");
  api::Errors errors;
  to.structural->coerce(document, false, errors);
  if (!errors.empty()) {
    const auto& error = errors.list().front();
    throw FailedConversion(fmt::format("{}: {}", error.field, error.detail), kInvalid);
  }
  to.structural->prune(document);
  to.structural->apply_defaults(document);
  return api::Object(to, std::move(metadata), std::move(document));
}

}  // namespace

std::string conversion_of(const api::Object& object) {
  const api::GroupVersionKind& kind = *object.schema().kind;
  return fmt::format("conversion webhook for {}, Kind={}", kind.api_version(), kind.kind);
}

std::string conversion_review_text(std::string_view version, std::string_view uid, std::span<const api::Object> objects,
                                   const api::Schema& to) {
  std::string out =
      fmt::format(R"({{"kind":"{}","apiVersion":"{}/{}","request":{{"uid":"{}","desiredAPIVersion":"{}","objects":[)", kKind,
                  kGroup, version, uid, to.kind->api_version());
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (i > 0) out.push_back(',');
    out += api::encode_json(objects[i]);
  }
  return out += "]}}";
}

std::vector<api::Object> read_conversion_review(const std::string& text, std::string_view version, std::string_view uid,
                                                std::span<const api::Object> objects, const api::Schema& to) {
  const api::Object& first = objects.front();
  std::vector<json> answers = converted_objects(parsed(text, first), version, uid, first);
  if (answers.size() != objects.size()) {
    throw FailedConversion(
        fmt::format("{} returned {} objects, expected {}", conversion_of(first), answers.size(), objects.size()), kPartial);
  }
  std::vector<api::Object> out;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    out.push_back(converted(std::move(answers[i]), objects[i], to, Complaint(first, i, objects.size() > 1)));
  }
  return out;
}

}  // namespace ph::apiserver
