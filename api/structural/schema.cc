// The api::Schema of a structural schema, as upstream's typed patches see it: objects without structure are maps, what has no
// type is taken as it comes, and where unknown fields are kept an object is a map that knows some of its keys.
#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "api/structural/document.h"
#include "api/structural/node.h"

namespace ph::api::structural {

namespace {

bool is_object(const Node& node) {
  return node.type == "object" || (node.type.empty() && (!node.properties.empty() || node.additional));
}

}  // namespace

Schema& Forest::add_schema(const Node& node, Type type) {
  Schema& schema = schemas.emplace_back();
  schema.type = type;
  schema.custom = true;
  schema.nullable = node.nullable;
  return schema;
}

const Schema* Forest::schema_of(const Node& node, const GroupVersionKind* kind) {
  if (kind || is_object(node)) return object_of(node, kind);
  if (node.type == "array" && node.items) return list_of(node);
  return scalar_of(node);
}

const Schema* Forest::scalar_of(const Node& node) {
  Type type = Type::RawJson;
  if (node.int_or_string) type = Type::IntOrString;
  else if (node.type == "string") type = Type::String;
  else if (node.type == "integer") type = Type::Int64;
  else if (node.type == "number") type = Type::Double;
  else if (node.type == "boolean") type = Type::Bool;
  const bool atomic = type == Type::RawJson && (node.map_type == "atomic" || node.type == "array");
  const Schema*& known = scalars[{type, node.nullable, atomic}];
  if (!known) {
    Schema& schema = add_schema(node, type);
    schema.atomic = atomic;
    known = &schema;
  }
  return known;
}

const Schema* Forest::list_of(const Node& node) {
  Schema& schema = add_schema(node, Type::List);
  schema.element = schema_of(*node.items);
  const bool keyed = node.list_type == "map" && !schema.element->fields.empty();
  schema.list_type = keyed ? ListType::Map : node.list_type == "set" ? ListType::Set : ListType::Atomic;
  schema.atomic = schema.list_type == ListType::Atomic;
  if (keyed) schema.list_map_keys = node.list_map_keys;
  return &schema;
}

const Schema* Forest::object_of(const Node& node, const GroupVersionKind* kind) {
  const bool resource = node.embedded || kind;
  const bool map = node.properties.empty() && !resource && (node.additional || node.preserve_unknown || node.has_additional);
  Schema& schema = add_schema(node, map || (node.preserve_unknown && !kind) ? Type::Map : Type::Struct);
  schema.atomic = node.map_type == "atomic";
  if (kind) schema.kind = *kind;
  if (schema.type == Type::Map) {
    Node any;
    any.nullable = true;
    schema.element = node.additional ? schema_of(*node.additional) : scalar_of(any);
  }
  const auto add = [&schema](std::string_view name, const Schema* value) -> Field& {
    Field& field = schema.fields.emplace_back();
    field.name = name;
    field.schema = value;
    field.pointer = true;
    return field;
  };
  schema.fields.reserve(node.properties.size() + (resource ? 3 : 0));
  if (resource) {
    // A document's own apiVersion and kind are no part of what may be patched.
    Node text;
    text.type = "string";
    if (!kind) add(kApiVersion, scalar_of(text)), add(kKind, scalar_of(text));
    add(kMetadata, &api::schema_of<meta::v1::ObjectMeta>());
  }
  for (const auto& [name, property] : node.properties) {
    if (resource && is_meta_field(name)) continue;
    Field& field = add(name, schema_of(*property));
    field.required = std::ranges::find(node.required, name) != node.required.end();
    if (property->default_value) append_document(*property->default_value, field.default_json);
  }
  schema.index_names();
  return &schema;
}

}  // namespace ph::api::structural
