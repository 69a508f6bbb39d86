// The OpenAPI 2.0 document.
#include <nlohmann/json.hpp>

#include "apiserver/discovery/version.h"
#include "apiserver/openapi/documents.h"
#include "apiserver/openapi/operations.h"
#include "apiserver/openapi/schemas.h"

namespace ph::apiserver {

using nlohmann::json;
using parameters::kDeleteBody, parameters::kPatchBody;

namespace {

json texts(Forms forms) { return std::vector<std::string>(forms.begin(), forms.end()); }

json parameter(const Parameter& from) {
  json out = {{"name", from.name}, {"in", from.in}, {"type", from.type}, {"uniqueItems", true}};
  if (from.required) out["required"] = true;
  return out;
}

// What stands once for all operations.
class Shared {
 public:
  // In the place of `made`.
  json reference(std::string_view name, std::string_view suffix, json made) {
    const std::string whole = std::string(name) + "-" + std::string(suffix);
    all_[whole] = std::move(made);
    return {{"$ref", "#/parameters/" + whole}};
  }
  json take() { return std::move(all_); }

 private:
  json all_ = json::object();
};

json parameter_list(const std::vector<Parameter>& list, Shared& shared) {
  json out = json::array();
  for (const Parameter& each : list) {
    json made = parameter(each);
    out.push_back(each.shared.empty() ? std::move(made) : shared.reference(each.name, each.shared, std::move(made)));
  }
  return out;
}

json body(const Operation& operation, SchemaCollection& schemas, Shared& shared) {
  const api::Schema& schema = operation.is_patch ? api::schema_of<meta::v1::Patch>() : *operation.body;
  json out = {{"name", "body"}, {"in", "body"}, {"schema", schemas.reference(schema)}};
  if (operation.is_patch || operation.body_required) out["required"] = true;
  if (operation.is_patch) return shared.reference("body", kPatchBody, std::move(out));
  if (!operation.body_required) return shared.reference("body", kDeleteBody, std::move(out));
  return out;
}

json all_parameters(const Operation& operation, SchemaCollection& schemas, Shared& shared) {
  json out = parameter_list(operation.parameters, shared);
  if (operation.body || operation.is_patch) out.insert(out.begin(), body(operation, schemas, shared));
  return out;
}

json answer(const Operation& operation, SchemaCollection& schemas) {
  if (operation.answer) return schemas.reference(*operation.answer);
  return operation.tells_version ? schemas.reference_to_version() : json{{"type", "string"}};
}

const char* text_of(int code) { return code == 201 ? "Created" : code == 202 ? "Accepted" : "OK"; }

json responses(const Operation& operation, SchemaCollection& schemas) {
  json out = {{"401", {{"description", "Unauthorized"}}}};
  for (const int code : operation.codes) {
    out[std::to_string(code)] = {{"description", text_of(code)}, {"schema", answer(operation, schemas)}};
  }
  return out;
}

json operation_json(const Operation& operation, const std::string& tag, SchemaCollection& schemas, Shared& shared) {
  json out = {{"operationId", operation.id},
              {"tags", {tag}},
              {"schemes", {"https"}},
              {"produces", texts(operation.produces)},
              {"responses", responses(operation, schemas)}};
  if (!operation.consumes.empty()) out["consumes"] = texts(operation.consumes);
  if (!operation.action.empty()) {
    out["x-kubernetes-action"] = operation.action;
    out["x-kubernetes-group-version-kind"] = kind_json(operation.kind);
  }
  json list = all_parameters(operation, schemas, shared);
  if (!list.empty()) out["parameters"] = std::move(list);
  return out;
}

json path_json(const Path& path, SchemaCollection& schemas, Shared& shared) {
  json out = json::object();
  if (!path.parameters.empty()) out["parameters"] = parameter_list(path.parameters, shared);
  for (const Operation& operation : path.operations)
    out[std::string(operation.method)] = operation_json(operation, path.tag, schemas, shared);
  return out;
}

}  // namespace

std::string openapi_v2(Resources resources) {
  SchemaCollection schemas(OpenApiVersion::V2);
  Shared shared;
  json paths = json::object();
  for (const OtherPath& other : other_paths(resources)) paths[other.path.path] = path_json(other.path, schemas, shared);
  const api::Resource* before = nullptr;
  for (const api::Resource& resource : resources) {  // ordered by group and version
    const bool same = before && before->kind.group == resource.kind.group && before->kind.version == resource.kind.version;
    before = &resource;
    if (same) continue;
    for (const Path& path : paths_of(resources, resource.kind.group, resource.kind.version))
      paths[path.path] = path_json(path, schemas, shared);
  }
  const json document = {
      {"swagger", "2.0"},
      {"info", {{"title", "Kubernetes"}, {"version", kGitVersion}}},
      {"paths", std::move(paths)},
      {"definitions", schemas.definitions()},
      {"parameters", shared.take()},
      {"securityDefinitions",
       {{"BearerToken",
         {{"type", "apiKey"}, {"name", "authorization"}, {"in", "header"}, {"description", "Bearer Token authentication"}}}}},
      {"security", json::array({{{"BearerToken", json::array()}}})}};
  return document.dump();
}

}  // namespace ph::apiserver
