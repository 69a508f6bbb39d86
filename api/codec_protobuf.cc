// Kubernetes' protobuf form and the envelope around it.
#include <google/protobuf/message.h>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/quantity.h"
#include "api/wire.h"
#include "base/assert.h"

namespace ph::api {

namespace pb = google::protobuf;

namespace {

constexpr std::string_view kMagic("k8s\0", 4);

// Whether parsing the bytes needs nothing mended: no unknown fields, quantities canonical. Throws on damage, everywhere.
class Check {
 public:
  bool message(const wire::Plan& plan, std::string_view bytes) {
    // Types that hold themselves may be nested at will: what protobuf will not parse must not exhaust the stack here.
    if (++depth_ > wire::kDepthMax) throw DecodeError("proto: exceeded max depth");
    const bool clean = members(plan, bytes);
    --depth_;
    return clean;
  }

 private:
  bool members(const wire::Plan& plan, std::string_view bytes) {
    const wire::Index index(plan, bytes);
    bool clean = !index.unknown();
    for (std::size_t i = 0; i < plan.schema->fields.size(); ++i) {
      if (index[i].count) clean &= member(plan.schema->fields[i], index[i]);
    }
    return clean;
  }

  bool member(const Field& field, const wire::Slot& slot) {
    const Schema& schema = *field.schema;
    const auto number = static_cast<unsigned>(field.number);
    bool clean = true;
    if (schema.type == Type::Map) {
      wire::for_each(slot, number, wire::kBytes, [&](const wire::Item& item) {
        const wire::Entry entry = wire::read_entry(item.bytes);
        text(entry.key);
        clean &= value(*schema.element, entry.value);
      });
      return clean;
    }
    // A list, or a message in several records, which means their union.
    const bool list = schema.type == Type::List && !schema.descriptor;
    const Schema& each = list ? *schema.element : schema;
    if (wire::wire_type(each.type) != wire::kBytes) return true;
    if (slot.count == 1) return value(each, slot.item);
    wire::for_each(slot, number, wire::kBytes, [&](const wire::Item& item) { clean &= value(each, item); });
    return clean;
  }

  bool value(const Schema& schema, const wire::Item& item) {
    switch (schema.type) {
      case Type::Struct:
      case Type::Union: return message(*schema.plan(), item.bytes);
      case Type::String: return text(item.bytes);
      case Type::Quantity: return quantity(wire::read_first(item.bytes));
      case Type::IntOrString: return text(wire::read_int_or_string(item.bytes).text);
      case Type::List: {
        bool clean = true;
        wire::for_each(item.bytes, 1, wire::wire_type(schema.element->type),
                       [&](const wire::Item& inner) { clean &= value(*schema.element, inner); });
        return clean;
      }
      default: return true;
    }
  }

  static bool text(std::string_view text) {
    if (!is_utf8(text)) throw DecodeError("string field contains invalid UTF-8");
    return true;
  }
  static bool quantity(std::string_view text) {
    if (const std::string_view error = quantity_error(text.empty() ? "0" : text); !error.empty())
      throw DecodeError(std::string(error));
    return canonical_quantity(text) == text;
  }

  int depth_ = 0;
};

void parse(std::string_view bytes, pb::Message& into) {
  if (bytes.size() > INT_MAX) throw DecodeError("proto: message too large");
  // What the check above lets pass, protobuf may still refuse: too deep, or damaged within something unknown.
  if (!wire::parse(bytes, into)) throw DecodeError("proto: illegal wireType");
}

std::string unknown_message(const GroupVersionKind& kind, std::string_view raw) {
  std::string body, type;
  wire::Writer type_writer(type);
  type_writer.bytes(1, kind.api_version());
  type_writer.bytes(2, kind.kind);
  wire::Writer writer(body);
  body.reserve(raw.size() + 64);
  body.append(kMagic);
  writer.bytes(1, type);
  writer.bytes(2, raw);
  writer.bytes(3, {});
  writer.bytes(4, {});
  return body;
}

}  // namespace

std::string encode_protobuf(const pb::Message& message) {
  thread_local std::string scratch;
  scratch.clear();
  PH_ASSERT(message.AppendPartialToString(&scratch));
  std::string out;
  out.reserve(scratch.size() + scratch.size() / 2 + 64);
  wire::normalize(*schema_of(message).plan(), scratch, out);
  return out;
}

void decode_protobuf(std::string_view bytes, pb::Message& into) {
  const wire::Plan& plan = *schema_of(into).plan();
  if (Check().message(plan, bytes)) return parse(bytes, into);
  // The parser makes one message of those that came in pieces; the normal form has nothing unknown.
  parse(bytes, into);
  const std::string clean = encode_protobuf(into);
  parse(clean, into);
}

std::string encode_envelope(const pb::Message& message) {
  const Schema& schema = schema_of(message);
  return unknown_message(schema.kind.value_or(GroupVersionKind{}), encode_protobuf(message));
}

void decode_envelope(std::string_view bytes, pb::Message& into) { decode_protobuf(open_envelope(bytes).raw, into); }

Envelope open_envelope(std::string_view bytes) {
  if (!bytes.starts_with(kMagic))
    throw DecodeError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  Envelope envelope;
  for (wire::Records in(bytes.substr(kMagic.size())); in.next();) {
    if (in.is(1, wire::kBytes)) {
      const auto [version, kind] = wire::text_entry(in.text());
      const auto slash = version.find('/');
      const bool core = slash == std::string_view::npos;
      envelope.kind = {core ? std::string() : std::string(version.substr(0, slash)),
                       std::string(core ? version : version.substr(slash + 1)), std::string(kind)};
    }
    if (in.is(2, wire::kBytes)) envelope.raw = in.text();
    if (in.is(4, wire::kBytes)) envelope.content_type = in.text();
  }
  return envelope;
}

}  // namespace ph::api
