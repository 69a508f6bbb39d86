// OpenAPI 3.0 documents.
#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "apiserver/discovery/version.h"
#include "apiserver/openapi/documents.h"
#include "apiserver/openapi/operations.h"
#include "apiserver/openapi/schemas.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

json parameter_list(const std::vector<Parameter>& list) {
  json out = json::array();
  for (const Parameter& parameter : list) {
    json made = {{"name", parameter.name}, {"in", parameter.in}, {"schema", {{"type", parameter.type}, {"uniqueItems", true}}}};
    if (parameter.required) made["required"] = true;
    out.push_back(std::move(made));
  }
  return out;
}

json content(Forms forms, const json& schema) {
  json out = json::object();
  for (const char* form : forms) out[form] = {{"schema", schema}};
  return out;
}

json body_of(const Operation& operation, SchemaCollection& schemas) {
  const api::Schema& schema = operation.is_patch ? api::schema_of<meta::v1::Patch>() : *operation.body;
  json out = {{"content", content(operation.consumes, schemas.reference(schema))}};
  if (operation.is_patch || operation.body_required) out["required"] = true;
  return out;
}

const char* text_of(int code) { return code == 201 ? "Created" : code == 202 ? "Accepted" : "OK"; }

json answer(const Operation& operation, SchemaCollection& schemas) {
  if (operation.answer) return schemas.reference(*operation.answer);
  return operation.tells_version ? schemas.reference_to_version() : json{{"type", "string"}};
}

json responses(const Operation& operation, SchemaCollection& schemas) {
  json out = {{"401", {{"description", "Unauthorized"}}}};
  for (const int code : operation.codes) {
    out[std::to_string(code)] = {{"description", text_of(code)},
                                 {"content", content(operation.produces, answer(operation, schemas))}};
  }
  return out;
}

json operation_json(const Operation& operation, const std::string& tag, SchemaCollection& schemas) {
  json out = {{"operationId", operation.id}, {"tags", {tag}}, {"responses", responses(operation, schemas)}};
  if (!operation.action.empty()) {
    out["x-kubernetes-action"] = operation.action;
    out["x-kubernetes-group-version-kind"] = kind_json(operation.kind);
  }
  if (!operation.parameters.empty()) out["parameters"] = parameter_list(operation.parameters);
  if (operation.body || operation.is_patch) out["requestBody"] = body_of(operation, schemas);
  return out;
}

json path_json(const Path& path, SchemaCollection& schemas) {
  json out = json::object();
  if (!path.parameters.empty()) out["parameters"] = parameter_list(path.parameters);
  for (const Operation& operation : path.operations)
    out[std::string(operation.method)] = operation_json(operation, path.tag, schemas);
  return out;
}

std::string document(json paths, const SchemaCollection& schemas) {
  const json document = {{"openapi", "3.0.0"},
                         {"info", {{"title", "Kubernetes"}, {"version", kGitVersion}}},
                         {"paths", std::move(paths)},
                         {"components",
                          {{"schemas", schemas.definitions()},
                           {"securitySchemes",
                            {{"BearerToken",
                              {{"type", "apiKey"},
                               {"name", "authorization"},
                               {"in", "header"},
                               {"description", "Bearer Token authentication"}}}}}}}};
  return document.dump();
}

bool is_custom(Resources resources, std::string_view group, std::string_view version) {
  return std::ranges::any_of(resources, [&](const api::Resource& resource) {
    return resource.owner && resource.kind.group == group && resource.kind.version == version;
  });
}

}  // namespace

std::string openapi_v3(Resources resources, std::string_view group, std::string_view version) {
  std::optional<api::GroupVersionKind> of;
  if (!is_custom(resources, group, version)) of = {std::string(group), std::string(version), {}};
  SchemaCollection schemas(OpenApiVersion::V3, std::move(of));
  json paths = json::object();
  for (const Path& path : paths_of(resources, group, version)) paths[path.path] = path_json(path, schemas);
  return document(std::move(paths), schemas);
}

std::string openapi_v3(const OtherPath& other) {
  SchemaCollection schemas(OpenApiVersion::V3);
  json paths;
  paths[other.path.path] = path_json(other.path, schemas);
  return document(std::move(paths), schemas);
}

}  // namespace ph::apiserver
