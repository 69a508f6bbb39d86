// Kinds that are kept and that nobody acts on yet, through the API: what the server itself adds, refuses and converts.
#include <gtest/gtest.h>

#include "api/flows.h"
#include "apiserver/bootstrap/reconcile.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

const std::string kV1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
const std::string kV2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
constexpr const char* kAutoscaler =
    R"({"metadata":{"name":"h"},"spec":{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}})";

TEST(StoredKinds, AutoscalersAreOneInTwoVersions) {
  StandardWorld world;
  const Reply made = world.post(kV1, kAutoscaler);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json()["spec"]["targetCPUUtilizationPercentage"], 80);
  json now = world.get(kV2 + "/h").json();
  EXPECT_EQ(now["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 80);
  EXPECT_EQ(now["spec"]["minReplicas"], 1);

  now["spec"]["behavior"] = json::parse(R"({"scaleDown":{"stabilizationWindowSeconds":5}})");
  now["spec"]["metrics"] =
      json::parse(R"([{"type":"Pods","pods":{"metric":{"name":"m"},"target":{"type":"AverageValue","averageValue":"5"}}}])");
  ASSERT_EQ(world.send(StandardWorld::request("PUT", kV2 + "/h", now.dump())).status, 200);
  json shown = world.get(kV1 + "/h").json();
  EXPECT_FALSE(shown["spec"].contains("targetCPUUtilizationPercentage"));
  EXPECT_EQ(shown["metadata"]["annotations"].size(), 2);

  // Who knows the old version only changes what he sees, and loses nothing.
  shown["spec"]["maxReplicas"] = 9;
  ASSERT_EQ(world.send(StandardWorld::request("PUT", kV1 + "/h", shown.dump())).status, 200);
  const json after = world.get(kV2 + "/h").json();
  EXPECT_EQ(after["spec"]["maxReplicas"], 9);
  EXPECT_EQ(after["spec"]["metrics"], now["spec"]["metrics"]);
  EXPECT_EQ(after["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"], 5);
  EXPECT_FALSE(after["metadata"].contains("annotations"));
}

TEST(StoredKinds, RulesOfAutoscalersAreThoseOfTheStoredVersion) {
  StandardWorld world;
  json bad = json::parse(kAutoscaler);
  bad["spec"]["targetCPUUtilizationPercentage"] = -1;
  const Reply refused = world.post(kV1, bad.dump());
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.json()["details"]["causes"][0]["field"], "spec.metrics[0].resource.target.averageUtilization");
}

TEST(StoredKinds, TheNewestVersionIsPreferred) {
  StandardWorld world;
  const json group = world.get("/apis/autoscaling").json();
  EXPECT_EQ(group["preferredVersion"]["version"], "v2");
  EXPECT_EQ(group["versions"].size(), 2u);
}

TEST(StoredKinds, ClaimsForAdministrationNeedALabel) {
  StandardWorld world;
  const std::string target = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
  const std::string claim =
      R"({"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c","adminAccess":true}}]}}})";
  const Reply refused = world.post(target, claim);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.json()["details"]["causes"][0]["field"], "spec.devices.requests[0].adminAccess");
  json space = world.get("/api/v1/namespaces/default").json();
  space["metadata"]["labels"]["resource.kubernetes.io/admin-access"] = "true";
  ASSERT_EQ(world.send(StandardWorld::request("PUT", "/api/v1/namespaces/default", space.dump())).status, 200);
  EXPECT_EQ(world.post(target, claim).status, 201);
}

TEST(StoredKinds, TaintsOfDevicesSaySinceWhen) {
  StandardWorld world;
  const Reply made =
      world.post("/apis/resource.k8s.io/v1/resourceslices",
                 R"({"metadata":{"name":"s"},"spec":{"driver":"d.io","nodeName":"n","pool":{"name":"p","resourceSliceCount":1},
        "devices":[{"name":"d","attributes":{"a":{"int":1,"ints":[1]}},"taints":[{"key":"k","effect":"NoSchedule"}]}]}})");
  ASSERT_EQ(made.status, 201) << made.body;
  const json device = made.json()["spec"]["devices"][0];
  EXPECT_TRUE(device["taints"][0].contains("timeAdded"));
  EXPECT_FALSE(device["attributes"]["a"].contains("ints")) << "the feature is off";
}

TEST(StoredKinds, ApiServicesOfThisServerAreThere) {
  StandardWorld world;
  const std::string target = "/apis/apiregistration.k8s.io/v1/apiservices";
  const std::string spec = R"("spec":{"group":"a.io","version":"v1","groupPriorityMinimum":1,"versionPriority":1)";
  const json local = world.post(target, R"({"metadata":{"name":"v1.a.io"},)" + spec + "}}").json();
  EXPECT_EQ(local["status"]["conditions"][0]["reason"], "Local");
  ASSERT_EQ(world.send(StandardWorld::request("DELETE", target + "/v1.a.io")).status, 200);
  const json remote =
      world.post(target, R"({"metadata":{"name":"v1.a.io"},)" + spec + R"(,"service":{"namespace":"n","name":"s"}}})").json();
  EXPECT_EQ(remote["status"], json::object());
}

TEST(StoredKinds, WarningsAreToldOfWhatIsTaken) {
  StandardWorld world;
  const std::string ingresses = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
  const std::string metadata = R"({"metadata":{"name":"i","annotations":{"kubernetes.io/ingress.class":"c"}})";
  const Reply taken = world.post(ingresses, metadata + R"(,"spec":{"rules":[{}]}})");
  ASSERT_EQ(taken.status, 201) << taken.body;
  EXPECT_NE(taken.headers.get("Warning").find("spec.ingressClassName"), std::string_view::npos);
  const Reply refused = world.post(ingresses, metadata + R"(,"spec":{}})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.headers.get("Warning"), "");
  json stored = world.get(ingresses + "/i").json();
  stored["metadata"]["labels"]["a"] = "b";
  const Reply changed = world.send(StandardWorld::request("PUT", ingresses + "/i", stored.dump()));
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(changed.headers.get("Warning"), "") << "told once";
}

TEST(StoredKinds, GenerationsCountSpecs) {
  StandardWorld world;
  const std::string policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
  json policy = world.post(policies, R"({"metadata":{"name":"p"},"spec":{"podSelector":{}}})").json();
  EXPECT_EQ(policy["metadata"]["generation"], 1);
  policy["spec"]["podSelector"]["matchLabels"]["a"] = "b";
  policy = world.send(StandardWorld::request("PUT", policies + "/p", policy.dump())).json();
  EXPECT_EQ(policy["metadata"]["generation"], 2);
  policy["metadata"]["labels"]["a"] = "b";
  EXPECT_EQ(world.send(StandardWorld::request("PUT", policies + "/p", policy.dump())).json()["metadata"]["generation"], 2);
}

TEST(StoredKinds, FlowSchemasOfAFreshCluster) {
  StandardWorld world;
  EXPECT_EQ(world.get("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas").json()["items"].size(), 11u);
  EXPECT_EQ(world.get("/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations").json()["items"].size(), 8u);
}

TEST(StoredKinds, WhatIsMandatoryIsPutRight) {
  using flowcontrol::v1::FlowSchema;
  struct Case {
    const char* name;
    const FlowSchema& expected;
    void (*change)(FlowSchema&);
    bool changes, follows;
  };
  const FlowSchema& mandatory = api::mandatory_flow_schemas().at(0);
  const FlowSchema& suggested = api::suggested_flow_schemas().at(0);
  const auto spec = [](FlowSchema& schema) { schema.mutable_spec()->set_matching_precedence(7); };
  const auto own = [](FlowSchema& schema) {
    schema.mutable_spec()->set_matching_precedence(7);
    (*schema.mutable_metadata()->mutable_annotations())[api::kAutoUpdateSpec] = "false";
  };
  const auto unmarked = [](FlowSchema& schema) {
    schema.mutable_spec()->set_matching_precedence(7);
    schema.mutable_metadata()->clear_annotations();
    schema.mutable_metadata()->set_generation(2);
  };
  const Case cases[] = {
      {"nothing", suggested, [](FlowSchema&) {}, false, true},
      {"a suggested one that follows", suggested, spec, true, true},
      {"a suggested one that is the cluster's own", suggested, own, false, false},
      {"a suggested one that somebody changed", suggested, unmarked, true, false},
      {"a mandatory one", mandatory, own, true, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    FlowSchema existing = c.expected;
    c.change(existing);
    EXPECT_EQ(reconcile(existing, c.expected), c.changes);
    EXPECT_EQ(existing.spec().matching_precedence() == c.expected.spec().matching_precedence(), c.follows);
    EXPECT_FALSE(reconcile(existing, c.expected)) << "a second time";
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
