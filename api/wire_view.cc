#include "api/wire_view.h"

#include <algorithm>
#include <bit>

#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/meaning.h"
#include "api/views.h"
#include "base/assert.h"

namespace ph::api::wire {

namespace {

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
  return Meaning::present(View(schema, slot.item, 1), field);
}

bool View::is_bare() const { return schema_->type == Type::List ? size() == 0 : item_.bytes.empty(); }

bool View::is_zero_leaf() const { return Meaning::is_zero_leaf(Leaf{item_}, schema_->type); }

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
    case Type::Double: return nlohmann::json(std::bit_cast<double>(item_.number)).dump();
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
  return same_bytes(a, b) || Meaning::equal_parts(a, b);
}

bool View::equal_leaves(const View& a, const View& b) {
  return Meaning::equal_leaves(Leaf{a.item_}, Leaf{b.item_}, a.schema().type, Amounts::Shown,
                               [&] { return equal_raw(a.item_.bytes, b.item_.bytes, a.schema()); });
}

}  // namespace ph::api::wire
