// ResourceQuotaConfiguration: what is limited may be used only where a quota is about it.
#include "apiserver/admission/limited_resources.h"

#include <gmock/gmock.h>

#include "tests/apiserver/opted_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

json configuration(const json& limited) {
  return {{"apiVersion", "apiserver.config.k8s.io/v1"}, {"kind", "ResourceQuotaConfiguration"}, {"limitedResources", limited}};
}

std::string problem(const json& document) {
  try {
    admission::read_limited_resources(document);
    return {};
  } catch (const AdmissionConfigurationError& error) {
    return error.what();
  }
}

TEST(LimitedResources, AreRead) {
  json document = configuration({{{"apiGroup", "apps"},
                                  {"resource", "deployments"},
                                  {"matchContains", {"count"}},
                                  {"matchScopes", {{{"scopeName", "PriorityClass"}, {"operator", "In"}, {"values", {"a"}}}}}}});
  const auto read = admission::read_limited_resources(document);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].group, "apps");
  EXPECT_EQ(read[0].scopes[0].values(0), "a");
  EXPECT_TRUE(admission::read_limited_resources(json::object()).empty());
  document["apiVersion"] = "resourcequota.admission.k8s.io/v1beta1";
  document["kind"] = "Configuration";
  EXPECT_EQ(admission::read_limited_resources(document).size(), 1u);
}

TEST(LimitedResources, WhatMayNotBeIsSaid) {
  const struct {
    json document;
    const char* why;
  } kCases[] = {
      {{{"kind", "Configuration"}}, "ResourceQuota: no kind \"Configuration\" is registered for version \"\""},
      {configuration({{{"matchContains", {"x"}}}}), "ResourceQuota: limitedResources[0].resource: Required value"},
      {configuration({{{"resource", "pods"}, {"contains", "x"}}}),
       "ResourceQuota: limitedResources[0]: unknown field \"contains\""},
      {configuration({{{"resource", "pods"}, {"matchContains", {1}}}}),
       "ResourceQuota: limitedResources[0]: matchContains[0] is not a string"},
      {configuration(1), "ResourceQuota: limitedResources is not a list"},
  };
  for (const auto& each : kCases) EXPECT_EQ(problem(each.document), each.why);
}

class Limited : public ::testing::Test {
 protected:
  void start(const json& limited) { opted_.emplace(opted({}, {{"ResourceQuota", configuration(limited).dump()}})); }
  OptedWorld& world() { return *opted_; }
  // As its loop would have left it.
  void quota(const std::string& name, const json& hard, const json& spec = json::object()) {
    json object = {{"metadata", {{"name", name}}}, {"spec", {{"hard", hard}}}};
    object["spec"].update(spec);
    world().must("/api/v1/namespaces/default/resourcequotas", object);
    json used = hard;
    for (auto& amount : used) amount = "0";
    ASSERT_EQ(world()
                  .patch("/api/v1/namespaces/default/resourcequotas/" + name + "/status",
                         {{"status", {{"hard", hard}, {"used", used}}}})
                  .status,
              200);
  }
  Reply create(const std::string& name, const json& requests = json::object(), const json& spec = json::object()) {
    json pod = OptedWorld::pod(name, spec);
    pod["spec"]["containers"][0]["resources"]["requests"] = requests;
    return world().post(kOptedPods, pod);
  }

 private:
  std::optional<OptedWorld> opted_;
};

TEST_F(Limited, AmountsNeedAQuota) {
  start({{{"resource", "pods"}, {"matchContains", {"requests.cpu", "memory"}}}});
  const Reply refused = create("a", {{"cpu", "1"}, {"memory", "1Gi"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(), "pods \"a\" is forbidden: insufficient quota to consume: memory,requests.cpu,requests.memory");
  EXPECT_EQ(create("b").status, 201) << "what is not used needs none";
  quota("q", {{"requests.cpu", "2"}});
  EXPECT_EQ(create("c", {{"cpu", "1"}, {"memory", "1Gi"}}).message(),
            "pods \"c\" is forbidden: insufficient quota to consume: memory,requests.memory");
  EXPECT_EQ(create("d", {{"cpu", "1"}}).status, 201);
  EXPECT_EQ(create("e", {{"cpu", "5"}}).status, 403) << "and it must fit";
}

TEST_F(Limited, OtherResourcesAreNotMeant) {
  start({{{"apiGroup", "apps"}, {"resource", "pods"}, {"matchContains", {"cpu"}}}});
  EXPECT_EQ(create("a", {{"cpu", "1"}}).status, 201);
}

TEST_F(Limited, CountsOfAnyResource) {
  start({{{"resource", "configmaps"}, {"matchContains", {"count/"}}}});
  const Reply refused = world().post("/api/v1/namespaces/default/configmaps", {{"metadata", {{"name", "m"}}}});
  EXPECT_EQ(refused.message(), "configmaps \"m\" is forbidden: insufficient quota to consume: count/configmaps");
  quota("q", {{"count/configmaps", "1"}});
  world().must("/api/v1/namespaces/default/configmaps", {{"metadata", {{"name", "m"}}}});
}

TEST_F(Limited, ScopesNeedAQuota) {
  start({{{"resource", "pods"},
          {"matchScopes", {{{"scopeName", "PriorityClass"}, {"operator", "In"}, {"values", {"high", "higher"}}}}}}});
  world().must("/apis/scheduling.k8s.io/v1/priorityclasses", {{"metadata", {{"name", "high"}}}, {"value", 10}});
  EXPECT_EQ(create("a").status, 201);
  const json high = {{"priorityClassName", "high"}};
  const Reply refused = create("b", json::object(), high);
  EXPECT_EQ(refused.status, 500);
  EXPECT_EQ(refused.message(), "insufficient quota to match these scopes: [{PriorityClass In [high higher]}]");
  quota(
      "q", {{"pods", "1"}},
      {{"scopeSelector", {{"matchExpressions", {{{"scopeName", "PriorityClass"}, {"operator", "In"}, {"values", {"high"}}}}}}}});
  EXPECT_EQ(create("c", json::object(), high).status, 201);
  EXPECT_EQ(create("d", json::object(), high).status, 403) << "it is used up";
}

}  // namespace
}  // namespace ph::apiserver::testing
