// JSON from protobuf bytes, by tables. Messages are encoded by way of their bytes, so there is one writer of JSON.
#include <bit>
#include <charconv>

#include <google/protobuf/message.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_text.h"
#include "api/meaning.h"
#include "api/times.h"
#include "api/wire.h"

namespace ph::api {

namespace pb = google::protobuf;

namespace {

// A message came in several records: the tables cannot say what it means, protobuf's own parser can.
struct InPieces {};

void append_integer(std::int64_t value, std::string& out) {
  char buffer[24];
  const auto [end, error] = std::to_chars(buffer, std::end(buffer), value);
  out.append(buffer, static_cast<std::size_t>(end - buffer));
}

class JsonWriter {
 public:
  JsonWriter(std::string& out, Within within) : out_(out), within_(within) {}

  void structure(const Schema& schema, std::string_view bytes, bool with_kind) {
    const wire::Plan& plan = *schema.plan();
    const wire::Index index(plan, bytes);
    if (index.merged()) throw InPieces();
    out_.push_back('{');
    bool first = true;
    if (with_kind && schema.kind) {
      out_.append(plan.kind_json);
      first = false;
    }
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
      const Field& field = schema.fields[i];
      if (!shown(field, index[i])) continue;
      if (!first) out_.push_back(',');
      first = false;
      out_.append(plan.json_keys[i]);
      // The items of a list that has none are [], as a server answers.
      const bool no_items = schema.kind && !index[i].count && field.name == "items";
      // Items of a kind's own list are told by the list.
      const bool has_kinds = within_ == Within::AsServed && !schema.kind && field.schema->element && field.schema->element->kind;
      no_items ? void(out_.append("[]")) : member(field, index[i], has_kinds);
    }
    out_.push_back('}');
  }

  void value(const Schema& schema, const wire::Item& item) {
    switch (schema.type) {
      case Type::Bool: out_.append(item.number ? "true" : "false"); return;
      case Type::Int32: return append_integer(static_cast<std::int32_t>(item.number), out_);
      case Type::Int64: return append_integer(static_cast<std::int64_t>(item.number), out_);
      case Type::Double: return append_json_double(std::bit_cast<double>(item.number), out_);
      case Type::String: return append_json_string(item.bytes, out_);
      case Type::Bytes:
        out_.push_back('"');
        append_base64(item.bytes, out_);
        out_.push_back('"');
        return;
      case Type::Struct: return structure(schema, item.bytes, false);
      case Type::List: return list(item.bytes, 1, *schema.element);
      case Type::Quantity: {
        const std::string_view text = wire::read_first(item.bytes);
        return append_json_string(text.empty() ? "0" : text, out_);
      }
      case Type::IntOrString: {
        const wire::IntOrText both = wire::read_int_or_string(item.bytes);
        return both.is_text ? append_json_string(both.text, out_) : append_integer(both.number, out_);
      }
      case Type::Time:
      case Type::MicroTime: return stamp(wire::read_stamp(item.bytes), schema.type == Type::MicroTime);
      case Type::Duration: return append_json_string(duration_text(Duration(wire::read_duration(item.bytes))), out_);
      case Type::RawJson: return raw(wire::read_first(item.bytes));
      case Type::Union: return alternative(schema, item.bytes);
      case Type::Map: return;  // only ever a member
    }
  }

 private:
  // A member that is not a pointer is left out when zero, unless it is always written; structs are always there.
  static bool shown(const Field& field, const wire::Slot& slot) {
    if (field.always) return true;
    if (field.pointer) return slot.count != 0;
    switch (field.schema->type) {
      case Type::Bool:
      case Type::Int32:
      case Type::Int64:
      case Type::Double:
      case Type::String:
      case Type::Bytes: return !Meaning::is_zero_leaf(wire::Leaf{slot.item}, field.schema->type);
      case Type::List:
      case Type::Map: return slot.count != 0;
      case Type::Time:
      case Type::MicroTime: return !field.omit_zero || wire::read_stamp(slot.item.bytes).set;
      default: return true;
    }
  }

  // `has_kinds`: of a list of objects that say what they are.
  void member(const Field& field, const wire::Slot& slot, bool has_kinds = false) {
    const Schema& schema = *field.schema;
    const bool nil_when_absent =
        field.pointer || schema.type == Type::Map || schema.type == Type::Bytes || schema.type == Type::List;
    if (!slot.count && nil_when_absent) {
      out_.append("null");
      return;
    }
    const auto number = static_cast<unsigned>(field.number);
    if (schema.type == Type::Map) return map(slot, number, *schema.element);
    if (wire::is_many(schema))
      return list({slot.begin, static_cast<std::size_t>(slot.end - slot.begin)}, number, *schema.element, has_kinds);
    value(schema, slot.item);
  }

  // The one member that is there; a bool that is alone shows itself.
  void alternative(const Schema& schema, std::string_view bytes) {
    const wire::Index index(*schema.plan(), bytes);
    if (index.merged()) throw InPieces();
    const Field* flag = nullptr;
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
      const Field& field = schema.fields[i];
      if (field.schema->type == Type::Bool) flag = &field;
      else if (index[i].count) return member(field, index[i]);
    }
    if (!flag) return void(out_.append("null"));
    out_.append(index[static_cast<std::size_t>(flag - schema.fields.data())].item.number ? "true" : "false");
  }

  void list(std::string_view records, unsigned number, const Schema& element, bool has_kinds = false) {
    char before = '[';
    wire::for_each(records, number, wire::wire_type(element.type), [&](const wire::Item& item) {
      out_.push_back(before);
      before = ',';
      has_kinds ? structure(element, item.bytes, true) : value(element, item);
    });
    if (before == '[') out_.push_back('[');
    out_.push_back(']');
  }

  void map(const wire::Slot& slot, unsigned number, const Schema& element) {
    char before = '{';
    for (const wire::Entry& entry : wire::entries_of(slot, number)) {
      out_.push_back(before);
      before = ',';
      append_json_string(entry.key, out_);
      out_.push_back(':');
      value(element, entry.value);
    }
    out_.push_back('}');
  }

  void stamp(const wire::Stamp& stamp, bool micro) {
    if (!stamp.set) {
      out_.append("null");
      return;
    }
    out_.push_back('"');
    append_instant({stamp.seconds, stamp.nanos}, micro, out_);
    out_.push_back('"');
  }

  // JSON as it is, or a whole object in an envelope.
  void raw(std::string_view raw) {
    if (raw.empty()) {
      out_.append("null");
      return;
    }
    if (raw.starts_with(std::string_view("k8s\0", 4))) return object(open_envelope(raw));
    if (const std::string error = json_syntax_error(raw, 10'000); !error.empty()) {
      throw DecodeError("json: error calling MarshalJSON for type runtime.RawExtension: " + error);
    }
    append_compact_json(raw, true, out_);
  }

  void object(const Envelope& envelope) {
    if (envelope.content_type == "application/json") return raw(envelope.raw);
    const Schema* schema = Scheme::builtin().find(envelope.kind);
    if (!schema)
      throw DecodeError("no kind \"" + envelope.kind.kind + "\" is registered for version \"" + envelope.kind.api_version() +
                        "\"");
    structure(*schema, envelope.raw, true);
  }

  std::string& out_;
  const Within within_;
};

}  // namespace

void transcode_to_json(const Schema& schema, std::string_view protobuf, bool with_kind, std::string& out, Within within) {
  const std::size_t before = out.size();
  try {
    if (schema.type == Type::Struct) return JsonWriter(out, within).structure(schema, protobuf, with_kind);
    return JsonWriter(out, within).value(schema, {.bytes = protobuf});
  } catch (const InPieces&) {
    out.resize(before);
  }
  const auto message = Scheme::builtin().make(schema);
  decode_protobuf(protobuf, *message);
  const std::string whole = encode_protobuf(*message);
  if (schema.type == Type::Struct) return JsonWriter(out, within).structure(schema, whole, with_kind);
  JsonWriter(out, within).value(schema, {.bytes = whole});
}

std::string encode_json(const pb::Message& message, JsonStyle style) {
  const Schema& schema = schema_of(message);
  std::string out;
  if (schema.type == Type::Struct) {
    transcode_to_json(schema, encode_protobuf(message), true, out);
  } else {
    transcode_to_json(schema, message.SerializeAsString(), true, out);
  }
  return style == JsonStyle::Compact ? out : indent_json(out);
}

nlohmann::json to_json(const pb::Message& message) { return parse_written(encode_json(message)); }

}  // namespace ph::api
