#include "apiserver/openapi/schemas.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/descriptions.h"
#include "api/kinds.h"
#include "apiserver/openapi/custom_schemas.h"
#include "base/assert.h"

namespace ph::apiserver {

using api::Field;
using api::Schema;
using api::Type;
using nlohmann::json;

namespace {

json scalar(Type type) {
  switch (type) {
    case Type::Bool: return {{"type", "boolean"}};
    case Type::Int32: return {{"type", "integer"}, {"format", "int32"}};
    case Type::Int64: return {{"type", "integer"}, {"format", "int64"}};
    case Type::Double: return {{"type", "number"}, {"format", "double"}};
    case Type::Bytes: return {{"type", "string"}, {"format", "byte"}};
    default: return {{"type", "string"}};
  }
}

json zero(Type type) {
  switch (type) {
    case Type::Bool: return false;
    case Type::Int32:
    case Type::Int64:
    case Type::Double: return 0;
    case Type::String: return "";
    case Type::Struct: return json::object();
    default: return nullptr;
  }
}

enum class KnownTo { Server, Clients };
struct Group {
  std::string_view name, versions;
  KnownTo known_to;
};
constexpr Group kEveryGroup[] = {
#define EVERY_GROUP(group, versions, known_to) {group, versions, KnownTo::known_to},
#include "apiserver/openapi/every_group.def"
#undef EVERY_GROUP
};

const char* list_type(const Schema& list) {
  switch (list.list_type) {
    case api::ListType::Set: return "set";
    case api::ListType::Map: return "map";
    default: return "atomic";
  }
}

// Verbs and the like are lists in JSON; nobody refers to them by name.
bool has_definition(const Schema& schema) { return !schema.name.empty() && schema.type != Type::List; }

// What stands beside a $ref does not count in version 3.
void wrap_reference(json& value) {
  const auto found = value.find("$ref");
  if (found == value.end()) return;
  json reference = {{"$ref", std::move(*found)}};
  value.erase(found);
  value["allOf"] = json::array({std::move(reference)});
}

}  // namespace

json kind_json(const api::GroupVersionKind& kind) {
  return {{"group", kind.group}, {"kind", kind.kind}, {"version", kind.version}};
}

void describe(json& value, std::string_view text, OpenApiVersion version) {
  if (text.empty()) return;
  if (version == OpenApiVersion::V3) wrap_reference(value);
  value["description"] = text;
}

json type_member(std::string_view name) {
  return {{"type", "string"}, {"description", api::description(*api::schema_of<meta::v1::TypeMeta>().field(name))}};
}

json SchemaCollection::reference(const Schema& schema) {
  add(schema);
  return reference_to(schema.name);
}

json SchemaCollection::reference_to(const std::string& name) const {
  return {{"$ref", (version_ == OpenApiVersion::V3 ? "#/components/schemas/" : "#/definitions/") + name}};
}

json SchemaCollection::reference_to_version() {
  static constexpr const char* kRequired[] = {"buildDate", "compiler", "gitCommit", "gitTreeState", "gitVersion",
                                              "goVersion", "major",    "minor",     "platform"};
  static constexpr const char* kOptional[] = {"emulationMajor", "emulationMinor", "minCompatibilityMajor",
                                              "minCompatibilityMinor"};
  json properties;
  for (const char* name : kRequired) properties[name] = {{"type", "string"}, {"default", ""}};
  for (const char* name : kOptional) properties[name] = {{"type", "string"}};
  const std::string name = "io.k8s.apimachinery.pkg.version.Info";
  made_[name] = json{{"type", "object"},
                     {"required", std::vector<std::string>(std::begin(kRequired), std::end(kRequired))},
                     {"properties", std::move(properties)}}
                    .dump();
  return reference_to(name);
}

json SchemaCollection::definitions() const {
  json out = json::object();
  for (const auto& [name, text] : made_) out[name] = json::parse(text);
  return out;
}

void SchemaCollection::add(const Schema& schema) {
  PH_ASSERT(!schema.name.empty());
  if (!made_.try_emplace(schema.name).second) return;
  std::string text = named(schema).dump();
  made_[schema.name] = std::move(text);
}

json SchemaCollection::named(const Schema& schema) {
  if (schema.custom) return custom_definition(schema, version_, [this](const Schema& other) { return reference(other); });
  json out = form(schema);
  describe(out, api::description(schema), version_);
  return out;
}

json SchemaCollection::form(const Schema& schema) {
  const bool v3 = version_ == OpenApiVersion::V3;
  switch (schema.type) {
    case Type::Quantity:
      if (!v3) return {{"type", "string"}};
      return {{"oneOf", {{{"type", "string"}}, {{"type", "number"}}}}};
    case Type::IntOrString:
      if (!v3) return {{"type", "string"}, {"format", "int-or-string"}};
      return {{"format", "int-or-string"}, {"oneOf", {{{"type", "integer"}}, {{"type", "string"}}}}};
    case Type::Time:
    case Type::MicroTime: return {{"type", "string"}, {"format", "date-time"}};
    case Type::Duration: return {{"type", "string"}};
    // An object of some kind; of a schema's own raw JSON, and of what has several forms, nothing is said.
    case Type::RawJson: return schema.name.ends_with(".JSON") ? json::object() : json{{"type", "object"}};
    case Type::Union: return json::object();
    default: return structure(schema);
  }
}

// Null: it is a part of others.
json SchemaCollection::kinds_of(const Schema& schema) const {
  const bool is_event = schema.name == "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent";
  if (!is_event && schema.name != "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions") {
    return schema.kind ? json::array({kind_json(*schema.kind)}) : json();
  }
  const char* const kind = is_event ? "WatchEvent" : "DeleteOptions";
  json out = json::array();
  const bool is_beside_custom = !of_ && version_ == OpenApiVersion::V3;
  for (const auto& [group, versions, known_to] : kEveryGroup) {
    if (of_ && !group.empty() && group != of_->group) continue;
    if (is_beside_custom && known_to != KnownTo::Clients) continue;
    for (std::string_view rest = versions; !rest.empty();) {
      const std::string version(rest.substr(0, rest.find(' ')));
      rest.remove_prefix(std::min(version.size() + 1, rest.size()));
      if (!of_ || group.empty() || version == of_->version) out.push_back(kind_json({std::string(group), version, kind}));
    }
  }
  return out;
}

json SchemaCollection::structure(const Schema& schema) {
  json out = {{"type", "object"}};
  json properties = json::object();
  std::vector<std::string> required;
  if (schema.kind) {
    properties["apiVersion"] = type_member("apiVersion");
    properties["kind"] = type_member("kind");
  }
  if (json kinds = kinds_of(schema); !kinds.is_null()) out["x-kubernetes-group-version-kind"] = std::move(kinds);
  for (const Field& field : schema.fields) {
    properties[field.name] = member(field);
    if (field.required) required.push_back(field.name);
  }
  if (!properties.empty()) out["properties"] = std::move(properties);
  std::ranges::sort(required);
  if (!required.empty()) out["required"] = required;
  if (schema.atomic) out["x-kubernetes-map-type"] = "atomic";
  return out;
}

json SchemaCollection::member(const Field& field) {
  const Schema& schema = *field.schema;
  json out = value(schema, field.default_json, !field.pointer && (field.always || schema.type == Type::Struct));
  if (!field.enum_values.empty()) out["enum"] = field.enum_values;
  if (!field.patch_merge_key.empty()) out["x-kubernetes-patch-merge-key"] = field.patch_merge_key;
  if (!field.patch_strategies.empty()) {
    out["x-kubernetes-patch-strategy"] = fmt::format("{}", fmt::join(field.patch_strategies, ","));
  }
  describe(out, api::description(field), version_);
  return out;
}

// `zero_default`: where the type has no pointer an absent value is the zero value, and upstream says so.
json SchemaCollection::value(const Schema& schema, const std::string& default_json, bool zero_default) {
  json out;
  if (has_definition(schema)) {
    out = reference(schema);
    const Schema* own = schema.descriptor ? api::Scheme::builtin().of(schema.descriptor) : nullptr;
    if (own && own->atomic != schema.atomic) out["x-kubernetes-map-type"] = schema.atomic ? "atomic" : "granular";
  } else if (schema.type == Type::List) {
    const bool zero_items = schema.element->type == Type::String || schema.element->type == Type::Struct;
    out = {{"type", "array"}, {"items", value(*schema.element, {}, zero_items)}, {"x-kubernetes-list-type", list_type(schema)}};
    if (!schema.list_map_keys.empty()) out["x-kubernetes-list-map-keys"] = schema.list_map_keys;
  } else if (schema.type == Type::Map) {
    out = {{"type", "object"}, {"additionalProperties", value(*schema.element, {}, schema.element->type == Type::String)}};
    if (schema.atomic) out["x-kubernetes-map-type"] = "atomic";
  } else {
    out = scalar(schema.type);
  }
  if (!default_json.empty()) {
    out["default"] = json::parse(default_json);
  } else if (json nothing = zero(schema.type); zero_default && !nothing.is_null()) {
    out["default"] = std::move(nothing);
  }
  if (!out.contains("$ref") || out.size() == 1) return out;
  if (version_ == OpenApiVersion::V2) {
    out.erase("default");  // nothing else stands beside a reference there
    return out;
  }
  wrap_reference(out);
  return out;
}

}  // namespace ph::apiserver
