#include "api/patch/literal.h"

#include <optional>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/untyped.h"

namespace ph::api {

using Json = nlohmann::json;

namespace {

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// As Go's %q prints a list of them: ["name" "port"].
std::string in_quotes(std::span<const std::string> names) {
  std::string out = "[";
  for (const std::string& name : names) out.append(out.size() > 1 ? " " : "").append(dumped(name));
  return out + "]";
}

// What an item has that leaves it out: of built-in kinds also the zero of what is always written.
std::optional<Json> default_of(const Field& field) {
  if (!field.default_json.empty()) return Json::parse(field.default_json, nullptr, false);
  if (!field.always) return std::nullopt;
  return field.schema->type == Type::String ? Json("") : Json(0);
}

PathElement key_of(const Schema& list, const Literal& item) {
  if (item.json().is_null()) throw DecodeError("associative list with keys may not have a null element");
  if (!item.json().is_object()) throw DecodeError("associative list with keys may not have non-map elements");
  Json key = Json::object();
  for (const std::string& name : list.list_map_keys) {
    if (const auto found = item.json().find(name); found != item.json().end()) {
      key[name] = *found;
    } else if (const Field* field = list.element->field(name)) {
      if (std::optional<Json> value = default_of(*field)) key[name] = std::move(*value);
    }
  }
  if (!key.empty()) return PathElement::key(dumped(key));
  throw DecodeError(
      fmt::format("associative list with keys has an element that omits all key fields {} (and doesn't have "
                  "default values for any key fields)",
                  in_quotes(list.list_map_keys)));
}

PathElement value_of(const Literal& item) {
  if (item.json().is_object()) throw DecodeError("associative list without keys has an element that's a map type");
  if (item.json().is_array()) throw DecodeError("not supported: associative list with lists as elements");
  if (item.json().is_null()) throw DecodeError("associative list without keys has an element that's an explicit null");
  return PathElement::value(dumped(item.json()));
}

}  // namespace

Literal::Literal(const Schema& schema, const Json& json) : schema_(&as_it_is(schema, json)), json_(&json) {}

bool Literal::is_hollow() const { return json_->is_null() || (json_->is_structured() && json_->empty()); }

bool Literal::equal(const Literal& a, const Literal& b) { return *a.json_ == *b.json_; }

MemberSchema member_schema(const Schema& schema, std::string_view name) {
  if (const Field* field = schema.field(name)) return {field->schema, true};
  return {schema.type == Type::Map ? schema.element : nullptr, false};
}

Literal Literal::member(std::string_view name) const {
  if (!json_->is_object()) return {};
  const auto found = json_->find(name);
  if (found == json_->end()) return {};
  const Schema* schema = member_schema(*schema_, name).schema;
  return schema ? Literal(*schema, *found) : Literal();
}

std::vector<std::pair<std::string, Literal>> Literal::members() const {
  std::vector<std::pair<std::string, Literal>> out;
  if (!json_->is_object()) return out;
  for (const auto& [name, value] : json_->items()) {
    if (const Schema* schema = member_schema(*schema_, name).schema) out.emplace_back(name, Literal(*schema, value));
  }
  return out;
}

std::vector<Literal> Literal::items() const {
  std::vector<Literal> out;
  if (!json_->is_array()) return out;
  out.reserve(json_->size());
  for (const Json& item : *json_) out.emplace_back(*schema_->element, item);
  return out;
}

bool is_leaf(const Schema& schema) {
  switch (schema.type) {
    case Type::Struct:
    case Type::Map: return schema.atomic;
    case Type::List: return schema.atomic || schema.list_type == ListType::Atomic;
    default: return true;
  }
}

PathElement element_of(const Schema& list, const Literal& item) {
  return list.list_type == ListType::Map ? key_of(list, item) : value_of(item);
}

}  // namespace ph::api
