// The OpenAPI 2.0 document.
#include <nlohmann/json.hpp>

#include "apiserver/discovery/version.h"
#include "apiserver/openapi/documents.h"
#include "apiserver/openapi/operations.h"
#include "apiserver/openapi/schemas.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

json parameters(const std::vector<Parameter>& list) {
  json out = json::array();
  for (const Parameter& parameter : list) {
    json made = {{"name", parameter.name}, {"in", parameter.in}, {"type", parameter.type}, {"uniqueItems", true}};
    if (parameter.required) made["required"] = true;
    out.push_back(std::move(made));
  }
  return out;
}

json all_parameters(const Operation& operation, SchemaCollection& schemas) {
  json out = parameters(operation.parameters);
  if (!operation.body && !operation.is_patch) return out;
  const api::Schema& body = operation.is_patch ? api::schema_of<meta::v1::Patch>() : *operation.body;
  json made = {{"name", "body"}, {"in", "body"}, {"schema", schemas.reference(body)}};
  if (operation.is_patch || operation.body_required) made["required"] = true;
  out.insert(out.begin(), std::move(made));
  return out;
}

const char* text_of(int code) { return code == 201 ? "Created" : code == 202 ? "Accepted" : "OK"; }

json responses(const Operation& operation, SchemaCollection& schemas) {
  json out = {{"401", {{"description", "Unauthorized"}}}};
  for (const int code : operation.codes) {
    json schema = operation.answer ? schemas.reference(*operation.answer) : json{{"type", "string"}};
    out[std::to_string(code)] = {{"description", text_of(code)}, {"schema", std::move(schema)}};
  }
  return out;
}

json consumed(const Operation& operation) {
  if (operation.custom && !operation.is_patch) return {"application/json", "application/yaml"};
  if (operation.custom) return {"application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"};
  if (!operation.is_patch) return {"*/*"};
  return {"application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
          "application/apply-patch+yaml"};
}

json produced(const Operation& operation) {
  if (!operation.answer) return {"text/plain"};
  if (operation.custom) return {"application/json", "application/yaml"};
  return {"application/json", "application/yaml", "application/vnd.kubernetes.protobuf"};
}

json operation_json(const Operation& operation, const std::string& tag, SchemaCollection& schemas) {
  json out = {{"operationId", operation.id},
              {"tags", {tag}},
              {"schemes", {"https"}},
              {"consumes", consumed(operation)},
              {"produces", produced(operation)},
              {"responses", responses(operation, schemas)},
              {"x-kubernetes-action", operation.action},
              {"x-kubernetes-group-version-kind", kind_json(operation.kind)}};
  json list = all_parameters(operation, schemas);
  if (!list.empty()) out["parameters"] = std::move(list);
  return out;
}

void add_paths(Resources resources, const api::GroupVersionKind& kind, SchemaCollection& schemas, json& paths) {
  for (const Path& path : paths_of(resources, kind.group, kind.version)) {
    json item = {{"parameters", parameters(path.parameters)}};
    for (const Operation& operation : path.operations) {
      item[std::string(operation.method)] = operation_json(operation, path.tag, schemas);
    }
    paths[path.path] = std::move(item);
  }
}

}  // namespace

std::string openapi_v2(Resources resources) {
  SchemaCollection schemas(OpenApiVersion::V2);
  json paths = json::object();
  const api::Resource* before = nullptr;
  for (const api::Resource& resource : resources) {  // ordered by group and version
    const bool same = before && before->kind.group == resource.kind.group && before->kind.version == resource.kind.version;
    if (!same) add_paths(resources, resource.kind, schemas, paths);
    before = &resource;
  }
  const json document = {
      {"swagger", "2.0"},
      {"info", {{"title", "Kubernetes"}, {"version", kGitVersion}}},
      {"paths", std::move(paths)},
      {"definitions", schemas.definitions()},
      {"securityDefinitions",
       {{"BearerToken",
         {{"type", "apiKey"}, {"name", "authorization"}, {"in", "header"}, {"description", "Bearer Token authentication"}}}}},
      {"security", json::array({{{"BearerToken", json::array()}}})}};
  return document.dump();
}

}  // namespace ph::apiserver
