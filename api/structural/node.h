// One schema within a structural schema. Internal to api/structural.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/schema.h"
#include "api/structural/structural.h"

namespace re2 {
class RE2;
}

namespace ph::api::structural {

struct Node;

// What a value must fulfil beyond its type and format: most schemas ask for nothing of it.
struct Demands {
  std::optional<double> maximum, minimum, multiple_of;
  bool exclusive_maximum = false, exclusive_minimum = false;
  std::optional<std::int64_t> max_length, min_length, max_items, min_items, max_properties, min_properties;
  bool unique_items = false;
  std::string pattern;
  const re2::RE2* regex = nullptr;  // of the pattern, when it is one
  std::vector<Json> enum_values;
  std::vector<const Node*> all_of, any_of, one_of;
  const Node* not_ = nullptr;
};

// A server holds one for every property of every custom kind.
struct Node {
  std::string type;  // one, or empty
  bool nullable = false;
  bool int_or_string = false;
  bool embedded = false;  // a resource
  bool preserve_unknown = false;
  std::vector<std::pair<std::string, const Node*>> properties;  // by name
  const Node* items = nullptr;
  bool has_additional = false;  // additionalProperties were given: a schema, or whether any are allowed
  bool allows_additional = true;
  const Node* additional = nullptr;
  std::shared_ptr<const Json> default_value;
  std::string list_type, map_type;
  std::vector<std::string> list_map_keys;
  std::string format;  // one that is checked, without dashes; or empty
  std::vector<std::string> required;
  std::unique_ptr<const Demands> own_demands;  // null: none

  // As values are judged: of an int-or-string two, of one without a type none.
  std::span<const std::string> types() const;
  const Demands& demands() const;

  const Node* property(std::string_view name) const {
    const auto name_of = [](const auto& property) -> std::string_view { return property.first; };
    const auto found = std::ranges::lower_bound(properties, name, {}, name_of);
    return found == properties.end() || found->first != name ? nullptr : found->second;
  }
  // Of the member `name` of an object, null: none.
  const Node* member(std::string_view name) const {
    const Node* own = property(name);
    return own ? own : additional;
  }
};

// The trees of a structural schema, and what they refer to.
struct Forest {
  std::deque<Node> nodes;
  std::deque<Schema> schemas;
  std::map<std::tuple<Type, bool, bool>, const Schema*> scalars;  // by type, whether nullable, whether atomic
  std::map<std::string, std::unique_ptr<re2::RE2>, std::less<>> patterns;

  Forest();
  ~Forest();
  const Node* add(const JSONSchemaProps& props);
  // The api::Schema of a node; the root of a kind has its kind and metadata.
  const Schema* schema_of(const Node& node, const GroupVersionKind* kind = nullptr);

 private:
  const re2::RE2* compiled(const std::string& pattern);
  std::unique_ptr<const Demands> demands_of(const JSONSchemaProps& props);
  Schema& add_schema(const Node& node, Type type);
  const Schema* scalar_of(const Node& node);
  const Schema* object_of(const Node& node, const GroupVersionKind* kind);
  const Schema* list_of(const Node& node);
};

// Where in a document something is: a chain on the stack, spelled out only for a complaint.
struct Place {
  const Place* up = nullptr;
  std::string_view name;  // of a member
  std::size_t index = 0;  // of a list's item, when there is no name
  enum Kind : unsigned char { kRoot, kMember, kKey, kIndex } kind = kRoot;

  Place member(std::string_view member) const { return {this, member, 0, kMember}; }
  Place key(std::string_view key) const { return {this, key, 0, kKey}; }
  Place item(std::size_t at) const { return {this, {}, at, kIndex}; }
  // spec.list[0].foo, spec.map[key]; after `before`.
  std::string text(std::string_view before = {}) const;
};

// Metadata that a document has, or that is held apart from it.
inline constexpr std::string_view kApiVersion = "apiVersion", kKind = "kind", kMetadata = "metadata";
inline bool is_meta_field(std::string_view name) { return name == kApiVersion || name == kKind || name == kMetadata; }

}  // namespace ph::api::structural
