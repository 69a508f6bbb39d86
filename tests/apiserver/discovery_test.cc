#include <gtest/gtest.h>

#include "api/codec.h"
#include "apiserver/discovery/groups.h"
#include "base/accept.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

constexpr const char* kV2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
constexpr const char* kV2Beta1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

const json* find(const json& list, const char* key, const char* value) {
  for (const json& item : list) {
    if (item.value(key, "") == value) return &item;
  }
  return nullptr;
}

TEST(Discovery, Versions) {
  StandardWorld world;
  EXPECT_EQ(world.get("/api").json(), json::parse(R"({"kind":"APIVersions","versions":["v1"],
    "serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"192.0.2.1:6443"}]})"));
  const json version = world.get("/version").json();
  EXPECT_EQ(version["minor"], "36");
  EXPECT_EQ(version["gitVersion"], "v1.36.2+pilothouse");
}

TEST(Discovery, Groups) {
  StandardWorld world;
  const json groups = world.get("/apis").json();
  EXPECT_EQ(groups["kind"], "APIGroupList");
  EXPECT_EQ(groups["apiVersion"], "v1");
  EXPECT_EQ(groups["groups"][0]["name"], "apiregistration.k8s.io");
  EXPECT_EQ(groups["groups"][1], json::parse(R"({"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}],
    "preferredVersion":{"groupVersion":"apps/v1","version":"v1"}})"));
  EXPECT_EQ(groups["groups"][2]["name"], "events.k8s.io");
  EXPECT_EQ(world.get("/apis/batch").json()["name"], "batch");
  EXPECT_EQ(world.get("/apis/nonsense").status, 404);
}

TEST(Discovery, ResourcesOfTheCoreGroup) {
  StandardWorld world;
  const json list = world.get("/api/v1").json();
  EXPECT_EQ(list["kind"], "APIResourceList");
  EXPECT_FALSE(list.contains("apiVersion"));
  EXPECT_EQ(list["groupVersion"], "v1");
  const json* pods = find(list["resources"], "name", "pods");
  ASSERT_NE(pods, nullptr);
  EXPECT_EQ((*pods)["singularName"], "pod");
  EXPECT_EQ((*pods)["shortNames"], json::array({"po"}));
  EXPECT_EQ((*pods)["categories"], json::array({"all"}));
  EXPECT_EQ((*pods)["namespaced"], true);
  EXPECT_FALSE((*pods)["storageVersionHash"].get<std::string>().empty());
  const json* eviction = find(list["resources"], "name", "pods/eviction");
  ASSERT_NE(eviction, nullptr);
  EXPECT_EQ((*eviction)["group"], "policy");
  EXPECT_EQ((*eviction)["version"], "v1");
  EXPECT_EQ((*eviction)["singularName"], "");
  const json* status = find(list["resources"], "name", "pods/status");
  ASSERT_NE(status, nullptr);
  EXPECT_FALSE(status->contains("group"));
  EXPECT_TRUE(std::ranges::is_sorted(list["resources"], {}, [](const json& r) { return r["name"].get<std::string>(); }));
}

TEST(Discovery, ResourcesOfAGroup) {
  StandardWorld world;
  const json list = world.get("/apis/apps/v1").json();
  EXPECT_EQ(list["apiVersion"], "v1");
  EXPECT_EQ(list["groupVersion"], "apps/v1");
  EXPECT_NE(find(list["resources"], "name", "deployments/scale"), nullptr);
  EXPECT_EQ(world.get("/apis/apps/v2").status, 404);
}

TEST(Discovery, Aggregated) {
  StandardWorld world;
  const Reply core = world.get_as("/api", std::string(kV2) + ",application/json");
  EXPECT_EQ(core.headers.get("content-type"), kV2);
  EXPECT_EQ(core.json()["apiVersion"], "apidiscovery.k8s.io/v2");
  EXPECT_EQ(core.json()["items"].size(), 1u);
  EXPECT_EQ(core.json()["items"][0]["metadata"], json::object());
  const json version = core.json()["items"][0]["versions"][0];
  EXPECT_EQ(version["freshness"], "Current");
  const json* pods = find(version["resources"], "resource", "pods");
  ASSERT_NE(pods, nullptr);
  EXPECT_EQ((*pods)["scope"], "Namespaced");
  EXPECT_EQ((*pods)["responseKind"], json::parse(R"({"group":"","version":"","kind":"Pod"})"));
  const json* eviction = find((*pods)["subresources"], "subresource", "eviction");
  ASSERT_NE(eviction, nullptr);
  EXPECT_EQ((*eviction)["responseKind"]["group"], "policy");

  const json groups = world.get_as("/apis", kV2).json();
  EXPECT_EQ(groups["items"][0]["metadata"]["name"], "apiregistration.k8s.io");
}

// They name the plain form besides, and get that.
TEST(Discovery, ForOlderClients) {
  StandardWorld world;
  const Reply reply = world.get_as("/apis", std::string(kV2Beta1) + ",application/json");
  EXPECT_EQ(reply.headers.get("content-type"), "application/json");
  EXPECT_EQ(reply.json()["kind"], "APIGroupList");
  EXPECT_EQ(world.get_as("/apis", kV2Beta1).status, 406);
}

TEST(Discovery, WhatIsNotThere) {
  struct Case {
    const char* path;
    bool in_plain_words;
  };
  StandardWorld world;
  for (const Case& c : {Case{"/api/v2", false},
                        {"/api/v1/wheels", false},
                        {"/apis/apps/v9", false},
                        {"/apis/apps/v9/deployments", false},
                        {"/apis/none.io", true},
                        {"/apis/none.io/v1", true},
                        {"/apis/none.io/v1/namespaces/default/wheels", true},
                        {"/healthz/zz", true},
                        {"/nothing", true}}) {
    SCOPED_TRACE(c.path);
    const Reply reply = world.get(c.path);
    EXPECT_EQ(reply.status, 404);
    if (c.in_plain_words) {
      EXPECT_EQ(reply.body, "404 page not found\n");
      EXPECT_EQ(reply.headers.get("content-type"), "text/plain; charset=utf-8");
    } else {
      EXPECT_EQ(reply.message(), "the server could not find the requested resource");
    }
  }
}

TEST(Discovery, Protobuf) {
  StandardWorld world;
  const Reply reply = world.get_as("/api/v1", "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(reply.headers.get("content-type"), "application/vnd.kubernetes.protobuf");
  meta::v1::APIResourceList list;
  api::decode_envelope(reply.body, list);
  EXPECT_EQ(list.group_version(), "v1");
  EXPECT_GT(list.resources_size(), 20);
}

TEST(Discovery, KnownBodiesAreNotSentAgain) {
  StandardWorld world;
  const std::string tag(world.get("/apis").headers.get("etag"));
  ASSERT_FALSE(tag.empty());
  HttpRequest request = StandardWorld::request("GET", "/apis");
  request.headers.add("If-None-Match", tag);
  const Reply reply = world.send(std::move(request));
  EXPECT_EQ(reply.status, 304);
  EXPECT_TRUE(reply.body.empty());
}

TEST(Discovery, NothingAcceptable) {
  StandardWorld world;
  EXPECT_EQ(world.get_as("/apis", "text/html").status, 406);
}

TEST(Discovery, Root) {
  StandardWorld world;
  const json paths = world.get("/").json()["paths"];
  for (const char* path : {"/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/healthz", "/livez/ping", "/openapi/v3",
                           "/readyz/informer-sync", "/version"}) {
    EXPECT_NE(std::ranges::find(paths, path), paths.end()) << path;
  }
  EXPECT_EQ(world.get("/nonsense").status, 404);
}

TEST(Accept, InOrderOfPreference) {
  struct Case {
    const char* header;
    std::vector<std::string> types;
  };
  const Case kCases[] = {
      {"", {"*/*"}},
      {"application/json", {"application/json"}},
      {"text/html;q=0.5, application/json", {"application/json", "text/html"}},
      {"a/b, c/d", {"a/b", "c/d"}},
      {"a/b;q=0, c/d;q=0.1", {"c/d"}},
      {"A/B ; as=\"x\" ;q=0.3", {"a/b"}},
      {"a/b;q=nan, c/d;q=0.5, e/f;q=inf, g/h;q=-1", {"a/b", "e/f", "g/h", "c/d"}},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.header);
    HttpRequest request;
    if (*c.header) request.headers.add("Accept", c.header);
    std::vector<std::string> types;
    for (const MediaRange& range : accepted(request)) types.push_back(range.type);
    EXPECT_EQ(types, c.types);
  }
}

TEST(Health, ReadyOnceStarted) {
  StandardWorld world;
  EXPECT_EQ(world.get("/readyz", std::nullopt).body, "ok");
  EXPECT_NE(world.get("/readyz?verbose").body.find("[+]poststarthook/rbac/bootstrap-roles ok"), std::string::npos);
}

}  // namespace
}  // namespace ph::apiserver::testing
