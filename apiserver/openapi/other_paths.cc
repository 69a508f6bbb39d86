// Paths that are about no resource.
#include <set>

#include "api/kinds.h"
#include "apiserver/openapi/operations.h"

namespace ph::apiserver {
namespace {

constexpr const char* kJson[] = {"application/json"};
constexpr const char* kKeys[] = {"application/jwk-set+json"};
constexpr const char* kUsual[] = {"application/json", "application/yaml", "application/vnd.kubernetes.protobuf"};

Operation get(std::string id, Forms produces) {
  Operation out;
  out.method = "get";
  out.id = std::move(id);
  out.codes = {200};
  out.produces = produces;
  return out;
}

OtherPath path(std::string document, std::string tag, Operation operation) {
  std::string path = "/" + document + "/";
  return {std::move(document), {std::move(path), std::move(tag), {}, {std::move(operation)}}};
}

OtherPath discovery(std::string document, std::string tag, std::string id, const api::Schema& answer) {
  Operation operation = get(std::move(id), kUsual);
  operation.consumes = kUsual;
  operation.answer = &answer;
  return path(std::move(document), std::move(tag), std::move(operation));
}

}  // namespace

std::vector<OtherPath> other_paths(Resources resources) {
  std::vector<OtherPath> out;
  out.push_back(discovery("api", "core", "getCoreAPIVersions", api::schema_of<meta::v1::APIVersions>()));
  out.push_back(discovery("apis", "apis", "getAPIVersions", api::schema_of<meta::v1::APIGroupList>()));
  std::set<std::string> groups;
  for (const api::Resource& resource : resources) {
    if (!resource.owner && !resource.kind.group.empty()) groups.insert(resource.kind.group);
  }
  for (const std::string& group : groups) {
    out.push_back(discovery("apis/" + group, short_group(group), "get" + capitalized(short_group(group)) + "APIGroup",
                            api::schema_of<meta::v1::APIGroup>()));
  }
  Operation version = get("getCodeVersion", kJson);
  version.consumes = kJson;
  version.tells_version = true;
  out.push_back(path("version", "version", std::move(version)));
  out.push_back(path(".well-known/openid-configuration", "WellKnown", get("getServiceAccountIssuerOpenIDConfiguration", kJson)));
  out.push_back(path("openid/v1/jwks", "openid", get("getServiceAccountIssuerOpenIDKeyset", kKeys)));
  return out;
}

}  // namespace ph::apiserver
