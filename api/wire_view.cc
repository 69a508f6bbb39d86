#include "api/wire_view.h"

#include <algorithm>
#include <bit>

#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/quantity.h"
#include "base/assert.h"

namespace ph::api::wire {

namespace {

double to_double(const Item& item) { return std::bit_cast<double>(item.number); }

bool is_many(const Schema& schema) { return schema.type == Type::Map || (schema.type == Type::List && !schema.descriptor); }

// A struct that is always written is there: bytes that lack it mean an empty one.
bool is_always_there(const Field& field) { return field.schema->type == Type::Struct && field.always && !field.pointer; }

bool equal_raw(std::string_view a, std::string_view b, const Schema& schema) {
  const auto json = [&](std::string_view bytes) {
    std::string out;
    transcode_to_json(schema, bytes, false, out);
    return parse_written(out);
  };
  return json(a) == json(b);
}

// With nothing escaped but what JSON demands.
std::string literal_of(std::string_view text) {
  const auto plain = [](char c) { return c >= 0x20 && c != '"' && c != '\\'; };
  if (!std::ranges::all_of(text, plain)) return nlohmann::json(text).dump();
  std::string out = "\"";
  return out.append(text).append(1, '"');
}

}  // namespace

View::Members::Members(const View& of) : schema_(of.schema()), index_(*of.schema().plan(), of.item_.bytes) {
  PH_ASSERT(!index_.merged());
}

View View::Members::operator[](std::size_t member) const {
  const Field& field = schema_.fields[member];
  const Schema& schema = *field.schema;
  const Slot& slot = index_[member];
  if (!slot.count && !is_always_there(field)) return {};
  if (is_many(schema)) {
    const std::string_view records(slot.begin, static_cast<std::size_t>(slot.end - slot.begin));
    return View(schema, {.bytes = records}, static_cast<unsigned>(field.number));
  }
  const View found(schema, slot.item, 1);
  return field.pointer || !found.is_zero(field) ? found : View();
}

// Of a member that is not a pointer: absent by its value.
bool View::is_zero(const Field& field) const {
  switch (schema_->type) {
    case Type::Struct: return !field.always && is_hollow();
    case Type::Bool:
    case Type::Int64: return item_.number == 0;
    case Type::Int32: return static_cast<std::int32_t>(item_.number) == 0;
    case Type::Double: return to_double(item_) == 0;
    case Type::Quantity: {
      const std::string_view text = read_first(item_.bytes);
      return text.empty() || canonical_quantity(text) == "0";
    }
    case Type::IntOrString: {
      const IntOrText both = read_int_or_string(item_.bytes);
      return !both.is_text && both.number == 0;
    }
    case Type::Time:
    case Type::MicroTime: return !read_stamp(item_.bytes).set;
    case Type::Duration: return read_duration(item_.bytes) == 0;
    case Type::RawJson: return read_first(item_.bytes).empty();
    case Type::List: return size() == 0;
    default: return item_.bytes.empty();
  }
}

// A struct without a member. One that is always written counts by what it holds.
bool View::is_hollow() const {
  if (item_.bytes.empty()) return true;
  const Members members(*this);
  for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
    const View member = members[i];
    if (member && !(is_always_there(schema_->fields[i]) && member.is_hollow())) return false;
  }
  return true;
}

std::vector<View> View::items() const {
  std::vector<View> out;
  if (!schema_) return out;
  const Schema& element = *schema_->element;
  for_each(item_.bytes, number_, wire_type(element.type), [&](const Item& item) { out.push_back(View(element, item, 1)); });
  return out;
}

std::vector<std::pair<std::string_view, View>> View::entries() const {
  std::vector<std::pair<std::string_view, View>> out;
  if (!schema_) return out;
  std::vector<Entry> entries;
  for_each(item_.bytes, number_, kBytes, [&](const Item& item) { entries.push_back(read_entry(item.bytes)); });
  sort_entries(entries);
  out.reserve(entries.size());
  for (const Entry& entry : entries) out.emplace_back(entry.key, View(*schema_->element, entry.value, 1));
  return out;
}

std::size_t View::size() const {
  std::size_t count = 0;
  for_each(item_.bytes, number_, wire_type(schema_->element->type), [&](const Item&) { ++count; });
  return count;
}

std::string View::json_text() const {
  switch (schema_->type) {
    case Type::Bool: return item_.number ? "true" : "false";
    case Type::Int32: return std::to_string(static_cast<std::int32_t>(item_.number));
    case Type::Int64: return std::to_string(static_cast<std::int64_t>(item_.number));
    case Type::Double: return nlohmann::json(to_double(item_)).dump();
    case Type::String: return literal_of(item_.bytes);
    case Type::Bytes: {
      std::string out = "\"";
      append_base64(item_.bytes, out);
      return out + '"';
    }
    default: break;
  }
  std::string out;
  transcode_to_json(*schema_, item_.bytes, false, out);
  return parse_written(out).dump();
}

bool View::equal(const View& a, const View& b) {
  if (!a || !b) return !a && !b;
  if (same_bytes(a, b)) return true;
  const Schema& schema = a.schema();
  switch (schema.type) {
    case Type::Struct: return equal_structs(a, b);
    case Type::List: return std::ranges::equal(a.items(), b.items(), equal);
    case Type::Map:
      return std::ranges::equal(a.entries(), b.entries(), [](const auto& left, const auto& right) {
        return left.first == right.first && equal(left.second, right.second);
      });
    case Type::Bool: return (a.item_.number != 0) == (b.item_.number != 0);
    case Type::Int32: return static_cast<std::int32_t>(a.item_.number) == static_cast<std::int32_t>(b.item_.number);
    case Type::Int64: return a.item_.number == b.item_.number;
    case Type::Double: return to_double(a.item_) == to_double(b.item_);
    case Type::String:
    case Type::Bytes: return a.item_.bytes == b.item_.bytes;
    case Type::Quantity: return canonical_quantity(read_first(a.item_.bytes)) == canonical_quantity(read_first(b.item_.bytes));
    case Type::Duration: return read_duration(a.item_.bytes) == read_duration(b.item_.bytes);
    case Type::RawJson:
    case Type::Union: return equal_raw(a.item_.bytes, b.item_.bytes, schema);
    case Type::IntOrString: {
      const IntOrText left = read_int_or_string(a.item_.bytes), right = read_int_or_string(b.item_.bytes);
      return left.is_text == right.is_text && (left.is_text ? left.text == right.text : left.number == right.number);
    }
    case Type::Time:
    case Type::MicroTime: {
      const Stamp left = read_stamp(a.item_.bytes), right = read_stamp(b.item_.bytes);
      if (!left.set || !right.set) return left.set == right.set;
      // As their texts: whole seconds, or whole microseconds.
      const bool micro = schema.type == Type::MicroTime;
      return left.seconds == right.seconds && (!micro || left.nanos / 1000 == right.nanos / 1000);
    }
  }
  return false;
}

bool View::equal_structs(const View& a, const View& b) {
  const Members left(a), right(b);
  for (std::size_t i = 0; i < a.schema().fields.size(); ++i) {
    if (!equal(left[i], right[i])) return false;
  }
  return true;
}

}  // namespace ph::api::wire
