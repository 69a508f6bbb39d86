#include "apiserver/openapi/custom_schemas.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/descriptions.h"
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

// What is built in, with its description.
class BuiltIn {
 public:
  BuiltIn(OpenApiVersion version, const ReferTo& refer) : version_(version), refer_(refer) {}

  json metadata(const api::Schema& schema) const {
    json out = refer_(schema);
    describe(out, api::description(schema), version_);
    return out;
  }

  void add_object_members(json& schema) const {
    json& properties = schema["properties"];
    if (!properties.is_object()) properties = json::object();
    for (const char* member : {"apiVersion", "kind"}) properties[member] = type_member(member);
    properties["metadata"] = metadata(api::schema_of<meta::v1::ObjectMeta>());
  }

  void complete_embedded(json& schema) const {
    each_inner(schema, [this](json& inner) { complete_embedded(inner); });
    if (schema.value("x-kubernetes-embedded-resource", false)) add_object_members(schema);
  }

  json list(const api::Schema& schema) const {
    json items = {{"type", "array"}, {"items", refer_(*schema.element)}};
    describe(items, api::description(*api::schema_of<meta::v1::List>().field("items")), version_);
    return {{"type", "object"},
            {"description", fmt::format("A list of {} objects.", schema.element->kind->kind)},
            {"required", {"items"}},
            {"properties",
             {{"apiVersion", type_member("apiVersion")},
              {"kind", type_member("kind")},
              {"metadata", metadata(api::schema_of<meta::v1::ListMeta>())},
              {"items", std::move(items)}}}};
  }

 private:
  OpenApiVersion version_;
  const ReferTo& refer_;
};

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

}  // namespace

json custom_definition(const api::Schema& schema, OpenApiVersion version, const ReferTo& refer) {
  const BuiltIn built_in(version, refer);
  json out;
  if (schema.structural) {
    out = json::parse(schema.structural->open_api());
    if (version == OpenApiVersion::V2) reduce(out);
    built_in.complete_embedded(out);
    built_in.add_object_members(out);
  } else {
    out = built_in.list(schema);
  }
  out["x-kubernetes-group-version-kind"] = json::array({kind_json(*schema.kind)});
  return out;
}

}  // namespace ph::apiserver
