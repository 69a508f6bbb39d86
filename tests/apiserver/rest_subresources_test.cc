// scale, binding, eviction, and access to all of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::HasSubstr;

const std::string kPods = "/api/v1/namespaces/default/pods";
const std::string kDeployments = "/apis/apps/v1/namespaces/default/deployments";

std::string pod(const std::string& name, const std::string& spec = "") {
  return R"({"metadata":{"name":")" + name + R"(","labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}])" + spec +
         "}}";
}

std::string binding(const std::string& name, const std::string& node) {
  return R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":")" + name + R"("},"target":{"kind":"Node","name":")" + node +
         R"("}})";
}

void create_deployment(Harness& api) {
  const char* body = R"({"metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":
      {"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})";
  ASSERT_EQ(api.post(kDeployments, body).status, 201);
}

TEST(RestScale, ShowsAndSetsReplicas) {
  Harness api;
  create_deployment(api);
  Json scale = api.get(kDeployments + "/d/scale").json();
  EXPECT_EQ(scale["kind"], "Scale");
  EXPECT_EQ(scale["apiVersion"], "autoscaling/v1");
  EXPECT_EQ(scale["spec"]["replicas"], 2);
  EXPECT_EQ(scale["status"]["selector"], "a=b");
  scale["spec"]["replicas"] = 5;
  EXPECT_EQ(api.put(kDeployments + "/d/scale", scale.dump()).json()["spec"]["replicas"], 5);
  EXPECT_EQ(api.put(kDeployments + "/d/scale", scale.dump()).status, 409) << "the revision is an old one";
  EXPECT_EQ(api.patch(kDeployments + "/d/scale", R"({"spec":{"replicas":7}})").status, 200);
  const Json deployment = api.get(kDeployments + "/d").json();
  EXPECT_EQ(deployment["spec"]["replicas"], 7);
  EXPECT_EQ(deployment["metadata"]["generation"], 3);
  EXPECT_EQ(api.patch(kDeployments + "/d/scale", R"({"spec":{"replicas":-1}})").status, 422);
  EXPECT_EQ(api.get(kDeployments + "/other/scale").status, 404);
}

TEST(RestBinding, GivesAPodItsNodeOnce) {
  Harness api;
  api.post(kPods, pod("p"));
  const Answer bound = api.post(kPods + "/p/binding", binding("p", "n1"));
  ASSERT_EQ(bound.status, 201) << bound.body;
  EXPECT_EQ(bound.json()["status"], "Success");
  const Json object = api.get(kPods + "/p").json();
  EXPECT_EQ(object["spec"]["nodeName"], "n1");
  EXPECT_EQ(object["status"]["conditions"][0]["type"], "PodScheduled");
  EXPECT_EQ(object["status"]["conditions"][0]["status"], "True");
  const Answer again = api.post(kPods + "/p/binding", binding("p", "n2"));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.message(), "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"n1\"");
}

TEST(RestBinding, Refusals) {
  struct Case {
    const char* name;
    std::string target, body;
    int status;
    const char* message;
  };
  const Case kCases[] = {
      {"no such pod", kPods + "/none/binding", binding("none", "n"), 404, "pods \"none\" not found"},
      {"gated", kPods + "/gated/binding", binding("gated", "n"), 409, "has non-empty .spec.schedulingGates"},
      {"no node", kPods + "/free/binding", binding("free", ""), 500, "target.name: Required value"},
      {"no name", kPods + "/free/binding", R"({"target":{"kind":"Node","name":"n"}})", 400, "name in URL does not match"},
      {"another revision", kPods + "/free/binding", R"({"metadata":{"name":"free","resourceVersion":"1"},"target":{"name":"n"}})",
       409, "Precondition failed: ResourceVersion in precondition: 1, ResourceVersion in object meta: "},
      {"other name", kPods + "/free/binding", binding("gated", "n"), 400, "name in URL does not match name in Binding object"},
  };
  Harness api;
  api.post(kPods, pod("free"));
  api.post(kPods, pod("gated", R"(,"schedulingGates":[{"name":"example.com/g"}])"));
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Answer answer = api.post(c.target, c.body);
    EXPECT_EQ(answer.status, c.status) << answer.body;
    EXPECT_THAT(answer.message(), HasSubstr(c.message));
  }
  const char* const old_way = "/api/v1/namespaces/default/bindings";
  EXPECT_EQ(api.post(old_way, binding("none", "n")).message(), "pods \"none\" not found");
  EXPECT_EQ(api.post(old_way, binding("free", "n")).status, 201);
}

// A running pod under a budget that allows `allowed` disruptions.
void create_budgeted(Harness& api, int allowed) {
  api.post(kPods, pod("p", R"(,"nodeName":"n")"));
  ASSERT_EQ(
      api.patch(kPods + "/p/status", R"({"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})").status,
      200);
  const std::string budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
  ASSERT_EQ(
      api.post(budgets, R"({"metadata":{"name":"b"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"x"}}}})").status,
      201);
  const std::string status = R"({"status":{"observedGeneration":1,"disruptionsAllowed":)" + std::to_string(allowed) +
                             R"(,"currentHealthy":1,"desiredHealthy":1,"expectedPods":1}})";
  ASSERT_EQ(api.patch(budgets + "/b/status", status).status, 200);
}

constexpr const char* kEviction = R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}})";

TEST(RestEviction, SpendsTheBudgetAndDeletes) {
  Harness api;
  create_budgeted(api, 1);
  EXPECT_EQ(api.post(kPods + "/p/eviction", kEviction).status, 201);
  const Json going = api.get(kPods + "/p").json();
  EXPECT_TRUE(going["metadata"].contains("deletionTimestamp"));
  EXPECT_EQ(going["status"]["conditions"][1]["type"], "DisruptionTarget");
  const Json budget = api.get("/apis/policy/v1/namespaces/default/poddisruptionbudgets/b").json();
  EXPECT_EQ(budget["status"]["disruptionsAllowed"], 0);
  EXPECT_TRUE(budget["status"]["disruptedPods"].contains("p"));
}

TEST(RestEviction, IsRefusedWhenTheBudgetIsSpent) {
  Harness api;
  create_budgeted(api, 0);
  const Answer answer = api.post(kPods + "/p/eviction", kEviction);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.message(), "Cannot evict pod as it would violate the pod's disruption budget.");
  EXPECT_EQ(answer.json()["details"]["causes"][0]["reason"], "DisruptionBudget");
  EXPECT_EQ(answer.json()["details"]["causes"][0]["message"], "The disruption budget b needs 1 healthy pods and has 1 currently");
  EXPECT_FALSE(api.get(kPods + "/p").json()["metadata"].contains("deletionTimestamp"));
}

TEST(RestPodParts, EphemeralContainersAreOnlyAdded) {
  Harness api;
  api.post(kPods, pod("p"));
  const std::string target = kPods + "/p/ephemeralcontainers";
  const char* type = "application/strategic-merge-patch+json";
  const Answer added = api.patch(target, R"({"spec":{"ephemeralContainers":[{"name":"d","image":"i"}]}})", type);
  ASSERT_EQ(added.status, 200) << added.body;
  EXPECT_EQ(added.json()["spec"]["ephemeralContainers"][0]["name"], "d");
  EXPECT_EQ(added.json()["metadata"]["generation"], 2);
  EXPECT_EQ(api.patch(target, R"({"spec":{"ephemeralContainers":[{"name":"d","image":"j"}]}})", type).status, 422);
  EXPECT_EQ(api.patch(target, R"({"spec":{"ephemeralContainers":null}})").status, 422);
  EXPECT_EQ(api.get(target).json()["spec"]["ephemeralContainers"][0]["image"], "i");
}

TEST(RestPodParts, ResizeChangesResourcesAndNothingElse) {
  Harness api;
  const char* body =
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1"}}}]}})";
  ASSERT_EQ(api.post(kPods, body).status, 201);
  const std::string target = kPods + "/p/resize";
  const char* type = "application/strategic-merge-patch+json";
  const Answer resized =
      api.patch(target, R"({"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"2"}}}]}})", type);
  ASSERT_EQ(resized.status, 200) << resized.body;
  EXPECT_EQ(resized.json()["spec"]["containers"][0]["resources"]["requests"]["cpu"], "2");
  const Answer other = api.patch(target, R"({"spec":{"containers":[{"name":"c","image":"j"}]}})", type);
  EXPECT_EQ(other.status, 200) << other.body;
  EXPECT_EQ(other.json()["spec"]["containers"][0]["image"], "i") << "what is not its business is left out silently";
  EXPECT_EQ(api.patch(target, R"({"spec":{"containers":[{"name":"c","resources":{"requests":null}}]}})", type).status, 422)
      << "the QoS class would change";
}

class DenyAll final : public Authorizer {
 public:
  Decision authorize(const Attributes&) override { return {}; }
};

TEST(RestAccess, RefusalsNameWhoAndWhat) {
  struct Case {
    const char* method;
    const char* target;
    const char* message;
  };
  const Case kCases[] = {
      {"GET", "/api/v1/namespaces/default/pods",
       "pods is forbidden: User \"admin\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\""},
      {"GET", "/apis/apps/v1/deployments",
       "deployments.apps is forbidden: User \"admin\" cannot list resource \"deployments\" in API group \"apps\" at the cluster "
       "scope"},
      {"GET", "/api/v1/namespaces/default/pods/p/log",
       "pods \"p\" is forbidden: User \"admin\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"default\""},
      {"DELETE", "/api/v1/nodes/n",
       "nodes \"n\" is forbidden: User \"admin\" cannot delete resource \"nodes\" in API group \"\" at the cluster scope"},
      {"GET", "/metrics", "forbidden: User \"admin\" cannot get path \"/metrics\""},
  };
  Extensions extensions;
  extensions.authorizer = std::make_unique<DenyAll>();
  Harness api(quiet_options(), std::move(extensions));
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.target);
    const Answer answer = api.send(Harness::request(c.method, c.target));
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.message(), c.message);
  }
}

TEST(RestAccess, WhatIsNotServedIsNotFound) {
  Harness api;
  api.post(kPods, pod("p"));
  EXPECT_EQ(api.get(kPods + "/p/exec").status, 404);
  EXPECT_EQ(api.get(kPods + "/p/wheels").status, 404);
  EXPECT_EQ(api.post(kPods + "/p", pod("p")).status, 405);
  EXPECT_EQ(api.get("/api/v1/namespaces/default/nodes").status, 404);
  EXPECT_EQ(api.get("/nothing").status, 404);
}

}  // namespace
}  // namespace ph::apiserver::testing
