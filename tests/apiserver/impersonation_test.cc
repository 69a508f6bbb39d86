// Acting as somebody else: as a whole, or for some requests.
#include <gtest/gtest.h>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";

json rule(const char* group, const char* resource, const char* verb, const char* name = nullptr) {
  json out = {{"apiGroups", {group}}, {"resources", {resource}}, {"verbs", {verb}}};
  if (name) out["resourceNames"] = {name};
  return out;
}

// What the user `deputy` may do; everybody he may become may do everything.
void allow(StandardWorld& world, const std::vector<json>& rules) {
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/";
  ASSERT_EQ(world.post(rbac + "clusterroles", json{{"metadata", {{"name", "r"}}}, {"rules", rules}}.dump()).status, 201);
  const json binding = {{"metadata", {{"name", "b"}}},
                        {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", "r"}}},
                        {"subjects", {{{"kind", "User"}, {"name", "deputy"}, {"apiGroup", "rbac.authorization.k8s.io"}}}}};
  ASSERT_EQ(world.post(rbac + "clusterrolebindings", binding.dump()).status, 201);
  const json everybody = {
      {"metadata", {{"name", "all"}}},
      {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", "cluster-admin"}}},
      {"subjects",
       {{{"kind", "User"}, {"name", "jane"}, {"apiGroup", "rbac.authorization.k8s.io"}},
        {{"kind", "User"}, {"name", "system:node:n1"}, {"apiGroup", "rbac.authorization.k8s.io"}},
        {{"kind", "ServiceAccount"}, {"name", "app"}, {"namespace", "shop"}}}}};
  ASSERT_EQ(world.post(rbac + "clusterrolebindings", everybody.dump()).status, 201);
}

using Fields = std::vector<std::pair<std::string, std::string>>;
const Fields kJane{{"Impersonate-User", "jane"}};
const Fields kApp{{"Impersonate-User", "system:serviceaccount:shop:app"}};
const Fields kNode{{"Impersonate-User", "system:node:n1"}};

TEST(Impersonation, WhatItTakes) {
  constexpr const char* kAuthentication = "authentication.k8s.io";
  const json on_jane = rule("", "configmaps", "impersonate-on:user-info:list"),
             jane = rule(kAuthentication, "users", "impersonate:user-info", "jane");
  struct Case {
    const char* name;
    std::vector<json> rules;
    Fields headers;
    std::string cannot;  // of the refusal; empty: it is answered
  };
  Fields in_a_group = kJane;
  in_a_group.emplace_back("Impersonate-Group", "devs");
  const Case cases[] = {
      {"as a whole", {rule("", "users", "impersonate")}, kJane, ""},
      {"as a whole, and one of a group", {rule("", "users", "impersonate"), rule("", "groups", "impersonate")}, in_a_group, ""},
      {"in this request", {on_jane, jane}, kJane, ""},
      {"in this request, but as nobody", {on_jane}, kJane, "impersonate:user-info resource \"users\""},
      {"as her, but in no request", {jane}, kJane, "impersonate-on:user-info:list resource \"configmaps\""},
      {"in other requests",
       {rule("", "configmaps", "impersonate-on:user-info:get"), jane},
       kJane,
       "impersonate-on:user-info:list resource \"configmaps\""},
      {"one of a group, but of none that he may be in", {on_jane, jane}, in_a_group, "impersonate:user-info resource \"groups\""},
      {"one of a group", {on_jane, jane, rule(kAuthentication, "groups", "impersonate:user-info", "devs")}, in_a_group, ""},
      {"a service account",
       {rule("", "configmaps", "impersonate-on:serviceaccount:list"),
        rule(kAuthentication, "serviceaccounts", "impersonate:serviceaccount", "app")},
       kApp,
       ""},
      {"a service account by what is for users",
       {on_jane, rule(kAuthentication, "users", "impersonate:user-info")},
       kApp,
       "impersonate-on:serviceaccount:list resource \"configmaps\""},
      {"a node",
       {rule("", "configmaps", "impersonate-on:arbitrary-node:list"),
        rule(kAuthentication, "nodes", "impersonate:arbitrary-node", "n1")},
       kNode,
       ""},
      {"a node by what is for its own pods",
       {rule("", "configmaps", "impersonate-on:associated-node:list"),
        rule(kAuthentication, "nodes", "impersonate:associated-node")},
       kNode,
       "impersonate-on:arbitrary-node:list resource \"configmaps\""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    StandardWorld world;
    allow(world, c.rules);
    HttpRequest request = StandardWorld::request("GET", kMaps, {}, StandardWorld::user("deputy"));
    for (const auto& [name, value] : c.headers) request.headers.add(name, value);
    const Reply reply = world.send(std::move(request));
    EXPECT_EQ(reply.status, c.cannot.empty() ? 200 : 403) << reply.body;
    if (!c.cannot.empty()) EXPECT_NE(reply.message().find("User \"deputy\" cannot " + c.cannot), std::string::npos) << reply.body;
  }
}

// Whoever runs on a node may become that one, and no other.
TEST(Impersonation, TheNodeOneRunsOn) {
  StandardWorld world;
  allow(world, {rule("", "configmaps", "impersonate-on:associated-node:list"),
                rule("authentication.k8s.io", "nodes", "impersonate:associated-node")});
  world.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
             R"({"metadata":{"name":"agent"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},
                 "subjects":[{"kind":"ServiceAccount","name":"agent","namespace":"shop"}]})");
  for (const auto& [node, status] : {std::pair{"n1", 200}, {"n2", 403}}) {
    SCOPED_TRACE(node);
    Identity agent = StandardWorld::user("system:serviceaccount:shop:agent");
    agent.extra = {{"authentication.kubernetes.io/node-name", {node}}};
    HttpRequest request = StandardWorld::request("GET", kMaps, {}, agent);
    request.headers.add("Impersonate-User", "system:node:n1");
    EXPECT_EQ(world.send(std::move(request)).status, status);
  }
}

TEST(Impersonation, SomebodyHasToBeNamed) {
  StandardWorld world;
  HttpRequest request = StandardWorld::request("GET", kMaps);
  request.headers.add("Impersonate-Group", "devs");
  const Reply reply = world.send(std::move(request));
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.message().find("without impersonating a user name"), std::string::npos);
}

}  // namespace
}  // namespace ph::apiserver::testing
