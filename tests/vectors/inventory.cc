#include "tests/vectors/inventory.h"

#include <algorithm>
#include <map>

#include "tests/vectors/reading.h"

namespace ph::vectors {
namespace {

// Of kinds whose smallest object was not recorded.
const std::map<std::string, const char*>& own_samples() {
  static const std::map<std::string, const char*> samples{
      {"ingressclasses", R"({"metadata":{"name":"i"},"spec":{"controller":"a.b/c"}})"},
      {"priorityclasses", R"({"metadata":{"name":"p"},"value":5})"},
      {"customresourcedefinitions",
       R"({"metadata":{"name":"things.inventory.io"},"spec":{"group":"inventory.io","scope":"Namespaced",
           "names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true,"storage":true,
           "schema":{"openAPIV3Schema":{"type":"object"}}}]}})"},
  };
  return samples;
}

// By the collection's path without a namespace ("/api/v1/pods"): the smallest of those that were taken.
std::map<std::string, Json> recorded_samples() {
  std::map<std::string, Json> out;
  for (const std::string& text : read_rows("observed/stored")) {
    const Json row = Json::parse(text);
    if (row.at("code") != 201 || !row.contains("b")) continue;
    std::string path = row.at("p");
    path = path.substr(0, path.find('?'));
    if (const std::size_t at = path.find("/namespaces/"); at != std::string::npos && path.find('/', at + 12) != std::string::npos)
      path.erase(at, path.find('/', at + 12) - at);
    Json& kept = out[path];
    if (kept.is_null() || row.at("b").dump().size() < kept.dump().size()) kept = row.at("b");
  }
  return out;
}

}  // namespace

bool ListedResource::can(std::string_view verb) const {
  const Json& verbs = facts.at("verbs");
  return std::ranges::any_of(verbs, [&](const Json& each) { return each == verb; });
}

std::vector<ListedResource> listed_resources() {
  std::vector<ListedResource> out;
  for (const Json& group : read_group_facts()) {
    const std::string api_version = group.at("apiVersion");
    const std::string root = (api_version.find('/') == std::string::npos ? "/api/" : "/apis/") + api_version;
    for (const Json& resource : group.at("resources")) out.push_back({api_version, root, resource});
  }
  return out;
}

Json sample_of(const ListedResource& resource) {
  static const std::map<std::string, Json> recorded = recorded_samples();
  Json out;
  if (const auto own = own_samples().find(resource.plural()); own != own_samples().end()) out = Json::parse(own->second);
  else if (const auto found = recorded.find(resource.root + "/" + resource.plural()); found != recorded.end())
    out = found->second;
  if (out.is_null()) return out;
  out["apiVersion"] = resource.api_version;
  out["kind"] = resource.kind();
  return out;
}

}  // namespace ph::vectors
