// Answers from stored bytes without building the object.
#include <google/protobuf/descriptor.h>

#include "api/codec.h"
#include "api/times.h"
#include "api/wire.h"

namespace ph::api {

namespace {

// Field numbers that all kinds share.
constexpr unsigned kMetadata = 1;         // of an object
constexpr unsigned kResourceVersion = 6;  // of ObjectMeta
constexpr unsigned kLabels = 11;
constexpr unsigned kRaw = 2;  // of runtime.Unknown

// The last value of a field among the records of a message. Records of another wire type are not the field's.
void find_last(std::string_view bytes, unsigned number, wire::WireType type, wire::Item& out) {
  for (wire::Records in(bytes); in.next();) {
    if (in.is(number, type)) out = in.item();
  }
}

std::string text_of(const Schema& schema, const wire::Item& item) {
  switch (schema.type) {
    case Type::Bool: return item.number ? "true" : "false";
    case Type::Int32: return std::to_string(static_cast<std::int32_t>(item.number));
    case Type::Int64: return std::to_string(static_cast<std::int64_t>(item.number));
    case Type::String:
    case Type::Bytes: return std::string(item.bytes);
    case Type::Quantity: {
      const std::string_view text = wire::read_first(item.bytes);
      return std::string(text.empty() ? "0" : text);
    }
    case Type::IntOrString: {
      const wire::IntOrText both = wire::read_int_or_string(item.bytes);
      return both.is_text ? std::string(both.text) : std::to_string(both.number);
    }
    case Type::Time:
    case Type::MicroTime: {
      std::string out;
      const wire::Stamp stamp = wire::read_stamp(item.bytes);
      if (stamp.set) append_instant({stamp.seconds, stamp.nanos}, schema.type == Type::MicroTime, out);
      return out;
    }
    default: return {};
  }
}

// The records of ObjectMeta with another resource version, at its place in the order.
std::string with_version(std::string_view metadata, std::string_view revision) {
  std::string out;
  out.reserve(metadata.size() + revision.size() + 16);
  wire::Writer writer(out);
  bool written = false;
  for (wire::Records in(metadata); in.next();) {
    if (in.field() >= kResourceVersion && !written) {
      writer.bytes(kResourceVersion, revision);
      written = true;
    }
    if (in.field() != kResourceVersion) out += in.whole();
  }
  if (!written) writer.bytes(kResourceVersion, revision);
  return out;
}

}  // namespace

std::string_view metadata_bytes(std::string_view protobuf) { return wire::member_of(protobuf, kMetadata); }

std::vector<std::pair<std::string_view, std::string_view>> labels_of(std::string_view protobuf) {
  std::vector<wire::Entry> entries;
  wire::for_each(metadata_bytes(protobuf), kLabels, wire::kBytes,
                 [&](const wire::Item& item) { entries.push_back(wire::read_entry(item.bytes)); });
  wire::sort_entries(entries);
  std::vector<std::pair<std::string_view, std::string_view>> out;
  out.reserve(entries.size());
  for (const wire::Entry& entry : entries) out.emplace_back(entry.key, entry.value.bytes);
  return out;
}

std::string scalar_at(const Schema& schema, std::string_view protobuf, std::string_view dotted_path) {
  const Schema* at = &schema;
  wire::Item item{.bytes = protobuf};
  while (!dotted_path.empty()) {
    const auto dot = std::min(dotted_path.find('.'), dotted_path.size());
    const Field* field = at->type == Type::Struct ? at->field(dotted_path.substr(0, dot)) : nullptr;
    if (!field) return {};
    dotted_path.remove_prefix(std::min(dot + 1, dotted_path.size()));
    for (const auto* step : field->path) {
      wire::Item inner;
      const bool last = step == field->path.back();
      find_last(item.bytes, static_cast<unsigned>(step->number()), last ? wire::wire_type(field->schema->type) : wire::kBytes,
                inner);
      item = inner;
    }
    at = field->schema;
  }
  return text_of(*at, item);
}

std::string with_resource_version(std::string_view envelope, std::string_view revision) {
  const std::string_view raw = open_envelope(envelope).raw;
  // The object's metadata mostly is its first record; what stands before and after is copied.
  const std::string_view metadata = metadata_bytes(raw);
  const std::string changed = with_version(metadata, revision);
  std::string body;
  body.reserve(raw.size() + revision.size() + 32);
  wire::Writer body_writer(body);
  if (!metadata.data()) body_writer.bytes(kMetadata, changed);
  for (wire::Records in(raw); in.next();) {
    if (in.field() != kMetadata) body += in.whole();
    else if (metadata.data() && in.text().data() == metadata.data()) body_writer.bytes(kMetadata, changed);
  }
  std::string out(envelope.substr(0, 4));
  out.reserve(envelope.size() + revision.size() + 32);
  wire::Writer writer(out);
  if (!raw.data()) writer.bytes(kRaw, body);
  for (wire::Records in(envelope.substr(4)); in.next();) {
    if (in.field() != kRaw) out += in.whole();
    else if (raw.data() && in.text().data() == raw.data()) writer.bytes(kRaw, body);
  }
  return out;
}

}  // namespace ph::api
