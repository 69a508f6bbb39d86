// Defaults of a schema, and what becomes of null.
#include <nlohmann/json.hpp>

#include "api/structural/tree.h"

namespace ph::api::structural {

namespace {

bool is_unwanted_null(const Json& value, const Node* node) { return value.is_null() && node && !node->nullable; }

Json default_of(const Node& node) { return node.default_value ? *node.default_value : Json(); }

void prune_nulls(Json& value, const Node* node) {
  if (!node) return;
  if (value.is_array()) {
    for (Json& item : value) prune_nulls(item, node->items);
  }
  if (!value.is_object()) return;
  for (auto member = value.begin(); member != value.end();) {
    const Node* known = node->member(member.key());
    if (is_unwanted_null(*member, known)) {
      member = value.erase(member);
    } else {
      prune_nulls(*member, known);
      ++member;
    }
  }
}

}  // namespace

void default_value(Json& value, const Node& node) {
  if (value.is_object()) {
    for (const auto& [name, property] : node.properties) {
      if (!property->default_value) continue;
      const auto found = value.find(name);
      if (found == value.end()) value[name] = *property->default_value;
      else if (is_unwanted_null(*found, property)) *found = *property->default_value;
    }
    for (auto& [name, member] : value.items()) {
      const Node* own = node.property(name);
      const Node* known = own ? own : node.additional;
      if (!known) continue;
      if (!own && is_unwanted_null(member, known)) member = default_of(*known);
      default_value(member, *known);
    }
  } else if (value.is_array() && node.items) {
    for (Json& item : value) {
      if (is_unwanted_null(item, node.items)) item = default_of(*node.items);
      default_value(item, *node.items);
    }
  }
}

void Structural::fill_defaults(Json& document) const { default_value(document, root()); }

void Structural::apply_defaults(Json& document) const {
  fill_defaults(document);
  prune_nulls(document, &root());
}

}  // namespace ph::api::structural
