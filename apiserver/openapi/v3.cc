// OpenAPI 3.0 documents.
#include <span>

#include <nlohmann/json.hpp>

#include "apiserver/discovery/version.h"
#include "apiserver/openapi/documents.h"
#include "apiserver/openapi/operations.h"
#include "apiserver/openapi/schemas.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

using Forms = std::span<const char* const>;
// Those of documents come first.
constexpr const char* kForms[] = {"application/json", "application/yaml", "application/vnd.kubernetes.protobuf"};
constexpr const char* kPatches[] = {"application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml",
                                    "application/strategic-merge-patch+json"};

Forms forms_of(const Operation& operation) { return Forms(kForms).first(operation.custom ? 2 : 3); }
Forms patches_of(const Operation& operation) { return Forms(kPatches).first(operation.custom ? 3 : 4); }

json parameters(const std::vector<Parameter>& list) {
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
  if (operation.is_patch) {
    return {{"content", content(patches_of(operation), schemas.reference(api::schema_of<meta::v1::Patch>()))},
            {"required", true}};
  }
  static constexpr const char* kAny[] = {"*/*"};
  json out = {{"content", content(operation.custom ? forms_of(operation) : Forms(kAny), schemas.reference(*operation.body))}};
  if (operation.body_required) out["required"] = true;
  return out;
}

const char* text_of(int code) { return code == 201 ? "Created" : code == 202 ? "Accepted" : "OK"; }

json responses(const Operation& operation, SchemaCollection& schemas) {
  json out = {{"401", {{"description", "Unauthorized"}}}};
  for (const int code : operation.codes) {
    json& answer = out[std::to_string(code)];
    answer["description"] = text_of(code);
    if (operation.answer) answer["content"] = content(forms_of(operation), schemas.reference(*operation.answer));
    else answer["content"] = {{"text/plain", {{"schema", {{"type", "string"}}}}}};
  }
  return out;
}

json operation_json(const Operation& operation, const std::string& tag, SchemaCollection& schemas) {
  json out = {{"operationId", operation.id},
              {"tags", {tag}},
              {"responses", responses(operation, schemas)},
              {"x-kubernetes-action", operation.action},
              {"x-kubernetes-group-version-kind", kind_json(operation.kind)}};
  if (!operation.parameters.empty()) out["parameters"] = parameters(operation.parameters);
  if (operation.body || operation.is_patch) out["requestBody"] = body_of(operation, schemas);
  return out;
}

}  // namespace

std::string openapi_v3(Resources resources, std::string_view group, std::string_view version) {
  SchemaCollection schemas(OpenApiVersion::V3);
  json paths = json::object();
  for (const Path& path : paths_of(resources, group, version)) {
    json item = {{"parameters", parameters(path.parameters)}};
    for (const Operation& operation : path.operations) {
      item[std::string(operation.method)] = operation_json(operation, path.tag, schemas);
    }
    paths[path.path] = std::move(item);
  }
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

}  // namespace ph::apiserver
