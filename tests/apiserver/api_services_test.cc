// The API services of the groups that the server serves itself.
#include <gmock/gmock.h>

#include "apiserver/upkeep/local_groups.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kServices = "/apis/apiregistration.k8s.io/v1/apiservices";
constexpr const char* kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

APIService service(const std::string& name, const std::string& label, int priority = 1000) {
  APIService out;
  out.mutable_metadata()->set_name(name);
  if (!label.empty()) (*out.mutable_metadata()->mutable_labels())[kAutomanaged] = label;
  out.mutable_spec()->set_group_priority_minimum(priority);
  return out;
}

std::vector<std::string> names(const std::vector<APIService>& services) {
  std::vector<std::string> out;
  for (const APIService& each : services) out.push_back(each.metadata().name());
  return out;
}

TEST(ApiServices, WhatIsToBeDone) {
  struct Case {
    const char* name;
    std::vector<APIService> wanted, existing;
    const char* kept;
    std::vector<std::string> create, update, remove;
  };
  const Case cases[] = {
      {"new", {service("v1.a", "true")}, {}, "true", {"v1.a"}, {}, {}},
      {"there", {service("v1.a", "true")}, {service("v1.a", "true")}, "true", {}, {}, {}},
      {"says something else", {service("v1.a", "true")}, {service("v1.a", "true", 5)}, "true", {}, {"v1.a"}, {}},
      {"somebody's own", {service("v1.a", "true")}, {service("v1.a", "", 5)}, "true", {}, {}, {}},
      {"kept another way", {service("v1.a", "true")}, {service("v1.a", "onstart")}, "true", {}, {"v1.a"}, {}},
      {"wanted no more", {}, {service("v1.a", "true"), service("v1.b", "")}, "true", {}, {}, {"v1.a"}},
      {"of the other way", {service("v1.a", "onstart")}, {service("v1.b", "onstart")}, "true", {}, {}, {}},
      {"at a start", {service("v1.a", "onstart")}, {service("v1.b", "onstart")}, "onstart", {"v1.a"}, {}, {"v1.b"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const ApiServiceChanges changes = plan_api_services(c.wanted, c.existing, c.kept);
    EXPECT_EQ(names(changes.create), c.create);
    EXPECT_EQ(names(changes.update), c.update);
    EXPECT_EQ(names(changes.remove), c.remove);
  }
}

TEST(ApiServices, OfBuiltInGroupsAreThere) {
  StandardWorld world;
  std::set<std::string> wanted{"v1."}, found;
  for (const json& group : world.get("/apis").json()["groups"]) {
    if (group["name"] == "apiregistration.k8s.io") continue;
    for (const json& version : group["versions"])
      wanted.insert(version["version"].get<std::string>() + "." + group["name"].get<std::string>());
  }
  for (const json& item : world.get(kServices).json()["items"]) {
    SCOPED_TRACE(item.dump());
    found.insert(item["metadata"]["name"]);
    EXPECT_EQ(item["metadata"]["labels"], (json{{kAutomanaged, "onstart"}}));
    EXPECT_FALSE(item["spec"].contains("service"));
    const json condition = item["status"]["conditions"][0];
    EXPECT_EQ(condition["type"], "Available");
    EXPECT_EQ(condition["status"], "True");
    EXPECT_EQ(condition["reason"], "Local");
  }
  EXPECT_EQ(found, wanted);
  const json apps = world.get(std::string(kServices) + "/v1.apps").json();
  EXPECT_EQ(apps["spec"], (json{{"group", "apps"}, {"version", "v1"}, {"groupPriorityMinimum", 17800}, {"versionPriority", 15}}));
}

TEST(ApiServices, AreEverybodysOnceTheServerRuns) {
  StandardWorld world;
  const std::string apps = std::string(kServices) + "/v1.apps", batch = std::string(kServices) + "/v1.batch";
  EXPECT_EQ(world.send(StandardWorld::request("DELETE", apps)).status, 200);
  json changed = world.get(batch).json();
  changed["spec"]["groupPriorityMinimum"] = 1;
  EXPECT_EQ(world.send(StandardWorld::request("PUT", batch, changed.dump())).status, 200);
  world.executor.advance(1min);
  EXPECT_EQ(world.get(apps).status, 404);
  EXPECT_EQ(world.get("/apis/apps/v1").status, 200);
  world.restart();
  EXPECT_EQ(world.get(apps).status, 200);
  EXPECT_EQ(world.get(batch).json()["spec"]["groupPriorityMinimum"], 17400);
}

TEST(ApiServices, FollowCustomKinds) {
  StandardWorld world;
  const auto define = [&](const std::string& plural, const std::string& kind) {
    json version = {{"name", "v1"}, {"served", true}, {"storage", true}};
    version["schema"]["openAPIV3Schema"] = {{"type", "object"}};
    json definition = {{"metadata", {{"name", plural + ".rec.example.com"}}}};
    definition["spec"] = {{"group", "rec.example.com"}, {"scope", "Cluster"}};
    definition["spec"]["names"] = {{"plural", plural}, {"kind", kind}};
    definition["spec"]["versions"] = json::array({version});
    const Reply made = world.post(kDefinitions, definition.dump());
    EXPECT_EQ(made.status, 201) << made.body;
    world.executor.advance(2s);
  };
  const auto undefine = [&](const std::string& plural) {
    world.send(StandardWorld::request("DELETE", std::string(kDefinitions) + "/" + plural + ".rec.example.com"));
    world.executor.advance(5s);
  };
  const std::string mine = std::string(kServices) + "/v1.rec.example.com";
  EXPECT_EQ(world.get(mine).status, 404);
  define("widgets", "Widget");
  define("gadgets", "Gadget");
  const json made = world.get(mine).json();
  EXPECT_EQ(made["metadata"]["labels"], (json{{kAutomanaged, "true"}}));
  EXPECT_EQ(made["spec"]["groupPriorityMinimum"], 1000);
  EXPECT_EQ(made["spec"]["versionPriority"], 100);

  EXPECT_EQ(world.send(StandardWorld::request("DELETE", mine)).status, 200);
  world.executor.advance(2s);
  EXPECT_EQ(world.get(mine).status, 200) << "it is kept";
  undefine("widgets");
  EXPECT_EQ(world.get(mine).status, 200) << "another kind is of that version";
  undefine("gadgets");
  EXPECT_EQ(world.get(mine).status, 404);
}

}  // namespace
}  // namespace ph::apiserver::testing
