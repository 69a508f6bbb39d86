#include <gtest/gtest.h>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

constexpr const char* kPods = "/api/v1/namespaces/default/pods";
constexpr const char* kClasses = "/apis/scheduling.k8s.io/v1/priorityclasses";

json pod(const std::string& name, const json& spec = json::object()) {
  json out = {{"kind", "Pod"},
              {"apiVersion", "v1"},
              {"metadata", {{"name", name}}},
              {"spec", {{"containers", {{{"name", "c"}, {"image", "i"}}}}}}};
  out["spec"].update(spec);
  return out;
}

class Admission : public ::testing::Test {
 protected:
  Admission() {
    EXPECT_EQ(
        world
            .post(
                "/api/v1/namespaces/default/serviceaccounts",
                R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"default"},"imagePullSecrets":[{"name":"pull"}]})")
            .status,
        201);
  }
  Reply create(const json& object) { return world.post(kPods, object.dump()); }
  StandardWorld world;
};

TEST_F(Admission, NamespaceMustExist) {
  const Reply reply = world.post("/api/v1/namespaces/nowhere/pods", pod("a").dump());
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.message(), "namespaces \"nowhere\" not found");
}

TEST_F(Admission, NamespaceThatIsGoing) {
  ASSERT_EQ(world.post("/api/v1/namespaces", R"({"kind":"Namespace","apiVersion":"v1","metadata":{"name":"going"}})").status,
            201);
  ASSERT_EQ(world.send(StandardWorld::request("DELETE", "/api/v1/namespaces/going")).status, 200);
  const Reply reply =
      world.post("/api/v1/namespaces/going/configmaps", R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}})");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.message(),
            "configmaps \"a\" is forbidden: unable to create new content in namespace going because it is being terminated");
  EXPECT_EQ(
      reply.json()["details"]["causes"][0],
      json::parse(
          R"({"reason":"NamespaceTerminating","message":"namespace going is being terminated","field":"metadata.namespace"})"));
}

TEST_F(Admission, ProtectedNamespaces) {
  for (const char* name : {"default", "kube-system", "kube-public"}) {
    const Reply reply = world.send(StandardWorld::request("DELETE", std::string("/api/v1/namespaces/") + name));
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.message(), std::string("namespaces \"") + name + "\" is forbidden: this namespace may not be deleted");
  }
}

TEST_F(Admission, PodGetsItsAccountAndToken) {
  const json spec = create(pod("a")).json()["spec"];
  EXPECT_EQ(spec["serviceAccountName"], "default");
  EXPECT_EQ(spec["serviceAccount"], "default");
  EXPECT_EQ(spec["imagePullSecrets"], json::parse(R"([{"name":"pull"}])"));
  const std::string volume = spec["volumes"][0]["name"];
  EXPECT_TRUE(volume.starts_with("kube-api-access-"));
  EXPECT_EQ(volume.size(), std::string("kube-api-access-12345").size());
  EXPECT_EQ(spec["volumes"][0]["projected"], json::parse(R"({"defaultMode":420,"sources":[
      {"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
      {"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},
      {"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}]})"));
  json mount = spec["containers"][0]["volumeMounts"][0];
  mount.erase("recursiveReadOnly");
  EXPECT_EQ(mount, json({{"name", volume}, {"readOnly", true}, {"mountPath", "/var/run/secrets/kubernetes.io/serviceaccount"}}));
}

TEST_F(Admission, PodWithoutToken) {
  const json spec = create(pod("a", {{"automountServiceAccountToken", false}})).json()["spec"];
  EXPECT_FALSE(spec.contains("volumes"));
  const json mounted = json::parse(
      R"([{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]}])");
  const json own =
      create(pod("b", {{"containers", mounted}, {"volumes", json::parse(R"([{"name":"v","emptyDir":{}}])")}})).json()["spec"];
  EXPECT_EQ(own["volumes"].size(), 1u) << "what stands at the token's place is left alone";
}

TEST_F(Admission, PodOfAnUnknownAccount) {
  const Reply reply = create(pod("a", {{"serviceAccountName", "ghost"}}));
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.message(),
            "pods \"a\" is forbidden: error looking up service account default/ghost: serviceaccount \"ghost\" not found");
}

TEST_F(Admission, TolerationsOfEveryPod) {
  struct Case {
    const char* name;
    const char* tolerations;
    std::size_t count;
  };
  const Case kCases[] = {
      {"none", "[]", 2},
      {"its own for not-ready",
       R"([{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":5}])", 2},
      {"of another effect", R"([{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoSchedule"}])", 3},
      {"of everything", R"([{"operator":"Exists"}])", 1},
  };
  int number = 0;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const json spec = create(pod("p" + std::to_string(++number), {{"tolerations", json::parse(c.tolerations)}})).json()["spec"];
    EXPECT_EQ(spec["tolerations"].size(), c.count);
  }
  const json spec = create(pod("plain")).json()["spec"];
  EXPECT_EQ(
      spec["tolerations"][0],
      json::parse(R"({"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300})"));
  EXPECT_EQ(spec["tolerations"][1]["key"], "node.kubernetes.io/unreachable");
}

std::string priority_class(const char* name, int value, bool is_default = false, const char* policy = "PreemptLowerPriority") {
  return json{{"kind", "PriorityClass"}, {"apiVersion", "scheduling.k8s.io/v1"}, {"metadata", {{"name", name}}},
              {"value", value},          {"globalDefault", is_default},          {"preemptionPolicy", policy}}
      .dump();
}

TEST_F(Admission, Priority) {
  ASSERT_EQ(world.post(kClasses, priority_class("high", 1000, false, "Never")).status, 201);
  struct Case {
    const char* name;
    json spec;
    int status;
    int priority;
    const char* text;  // the preemption policy, or of an error the message
  };
  const Case kCases[] = {
      {"none", json::object(), 201, 0, "PreemptLowerPriority"},
      {"by class", {{"priorityClassName", "high"}}, 201, 1000, "Never"},
      {"a system class", {{"priorityClassName", "system-node-critical"}}, 201, 2000001000, "PreemptLowerPriority"},
      {"unknown class",
       {{"priorityClassName", "ghost"}},
       403,
       0,
       "pods \"p\" is forbidden: no PriorityClass with name ghost was found"},
      {"the class's own number", {{"priorityClassName", "high"}, {"priority", 1000}}, 201, 1000, "Never"},
      {"another number",
       {{"priority", 5}},
       403,
       0,
       "pods \"p\" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission "
       "controller "
       "computed 0 from the given PriorityClass name"},
      {"another policy",
       {{"priorityClassName", "high"}, {"preemptionPolicy", "PreemptLowerPriority"}},
       403,
       0,
       "pods \"p\" is forbidden: the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; "
       "priority "
       "admission controller computed Never from the given PriorityClass name"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Reply reply = create(pod("p", c.spec));
    ASSERT_EQ(reply.status, c.status) << reply.body;
    if (c.status != 201) {
      EXPECT_EQ(reply.message(), c.text);
      continue;
    }
    EXPECT_EQ(reply.json()["spec"]["priority"], c.priority);
    EXPECT_EQ(reply.json()["spec"]["preemptionPolicy"], c.text);
    world.send(StandardWorld::request("DELETE", std::string(kPods) + "/p?gracePeriodSeconds=0"));
  }
}

// kubectl replace sends the manifest again. What was computed for it is kept; what it must say itself it must say again.
TEST_F(Admission, APodIsReplacedByItsManifest) {
  ASSERT_EQ(world.post(kClasses, priority_class("high", 1000, false, "Never")).status, 201);
  struct Case {
    const char* name;
    json spec;
    int status;
  };
  const Case kCases[] = {
      {"its account", {{"serviceAccountName", "default"}, {"automountServiceAccountToken", false}}, 200},
      {"by the account's old name", {{"serviceAccount", "default"}, {"automountServiceAccountToken", false}}, 200},
      {"its class",
       {{"serviceAccountName", "default"}, {"automountServiceAccountToken", false}, {"priorityClassName", "high"}},
       200},
      {"without its account", {{"automountServiceAccountToken", false}}, 422},
      {"with the token that it does not name", {{"serviceAccountName", "default"}}, 422},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    json manifest = pod("p", c.spec);
    manifest["spec"]["imagePullSecrets"] = json::parse(R"([{"name":"pull"}])");
    const Reply created = create(manifest);
    ASSERT_EQ(created.status, 201) << created.body;
    manifest["metadata"]["labels"]["again"] = "1";
    const Reply replaced = world.send(StandardWorld::request("PUT", std::string(kPods) + "/p", manifest.dump()));
    EXPECT_EQ(replaced.status, c.status) << replaced.body;
    if (c.status == 200) EXPECT_EQ(replaced.json()["spec"], created.json()["spec"]);
    world.send(StandardWorld::request("DELETE", std::string(kPods) + "/p?gracePeriodSeconds=0"));
  }
}

TEST_F(Admission, DefaultPriorityClass) {
  ASSERT_EQ(world.post(kClasses, priority_class("usual", 7, true)).status, 201);
  const json spec = create(pod("p")).json()["spec"];
  EXPECT_EQ(spec["priority"], 7);
  EXPECT_EQ(spec["priorityClassName"], "usual");
  const Reply second = world.post(kClasses, priority_class("other", 8, true));
  EXPECT_EQ(second.status, 403);
  EXPECT_EQ(second.message(),
            "priorityclasses.scheduling.k8s.io \"other\" is forbidden: PriorityClass usual is already marked as "
            "default. Only one default can exist");
}

TEST_F(Admission, WhatIsUsedIsProtectedFromTheStart) {
  struct Case {
    const char* name;
    const char* target;
    json object;
    std::vector<std::string> finalizers;
  };
  const json spec = {{"accessModes", {"ReadWriteOnce"}}, {"resources", {{"requests", {{"storage", "1Gi"}}}}}};
  const json volume = {{"capacity", {{"storage", "1Gi"}}}, {"accessModes", {"ReadWriteOnce"}}, {"hostPath", {{"path", "/x"}}}};
  const char* const claims = "/api/v1/namespaces/default/persistentvolumeclaims";
  const Case cases[] = {
      {"a claim", claims, {{"metadata", {{"name", "a"}}}, {"spec", spec}}, {"kubernetes.io/pvc-protection"}},
      {"one that has it",
       claims,
       {{"metadata", {{"name", "b"}, {"finalizers", {"kubernetes.io/pvc-protection", "a.b/c"}}}}, {"spec", spec}},
       {"kubernetes.io/pvc-protection", "a.b/c"}},
      {"one that has another",
       claims,
       {{"metadata", {{"name", "c"}, {"finalizers", {"a.b/c"}}}}, {"spec", spec}},
       {"a.b/c", "kubernetes.io/pvc-protection"}},
      {"a volume",
       "/api/v1/persistentvolumes",
       {{"metadata", {{"name", "v"}}}, {"spec", volume}},
       {"kubernetes.io/pv-protection"}},
      {"a class",
       "/apis/storage.k8s.io/v1/volumeattributesclasses",
       {{"metadata", {{"name", "v"}}}, {"driverName", "a.b"}, {"parameters", {{"a", "b"}}}},
       {"kubernetes.io/vac-protection"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Reply made = world.post(c.target, c.object.dump());
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.json()["metadata"]["finalizers"], c.finalizers);
    // Afterwards it is everybody's.
    HttpRequest patch =
        StandardWorld::request("PATCH", std::string(c.target) + "/" + c.object["metadata"]["name"].get<std::string>(),
                               R"({"metadata":{"finalizers":null}})");
    patch.headers.set("Content-Type", "application/merge-patch+json");
    EXPECT_FALSE(world.send(std::move(patch)).json()["metadata"].contains("finalizers"));
  }
}

// There is no name yet, but for what it will begin with.
TEST_F(Admission, RefusesWhatIsToBeNamed) {
  json object = pod("", {{"priorityClassName", "none"}});
  object["metadata"] = {{"generateName", "web-"}};
  EXPECT_EQ(create(object).message(), "pods \"web-\" is forbidden: no PriorityClass with name none was found");
}

TEST(AdmissionChoice, PluginsCanBeTurnedOnAndOff) {
  const char* node = R"({"kind":"Node","apiVersion":"v1","metadata":{"name":"n"}})";
  StandardWorld tainting;
  EXPECT_EQ(tainting.post("/api/v1/nodes", node).json()["spec"].value("taints", json()),
            json::parse(R"([{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"}])"));
  StandardWorld plain({.disable_admission = {"TaintNodesByCondition"}});
  EXPECT_FALSE(plain.post("/api/v1/nodes", node).json()["spec"].contains("taints"));
  StandardWorld without({.disable_admission = {"DefaultTolerationSeconds"}});
  const char* pod =
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}})";
  without.post("/api/v1/namespaces/default/serviceaccounts",
               R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"default"}})");
  EXPECT_FALSE(without.post("/api/v1/namespaces/default/pods", pod).json()["spec"].contains("tolerations"));
}

TEST(IngressClasses, OneMayBeTheDefault) {
  const std::string classes = "/apis/networking.k8s.io/v1/ingressclasses",
                    ingresses = "/apis/networking.k8s.io/v1/namespaces/default/ingresses?dryRun=All";
  StandardWorld world;
  const auto add_class = [&](const std::string& name, const std::string& is_default) {
    const std::string mark = R"("annotations":{"ingressclass.kubernetes.io/is-default-class":")" + is_default + "\"}";
    ASSERT_EQ(
        world.post(classes, R"({"metadata":{"name":")" + name + "\"," + mark + R"(},"spec":{"controller":"a.b/c"}})").status,
        201);
  };
  const auto class_of = [&](const std::string& metadata, const std::string& spec) {
    const json made =
        world.post(ingresses, R"({"metadata":{"name":"i")" + metadata + R"(},"spec":{"rules":[{}])" + spec + "}}").json();
    return made["spec"].value("ingressClassName", "none");
  };
  add_class("plain", "false");
  EXPECT_EQ(class_of("", ""), "none");
  add_class("old", "true");
  EXPECT_EQ(class_of("", ""), "old");
  EXPECT_EQ(class_of("", R"(,"ingressClassName":"plain")"), "plain");
  EXPECT_EQ(class_of(R"(,"annotations":{"kubernetes.io/ingress.class":"x"})", ""), "none");
  add_class("a", "true");
  EXPECT_EQ(class_of("", ""), "a") << "of the same second: the first by name";
  world.executor.advance(2s);
  add_class("new", "true");
  EXPECT_EQ(class_of("", ""), "new");
}

}  // namespace
}  // namespace ph::apiserver::testing
