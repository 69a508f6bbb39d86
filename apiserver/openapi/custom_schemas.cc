#include "apiserver/openapi/custom_schemas.h"

#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "api/structural/structural.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

void each_inner(json& schema, const std::function<void(json&)>& use) {
  for (const char* member : {"items", "additionalProperties", "not"}) {
    if (const auto found = schema.find(member); found != schema.end() && found->is_object()) use(*found);
  }
  for (const char* member : {"allOf", "anyOf", "oneOf"}) {
    if (const auto found = schema.find(member); found != schema.end()) std::ranges::for_each(*found, use);
  }
  if (const auto found = schema.find("properties"); found != schema.end()) std::ranges::for_each(*found, use);
}

void add_object_members(json& schema, const ReferTo& refer) {
  json& properties = schema["properties"];
  if (!properties.is_object()) properties = json::object();
  properties["apiVersion"] = properties["kind"] = {{"type", "string"}};
  properties["metadata"] = refer(api::schema_of<meta::v1::ObjectMeta>());
}

void complete_embedded(json& schema, const ReferTo& refer) {
  each_inner(schema, [&](json& inner) { complete_embedded(inner, refer); });
  if (schema.value("x-kubernetes-embedded-resource", false)) add_object_members(schema, refer);
}

void reduce(json& schema) {
  for (const char* member : {"allOf", "anyOf", "oneOf", "not", "default"}) schema.erase(member);
  if (schema.value("nullable", false)) {
    for (const char* member : {"type", "items", "properties", "additionalProperties"}) schema.erase(member);
  }
  if (schema.value("x-kubernetes-preserve-unknown-fields", false)) {
    for (const char* member : {"items", "properties", "additionalProperties"}) schema.erase(member);
  }
  schema.erase("nullable");
  if (schema.value("x-kubernetes-int-or-string", false)) schema.erase("type");
  each_inner(schema, reduce);
}

json list_definition(const api::Schema& schema, const ReferTo& refer) {
  return {{"type", "object"},
          {"required", {"items"}},
          {"properties",
           {{"apiVersion", {{"type", "string"}}},
            {"kind", {{"type", "string"}}},
            {"metadata", refer(api::schema_of<meta::v1::ListMeta>())},
            {"items", {{"type", "array"}, {"items", refer(*schema.element)}}}}}};
}

}  // namespace

json custom_definition(const api::Schema& schema, OpenApiVersion version, const ReferTo& refer) {
  json out;
  if (schema.structural) {
    out = json::parse(schema.structural->open_api());
    if (version == OpenApiVersion::V2) reduce(out);
    complete_embedded(out, refer);
    add_object_members(out, refer);
  } else {
    out = list_definition(schema, refer);
  }
  out["x-kubernetes-group-version-kind"] = json::array({kind_json(*schema.kind)});
  return out;
}

}  // namespace ph::apiserver
