#include "api/encoded.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_member.h"
#include "api/structural/document.h"

namespace ph::api {

using Json = nlohmann::json;
using meta::v1::ObjectMeta;

namespace {

constexpr std::string_view kMetadata = "metadata";
constexpr std::string_view kResourceVersion = "resourceVersion";

bool is_json_text(std::string_view bytes) { return bytes.starts_with('{'); }

std::string dumped(const Json& value) {
  std::string out;
  structural::append_document(value, out);
  return out;
}

// The text of an ObjectMeta with another resource version, which stands where its name sorts.
std::string with_version(std::string_view metadata, std::string_view revision) {
  std::string out = "{";
  bool written = false;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (out.size() > 1) out += ',';
    out.append("\"").append(name).append("\":").append(value);
  };
  const std::string version = "\"" + std::string(revision) + "\"";
  for_each_json_member(metadata, [&](std::string_view name, std::string_view value) {
    if (!written && name >= kResourceVersion) {
      add(kResourceVersion, version);
      written = true;
    }
    if (name != kResourceVersion) add(name, value);
  });
  if (!written) add(kResourceVersion, version);
  out += '}';
  return out;
}

std::string with_version_in_json(std::string_view text, std::string_view revision) {
  const auto metadata = json_member(text, kMetadata);
  if (!metadata) throw DecodeError("an object without metadata");
  const auto begin = static_cast<std::size_t>(metadata->data() - text.data());
  std::string out(text.substr(0, begin));
  out.reserve(text.size() + revision.size() + 32);
  out += with_version(*metadata, revision);
  out += text.substr(begin + metadata->size());
  return out;
}

}  // namespace

Encoded::Encoded(const Schema& schema, std::string_view bytes)
    : schema_(schema), body_(is_json_text(bytes) ? bytes : open_envelope(bytes).raw), json_(is_json_text(bytes)) {}

std::string_view Encoded::metadata(std::string& scratch) const {
  if (!json_) return metadata_bytes(body_);
  ObjectMeta metadata;
  if (const auto text = json_member(body_, kMetadata)) decode_json(*text, metadata);
  return scratch = encode_protobuf(metadata);
}

std::vector<std::pair<std::string_view, std::string_view>> Encoded::labels() const {
  if (!json_) return labels_of(body_);
  std::vector<std::pair<std::string_view, std::string_view>> out;
  const auto labels = json_at(body_, "metadata.labels");
  if (!labels) return out;
  // Neither names nor values of labels hold what would have to be escaped.
  for_each_json_member(*labels, [&](std::string_view name, std::string_view value) {
    if (value.size() >= 2) out.emplace_back(name, value.substr(1, value.size() - 2));
  });
  std::ranges::sort(out);
  return out;
}

std::string Encoded::scalar_at(std::string_view dotted_path) const {
  if (!json_) return api::scalar_at(schema_, body_, dotted_path);
  const auto value = json_at(body_, dotted_path);
  return value ? json_plain(*value) : std::string();
}

void Encoded::append_json(bool with_kind, std::string& out) const {
  if (json_) {
    out += body_;
  } else {
    transcode_to_json(schema_, body_, with_kind, out, Within::AsServed);
  }
}

std::string encode_stored(const Object& object) {
  return object.message() ? encode_envelope(*object.message()) : dumped(to_json(object));
}

void decode_stored(std::string_view bytes, google::protobuf::Message& into) {
  if (is_json_text(bytes)) {
    decode_json(bytes, into);
  } else {
    decode_envelope(bytes, into);
  }
}

Object decode_stored(const Schema& schema, std::string_view bytes) {
  if (schema.descriptor == nullptr) return object_of_document(schema, structural::read_document(bytes));
  Object out = Object::make(schema);
  decode_stored(bytes, *out.message());
  return out;
}

std::string served_bytes(std::string_view stored, std::string_view revision) {
  return is_json_text(stored) ? with_version_in_json(stored, revision) : with_resource_version(stored, revision);
}

std::string encode_json(const Object& object) {
  return object.message() ? encode_json(*object.message()) : dumped(to_json(object));
}

Json to_json(const Object& object) {
  if (object.message()) return to_json(*object.message());
  Json out = object.members();
  out[std::string(kMetadata)] = to_json(object.metadata());
  return out;
}

Object object_of_document(const Schema& schema, Json document) {
  if (schema.descriptor) {
    Object out = Object::make(schema);
    from_json(document, *out.message());
    return out;
  }
  if (!document.is_object()) throw DecodeError("not an object");
  ObjectMeta metadata;
  if (const auto found = document.find(std::string(kMetadata)); found != document.end()) from_json(*found, metadata);
  document.erase(std::string(kMetadata));
  return Object(schema, std::move(metadata), std::move(document));
}

}  // namespace ph::api
