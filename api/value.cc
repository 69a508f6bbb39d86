#include "api/value.h"

#include <algorithm>

#include <nlohmann/json.hpp>
#include "api/json_text.h"

#include "api/codec.h"
#include "api/kinds.h"
#include "api/meaning.h"
#include "api/quantity.h"
#include "api/times.h"
#include "api/untyped.h"
#include "api/views.h"
#include "api/wire.h"
#include "base/assert.h"

namespace ph::api {

namespace pb = google::protobuf;
using Json = nlohmann::json;

namespace {

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// The text of a special message, as JSON shows it without quotes.
std::string special_text(const Schema& schema, const pb::Message& message) {
  std::string out;
  switch (schema.type) {
    case Type::Quantity: return canonical_quantity(static_cast<const meta::v1::Quantity&>(message).string());
    case Type::IntOrString: {
      const auto& both = static_cast<const meta::v1::IntOrString&>(message);
      return both.type() == 1 ? both.str_val() : std::to_string(both.int_val());
    }
    case Type::Time: {
      const auto& time = static_cast<const meta::v1::Time&>(message);
      if (time.has_seconds()) append_instant({time.seconds(), 0}, false, out);
      return out;
    }
    case Type::MicroTime: {
      const auto& time = static_cast<const meta::v1::MicroTime&>(message);
      if (time.has_seconds()) append_instant({time.seconds(), time.nanos()}, true, out);
      return out;
    }
    case Type::Duration: return duration_text(Duration(static_cast<const meta::v1::Duration&>(message).duration()));
    case Type::RawJson: return message.GetReflection()->GetString(message, message.GetDescriptor()->field(0));
    default: return out;
  }
}

// The entry of a map with a key; -1: none.
int find_entry(const pb::Message& holder, const pb::FieldDescriptor* field, std::string_view key) {
  const pb::Reflection& reflection = *holder.GetReflection();
  const pb::FieldDescriptor* key_field = field->message_type()->map_key();
  for (int i = 0; i < reflection.FieldSize(holder, field); ++i) {
    const pb::Message& entry = reflection.GetRepeatedMessage(holder, field, i);
    if (entry.GetReflection()->GetString(entry, key_field) == key) return i;
  }
  return -1;
}

// By way of another message: parsing into a map that was looked at by reflection loses what is parsed.
void merge_records(pb::Message& message, const std::string& records) {
  const std::unique_ptr<pb::Message> added(message.New());
  if (!wire::parse(records, *added)) throw DecodeError("invalid UTF-8 in a string");
  message.MergeFrom(*added);
}

}  // namespace

// -- Views

Value Value::of(pb::Message& message) { return {schema_of(message), &message}; }

Value Value::of(const pb::Message& message) {
  Value out(schema_of(message), const_cast<pb::Message*>(&message));
  out.read_only_ = true;
  return out;
}

namespace {

// What is not typed is seen as what it is: objects field by field, lists as a whole.
struct Untyped {
  Schema any, map, list;
  Untyped() {
    for (Schema* schema : {&any, &map, &list}) schema->custom = schema->nullable = true;
    any.type = Type::RawJson;
    map.type = Type::Map;
    list.type = Type::List;
    list.atomic = true;
    map.element = list.element = &any;
  }
};

}  // namespace

const Schema& as_it_is(const Schema& schema, const Json& document) {
  if (schema.type != Type::RawJson || !schema.custom || schema.atomic) return schema;
  static const Untyped untyped;
  return document.is_object() ? untyped.map : document.is_array() ? untyped.list : schema;
}

Value Value::of(Json& document, const Schema& schema) {
  Value out(as_it_is(schema, document), &document);
  out.document_ = true;
  return out;
}

Value Value::of(const Json& document, const Schema& schema) {
  Value out = of(const_cast<Json&>(document), schema);
  out.read_only_ = true;
  return out;
}

Value Value::of(Json& members, meta::v1::ObjectMeta& metadata, const Schema& schema) {
  Value out = of(members, schema);
  out.metadata_ = &metadata;
  return out;
}

Value Value::of(const Json& members, const meta::v1::ObjectMeta& metadata, const Schema& schema) {
  Value out = of(members, schema);
  out.metadata_ = const_cast<meta::v1::ObjectMeta*>(&metadata);
  return out;
}

pb::Message& Value::message() const { return *static_cast<pb::Message*>(node_); }
Json& Value::document() const { return *static_cast<Json*>(node_); }

Value Value::of_message(pb::Message& message, const Schema& schema) const {
  Value out(schema, &message);
  out.read_only_ = read_only_;
  // A list in a message of its own is that message's one field.
  if (schema.type == Type::List) out.field_ = schema.descriptor->field(0);
  return out;
}

Value Value::member(const Field& field) const {
  if (!node_) return {};
  if (schema_->type == Type::Map) return entry(field.name);
  PH_ASSERT(schema_->type == Type::Struct);
  if (is_apart(field)) return of_message(*metadata_, *field.schema);
  Value found = document_ ? member_of_document(field) : member_of_message(field);
  return found ? Meaning::present(found, field) : found;
}

Value Value::member(std::string_view json_name) const {
  if (!node_ || (schema_->type != Type::Struct && schema_->type != Type::Map)) return {};
  if (schema_->type == Type::Map) return schema_->custom ? entry(json_name) : Value();
  const Field* field = schema_->field(json_name);
  return field ? member(*field) : Value();
}

Value Value::at_path(std::string_view dotted) const {
  Value at = *this;
  while (at && !dotted.empty()) {
    const auto dot = std::min(dotted.find('.'), dotted.size());
    at = at.member(dotted.substr(0, dot));
    dotted.remove_prefix(std::min(dot + 1, dotted.size()));
  }
  return at;
}

Value Value::member_of_document(const Field& field) const {
  if (!document().is_object()) return {};
  const auto found = document().find(field.name);
  const bool null = found == document().end() || (found->is_null() && !field.schema->nullable);
  static const Json kEmpty = Json::object();
  if (null && !is_always_there(field)) return {};
  Json* const inner = null ? const_cast<Json*>(&kEmpty) : &*found;
  Value out(as_it_is(*field.schema, *inner), inner);
  if (null && !read_only_) out.node_ = &(document()[field.name] = Json::object());
  out.document_ = true;
  out.read_only_ = read_only_;
  return out;
}

Value Value::member_of_message(const Field& field) const {
  pb::Message* holder = &message();
  for (std::size_t i = 0; i + 1 < field.path.size(); ++i) {
    const pb::Reflection& reflection = *holder->GetReflection();
    const bool has = reflection.HasField(*holder, field.path[i]);
    // What is absent is read from the default message, which nobody writes to.
    holder = has || !read_only_ ? reflection.MutableMessage(holder, field.path[i])
                                : const_cast<pb::Message*>(&reflection.GetMessage(*holder, field.path[i]));
  }
  const pb::FieldDescriptor* last = field.path.back();
  const pb::Reflection& reflection = *holder->GetReflection();
  if (last->is_repeated() || !last->message_type()) {
    const bool absent = field.pointer && !reflection.HasField(*holder, last);
    if (absent) return {};
    Value out(*field.schema, holder);
    out.field_ = last;
    out.read_only_ = read_only_;
    return out;
  }
  const bool has = reflection.HasField(*holder, last);
  if (!has && !is_always_there(field)) return {};
  pb::Message* inner = has || !read_only_ ? reflection.MutableMessage(holder, last)
                                          : const_cast<pb::Message*>(&reflection.GetMessage(*holder, last));
  return of_message(*inner, *field.schema);
}

// -- Scalars

bool Value::boolean() const {
  if (!node_ || schema_->type != Type::Bool) return false;
  if (document_) return document().is_boolean() && document().get<bool>();
  const pb::Reflection& reflection = *message().GetReflection();
  return index_ < 0 ? reflection.GetBool(message(), field_) : reflection.GetRepeatedBool(message(), field_, index_);
}

std::int64_t Value::integer() const {
  if (!node_) return 0;
  if (document_) return document().is_number_integer() ? document().get<std::int64_t>() : 0;
  const bool list_item = index_ >= 0;
  switch (schema_->type) {
    case Type::Int32: {
      const pb::Reflection& reflection = *message().GetReflection();
      return list_item ? reflection.GetRepeatedInt32(message(), field_, index_) : reflection.GetInt32(message(), field_);
    }
    case Type::Int64: {
      const pb::Reflection& reflection = *message().GetReflection();
      return list_item ? reflection.GetRepeatedInt64(message(), field_, index_) : reflection.GetInt64(message(), field_);
    }
    case Type::Double: return static_cast<std::int64_t>(number());
    case Type::IntOrString: return static_cast<const meta::v1::IntOrString&>(message()).int_val();
    default: return 0;
  }
}

double Value::number() const {
  if (!node_) return 0;
  if (document_) return document().is_number() ? document().get<double>() : 0;
  if (schema_->type != Type::Double) return static_cast<double>(integer());
  const pb::Reflection& reflection = *message().GetReflection();
  return index_ < 0 ? reflection.GetDouble(message(), field_) : reflection.GetRepeatedDouble(message(), field_, index_);
}

std::string Value::text() const {
  if (!node_) return {};
  const Type type = schema_->type;
  if (document_) {
    if (!document().is_string()) return document().is_null() ? std::string() : dumped(document());
    std::string out = document().get<std::string>();
    return type == Type::Quantity ? canonical_quantity(out) : out;
  }
  switch (type) {
    case Type::Bool: return boolean() ? "true" : "false";
    case Type::Int32:
    case Type::Int64: return std::to_string(integer());
    case Type::Double: return dumped(number());
    case Type::String:
    case Type::Bytes: {
      const pb::Reflection& reflection = *message().GetReflection();
      return index_ < 0 ? reflection.GetString(message(), field_) : reflection.GetRepeatedString(message(), field_, index_);
    }
    case Type::Struct:
    case Type::List:
    case Type::Map: return {};
    default: return special_text(*schema_, message());
  }
}

Json Value::json() const {
  if (!node_) return nullptr;
  if (!document_) return json_of_message();
  Json out = document();
  if (metadata_) out["metadata"] = to_json(*metadata_);
  return out;
}

Json Value::json_of_message() const {
  std::string out;
  switch (schema_->type) {
    case Type::Bool: return boolean();
    case Type::Int32:
    case Type::Int64: return integer();
    case Type::Double: return number();
    case Type::String: return text();
    case Type::Bytes: transcode_to_json(*schema_, text(), false, out); return Json::parse(out);
    case Type::List: {
      Json list = Json::array();
      for (std::size_t i = 0; i < size(); ++i) list.push_back(item(i).json());
      return list;
    }
    case Type::Map: {
      Json map = Json::object();
      for (const std::string& key : keys()) map[key] = entry(key).json();
      return map;
    }
    default: break;
  }
  const std::string bytes = schema_->type == Type::Struct ? encode_protobuf(message()) : message().SerializeAsString();
  transcode_to_json(*schema_, bytes, false, out);
  return parse_written(out);
}

// -- Lists and maps

std::size_t Value::size() const {
  if (!node_) return 0;
  if (document_) return document().is_array() ? document().size() : 0;
  return static_cast<std::size_t>(message().GetReflection()->FieldSize(message(), field_));
}

Value Value::item(std::size_t index) const {
  if (index >= size()) return {};
  if (document_) {
    if (!document().is_array()) return {};
    Value out = of(document()[index], *schema_->element);
    out.read_only_ = read_only_;
    return out;
  }
  if (field_->message_type()) {
    const pb::Reflection& reflection = *message().GetReflection();
    const int i = static_cast<int>(index);
    return of_message(read_only_ ? const_cast<pb::Message&>(reflection.GetRepeatedMessage(message(), field_, i))
                                 : *reflection.MutableRepeatedMessage(&message(), field_, i),
                      *schema_->element);
  }
  Value out = *this;
  out.schema_ = schema_->element;
  out.index_ = static_cast<std::int32_t>(index);
  return out;
}

std::vector<std::string> Value::keys() const {
  std::vector<std::string> out;
  if (!node_) return out;
  if (document_) {
    if (document().is_object()) {
      for (const auto& [key, value] : document().items()) {
        const Field* own = value.is_null() && schema_->custom ? schema_->field(key) : nullptr;
        const bool absent = value.is_null() && schema_->custom && !(own ? own->schema : schema_->element)->nullable;
        if (!absent) out.push_back(key);
      }
    }
  } else {
    const pb::Reflection& reflection = *message().GetReflection();
    for (int i = 0; i < reflection.FieldSize(message(), field_); ++i) {
      const pb::Message& entry = reflection.GetRepeatedMessage(message(), field_, i);
      out.push_back(entry.GetReflection()->GetString(entry, field_->message_type()->map_key()));
    }
  }
  std::ranges::sort(out);
  return out;
}

Value Value::entry(std::string_view key) const {
  if (!node_) return {};
  if (document_) {
    if (!document().is_object()) return {};
    const auto found = document().find(std::string(key));
    const Field* own = schema_->field(key);
    const Schema& schema = own ? *own->schema : *schema_->element;
    if (found == document().end() || (found->is_null() && schema_->custom && !schema.nullable)) return {};
    Value out = of(*found, schema);
    out.read_only_ = read_only_;
    return out;
  }
  const int i = find_entry(message(), field_, key);
  if (i < 0) return {};
  const pb::Reflection& reflection = *message().GetReflection();
  const pb::FieldDescriptor* value = field_->message_type()->map_value();
  // Only a list within an entry can be changed in place; the rest is set as a whole.
  const bool changeable = !read_only_ && schema_->element->type == Type::List;
  pb::Message& entry = changeable ? *reflection.MutableRepeatedMessage(&message(), field_, i)
                                  : const_cast<pb::Message&>(reflection.GetRepeatedMessage(message(), field_, i));
  if (value->message_type()) {
    pb::Message& inner = changeable ? *entry.GetReflection()->MutableMessage(&entry, value)
                                    : const_cast<pb::Message&>(entry.GetReflection()->GetMessage(entry, value));
    return of_message(inner, *schema_->element);
  }
  Value out(*schema_->element, &entry);
  out.field_ = value;
  out.read_only_ = read_only_;
  return out;
}

// -- Changes

void Value::set_member(const Field& field, const Json& value) const {
  if (node_ && schema_->type == Type::Map) return set_entry(field.name, value);
  PH_ASSERT(node_ && !read_only_ && schema_->type == Type::Struct);
  if (value.is_null()) return clear_member(field);
  if (is_apart(field)) {
    meta::v1::ObjectMeta decoded;
    from_json(value, decoded);
    *metadata_ = std::move(decoded);
    return;
  }
  if (document_) {
    document()[field.name] = value;
    return;
  }
  const std::string records = wire::records_of_json(static_cast<unsigned>(field.number), *field.schema, dumped(value));
  clear_member(field);
  pb::Message* holder = &message();
  for (std::size_t i = 0; i + 1 < field.path.size(); ++i) holder = holder->GetReflection()->MutableMessage(holder, field.path[i]);
  merge_records(*holder, records);
}

void Value::clear_member(const Field& field) const {
  if (node_ && schema_->type == Type::Map) return clear_entry(field.name);
  PH_ASSERT(node_ && !read_only_ && schema_->type == Type::Struct);
  if (is_apart(field)) return metadata_->Clear();
  if (document_) {
    document().erase(field.name);
    return;
  }
  pb::Message* holder = &message();
  for (std::size_t i = 0; i + 1 < field.path.size(); ++i) {
    if (!holder->GetReflection()->HasField(*holder, field.path[i])) return;
    holder = holder->GetReflection()->MutableMessage(holder, field.path[i]);
  }
  holder->GetReflection()->ClearField(holder, field.path.back());
}

void Value::take_member(const Field& field, const Value& from) const {
  PH_ASSERT(node_ && !read_only_ && !document_ && schema_->type == Type::Struct);
  PH_ASSERT(from.node_ && !from.read_only_ && !from.document_ && from.schema_ == schema_);
  clear_member(field);
  pb::Message* source = &from.message();
  pb::Message* target = &message();
  for (std::size_t i = 0; i + 1 < field.path.size(); ++i) {
    if (!source->GetReflection()->HasField(*source, field.path[i])) return;
    source = source->GetReflection()->MutableMessage(source, field.path[i]);
    target = target->GetReflection()->MutableMessage(target, field.path[i]);
  }
  source->GetReflection()->SwapFields(source, target, {field.path.back()});
}

void Value::take_members(const Field& field, std::span<const Field* const> within, const Value& from) const {
  PH_ASSERT(node_ && !read_only_ && !document_ && field.schema->type == Type::Struct);
  PH_ASSERT(from.node_ && !from.read_only_ && !from.document_ && from.schema_ == schema_);
  pb::Message* source = &from.message();
  pb::Message* target = &message();
  for (const Descriptor* step : field.path) {
    if (!source->GetReflection()->HasField(*source, step)) return;
    source = source->GetReflection()->MutableMessage(source, step);
    target = target->GetReflection()->MutableMessage(target, step);
  }
  for (const Field* member : within) Value(*field.schema, target).take_member(*member, Value(*field.schema, source));
}

void Value::set_entry(std::string_view key, const Json& value) const {
  PH_ASSERT(node_ && !read_only_ && schema_->type == Type::Map);
  if (value.is_null()) return clear_entry(key);
  if (document_) {
    document()[std::string(key)] = value;
    return;
  }
  const std::string content = wire::records_of_json(2, *schema_->element, dumped(value));
  clear_entry(key);
  std::string records;
  wire::Writer writer(records);
  const std::size_t mark = writer.open(static_cast<unsigned>(field_->number()));
  writer.bytes(1, key);
  records.append(content);
  writer.close(mark);
  merge_records(message(), records);
}

void Value::clear_entry(std::string_view key) const {
  PH_ASSERT(node_ && !read_only_ && schema_->type == Type::Map);
  if (document_) {
    document().erase(std::string(key));
    return;
  }
  const int i = find_entry(message(), field_, key);
  if (i < 0) return;
  const pb::Reflection& reflection = *message().GetReflection();
  reflection.SwapElements(&message(), field_, i, reflection.FieldSize(message(), field_) - 1);
  reflection.RemoveLast(&message(), field_);
}

void Value::append(const Json& value) const {
  PH_ASSERT(node_ && !read_only_ && schema_->type == Type::List);
  if (document_) {
    document().push_back(value);
    return;
  }
  merge_records(message(), wire::records_of_json(static_cast<unsigned>(field_->number()), *schema_->element, dumped(value)));
}

void Value::remove_item(std::size_t index) const {
  PH_ASSERT(node_ && !read_only_ && schema_->type == Type::List);
  PH_ASSERT(index < size());
  if (document_) {
    document().erase(index);
    return;
  }
  const pb::Reflection& reflection = *message().GetReflection();
  const int last = reflection.FieldSize(message(), field_) - 1;
  for (int i = static_cast<int>(index); i < last; ++i) reflection.SwapElements(&message(), field_, i, i + 1);
  reflection.RemoveLast(&message(), field_);
}

// -- Zero and equal

struct Value::MessageLeaf {
  const Value& value;
  mutable std::string scratch;  // protobuf asks for it, and does not use it for texts of its usual kind

  template <class Special>
  const Special& as() const {
    return static_cast<const Special&>(value.message());
  }
  std::optional<bool> boolean() const { return value.boolean(); }
  std::optional<std::int64_t> integer(Type) const { return value.integer(); }
  std::optional<double> number() const { return value.number(); }
  std::optional<std::string_view> text() const {
    const pb::Message& message = value.message();
    const pb::Reflection& reflection = *message.GetReflection();
    return value.index_ < 0 ? reflection.GetStringReference(message, value.field_, &scratch)
                            : reflection.GetRepeatedStringReference(message, value.field_, value.index_, &scratch);
  }
  std::optional<std::string_view> quantity() const { return as<meta::v1::Quantity>().string(); }
  std::optional<wire::IntOrText> int_or_text() const {
    const auto& both = as<meta::v1::IntOrString>();
    return wire::IntOrText{.is_text = both.type() == 1, .number = both.int_val(), .text = both.str_val()};
  }
  std::optional<wire::Stamp> stamp(Type type) const {
    return type == Type::Time ? stamp_of(as<meta::v1::Time>()) : stamp_of(as<meta::v1::MicroTime>());
  }
  std::optional<std::int64_t> duration() const { return as<meta::v1::Duration>().duration(); }
  bool is_nothing(Type) const { return value.message().ByteSizeLong() == 0; }

 private:
  template <class Time>
  static wire::Stamp stamp_of(const Time& time) {
    return {.set = time.has_seconds() && time.seconds() != wire::kZeroTime, .seconds = time.seconds(), .nanos = time.nanos()};
  }
};

struct Value::DocumentLeaf {
  const Json& document;
  mutable std::string scratch;

  std::optional<bool> boolean() const { return document.is_boolean() ? std::optional(document.get<bool>()) : std::nullopt; }
  std::optional<std::int64_t> integer(Type) const {
    if (document.is_number_integer()) return document.get<std::int64_t>();
    if (document.is_number_float() && document == 0) return 0;
    return std::nullopt;
  }
  std::optional<double> number() const { return document.is_number() ? std::optional(document.get<double>()) : std::nullopt; }
  std::optional<std::string_view> text() const {
    if (!document.is_string()) return std::nullopt;
    return document.get_ref<const std::string&>();
  }
  // Numbers are quantities too.
  std::optional<std::string_view> quantity() const {
    if (!document.is_number()) return text();
    return scratch = dumped(document);
  }
  std::optional<wire::IntOrText> int_or_text() const {
    if (document.is_string()) return wire::IntOrText{.is_text = true, .number = 0, .text = *text()};
    const std::optional<std::int64_t> number = integer(Type::Int32);
    if (!number || *number != static_cast<std::int32_t>(*number)) return std::nullopt;
    return wire::IntOrText{.is_text = false, .number = static_cast<std::int32_t>(*number), .text = {}};
  }
  std::optional<wire::Stamp> stamp(Type) const {
    if (document.is_null()) return wire::Stamp();
    const auto instant = document.is_string() ? parse_instant(*text()) : std::nullopt;
    if (!instant) return std::nullopt;
    return wire::Stamp{.set = instant->seconds != wire::kZeroTime, .seconds = instant->seconds, .nanos = instant->nanos};
  }
  std::optional<std::int64_t> duration() const {
    const auto duration = document.is_string() ? parse_duration(*text()) : std::nullopt;
    return duration ? std::optional<std::int64_t>(duration->count()) : std::nullopt;
  }
  bool is_nothing(Type) const { return document.is_null(); }
};

// Certainly holds nothing: no items, no entries, no members.
bool Value::is_bare() const {
  if (document_) return metadata_ == nullptr && document().empty();
  return schema_->type != Type::Struct && size() == 0;
}

bool Value::is_zero_leaf() const {
  return document_ ? Meaning::is_zero_leaf(DocumentLeaf{document(), {}}, schema_->type)
                   : Meaning::is_zero_leaf(MessageLeaf{*this, {}}, schema_->type);
}

bool Value::equal(const Value& a, const Value& b) {
  if (!a || !b) return !a && !b;
  if (a.document_ && b.document_ && a.schema().custom) return a.document() == b.document();
  return Meaning::equal_parts(a, b);
}

bool Value::equal_leaves(const Value& a, const Value& b) {
  const auto as_json = [&] { return a.json() == b.json(); };
  const auto equal = [&](const auto& left, const auto& right) {
    return Meaning::equal_leaves(left, right, a.schema().type, Amounts::Meant, as_json);
  };
  if (!a.document_ && !b.document_) return equal(MessageLeaf{a, {}}, MessageLeaf{b, {}});
  if (a.document_ && b.document_) return equal(DocumentLeaf{a.document(), {}}, DocumentLeaf{b.document(), {}});
  const Json left = a.json(), right = b.json();
  return equal(DocumentLeaf{left, {}}, DocumentLeaf{right, {}});
}

}  // namespace ph::api
