// Plugins that look other objects up for a pod or a claim: RuntimeClass, LimitRanger, PodTopologyLabels, those of resizing, and the
// default class of claims.
#include <gtest/gtest.h>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

class PodAdmission : public ::testing::Test {
 protected:
  PodAdmission() { must("/api/v1/namespaces/default/serviceaccounts", {{"metadata", {{"name", "default"}}}}); }

  json must(const std::string& target, const json& object) {
    const Reply reply = world.post(target, object.dump());
    EXPECT_EQ(reply.status, 201) << reply.body;
    return reply.json();
  }
  Reply create(const json& spec, const std::string& name = "p") {
    json object = {{"metadata", {{"name", name}}}, {"spec", {{"automountServiceAccountToken", false}}}};
    object["spec"]["containers"] = {{{"name", "c"}, {"image", "i"}}};
    object["spec"].merge_patch(spec);
    return world.post(kPods, object.dump());
  }
  Reply patch(const std::string& target, const json& change, const char* type = "application/merge-patch+json") {
    HttpRequest request = StandardWorld::request("PATCH", target, change.dump());
    request.headers.set("Content-Type", type);
    return world.send(std::move(request));
  }
  void remove(const std::string& target) { world.send(StandardWorld::request("DELETE", target + "?gracePeriodSeconds=0")); }

  const std::string kPods = "/api/v1/namespaces/default/pods";
  StandardWorld world;
};

TEST_F(PodAdmission, RuntimeClasses) {
  const std::string classes = "/apis/node.k8s.io/v1/runtimeclasses";
  must(classes, {{"metadata", {{"name", "plain"}}}, {"handler", "h"}});
  must(classes,
       {{"metadata", {{"name", "heavy"}}},
        {"handler", "h"},
        {"overhead", {{"podFixed", {{"cpu", "250m"}}}}},
        {"scheduling",
         {{"nodeSelector", {{"kind", "vm"}}},
          {"tolerations", {{{"key", "vm"}, {"operator", "Exists"}}, {{"key", "x"}, {"operator", "Equal"}, {"value", "y"}}}}}}});
  struct Case {
    const char* name;
    json spec;
    const char* refusal;
    json overhead, selector;
    std::vector<std::string> keys;  // of tolerations, but for the two that all pods get
  };
  const Case cases[] = {
      {"none", json::object(), "", nullptr, nullptr, {}},
      {"unknown", {{"runtimeClassName", "x"}}, "pod rejected: RuntimeClass \"x\" not found", {}, {}, {}},
      {"plain", {{"runtimeClassName", "plain"}}, "", nullptr, nullptr, {}},
      {"heavy", {{"runtimeClassName", "heavy"}}, "", {{"cpu", "250m"}}, {{"kind", "vm"}}, {"vm", "x"}},
      {"with the same overhead",
       {{"runtimeClassName", "heavy"}, {"overhead", {{"cpu", "0.25"}}}},
       "",
       {{"cpu", "250m"}},
       {{"kind", "vm"}},
       {"vm", "x"}},
      {"with another overhead",
       {{"runtimeClassName", "heavy"}, {"overhead", {{"cpu", "1"}}}},
       "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
       {},
       {},
       {}},
      {"with an overhead of nobody",
       {{"overhead", {{"cpu", "1"}}}},
       "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
       {},
       {},
       {}},
      {"for other nodes",
       {{"runtimeClassName", "heavy"}, {"nodeSelector", {{"kind", "metal"}}}},
       "conflict: runtimeClass.scheduling.nodeSelector[kind] = vm; pod.spec.nodeSelector[kind] = metal",
       {},
       {},
       {}},
      {"with tolerations of its own",
       {{"runtimeClassName", "heavy"},
        {"nodeSelector", {{"a", "b"}}},
        {"tolerations", {{{"key", "x"}, {"operator", "Exists"}}, {{"key", "vm"}, {"operator", "Equal"}, {"value", "1"}}}}},
       "",
       {{"cpu", "250m"}},
       {{"a", "b"}, {"kind", "vm"}},
       {"x", "vm"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Reply reply = create(c.spec);
    if (*c.refusal) {
      EXPECT_EQ(reply.status, 403);
      EXPECT_EQ(reply.message(), std::string("pods \"p\" is forbidden: ") + c.refusal);
      continue;
    }
    ASSERT_EQ(reply.status, 201) << reply.body;
    const json spec = reply.json()["spec"];
    EXPECT_EQ(spec.value("overhead", json()), c.overhead);
    EXPECT_EQ(spec.value("nodeSelector", json()), c.selector);
    std::vector<std::string> keys;
    for (const json& each : spec["tolerations"]) {
      const std::string key = each["key"];
      if (!key.starts_with("node.kubernetes.io/")) keys.push_back(key);
    }
    EXPECT_EQ(keys, c.keys);
    remove(kPods + "/p");
  }
}

TEST_F(PodAdmission, LimitsAreFilledIn) {
  must("/api/v1/namespaces/default/limitranges",
       {{"metadata", {{"name", "r"}}},
        {"spec",
         {{"limits",
           {{{"type", "Container"}, {"default", {{"cpu", "1"}, {"memory", "1Gi"}}}, {"defaultRequest", {{"cpu", "100m"}}}}}}}}});
  const json made = create(json::parse(R"({"containers":[{"name":"c","image":"i"},{"name":"d","image":"i",
      "resources":{"limits":{"cpu":"2"},"requests":{"cpu":"1"}}}],"initContainers":[{"name":"e","image":"i"}]})"))
                        .json();
  EXPECT_EQ(made["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
            "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c; memory request for "
            "container d; memory limit for container d; cpu, memory request for init container e; cpu, memory limit for init "
            "container e");
  EXPECT_EQ(made["spec"]["containers"][0]["resources"],
            json::parse(R"({"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"100m","memory":"1Gi"}})"));
  EXPECT_EQ(made["spec"]["containers"][1]["resources"],
            json::parse(R"({"limits":{"cpu":"2","memory":"1Gi"},"requests":{"cpu":"1","memory":"1Gi"}})"));
}

TEST_F(PodAdmission, LimitsAreKept) {
  struct Case {
    const char* name;
    const char* item;       // of the limit range
    const char* resources;  // of the pod's one container
    const char* refusal;
  };
  const Case cases[] = {
      {"as much as allowed", R"({"type":"Container","max":{"cpu":"1"}})", R"({"limits":{"cpu":"1000m"}})", ""},
      {"too much", R"({"type":"Container","max":{"cpu":"1"}})", R"({"limits":{"cpu":"2"}})",
       "maximum cpu usage per Container is 1, but limit is 2"},
      {"a pod that is too large", R"({"type":"Pod","max":{"cpu":"1"}})", R"({"limits":{"cpu":"2"}})",
       "maximum cpu usage per Pod is 1, but limit is 2"},
      {"no limit at all", R"({"type":"Pod","max":{"cpu":"1"}})", R"({"requests":{"cpu":"1"}})",
       "maximum cpu usage per Pod is 1.  No limit is specified"},
      {"too little", R"({"type":"Pod","min":{"cpu":"1","memory":"1Mi"}})", R"({"requests":{"cpu":"500m"}})",
       "[minimum cpu usage per Pod is 1, but request is 500m, minimum memory usage per Pod is 1Mi.  No request is specified]"},
      {"wide apart", R"({"type":"Pod","maxLimitRequestRatio":{"cpu":"2"}})", R"({"requests":{"cpu":"1"},"limits":{"cpu":"3"}})",
       "cpu max limit to request ratio per Pod is 2, but provided ratio is 3.000000"},
      {"close enough", R"({"type":"Pod","maxLimitRequestRatio":{"cpu":"2"}})", R"({"requests":{"cpu":"1"},"limits":{"cpu":"2"}})",
       ""},
      {"nothing to compare", R"({"type":"Pod","maxLimitRequestRatio":{"cpu":"2"}})", R"({"limits":{"memory":"3"}})",
       "cpu max limit to request ratio per Pod is 2, but no request is specified or request is 0"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    must("/api/v1/namespaces/default/limitranges",
         {{"metadata", {{"name", "r"}}}, {"spec", {{"limits", {json::parse(c.item)}}}}});
    const Reply reply = create({{"containers", {{{"name", "c"}, {"image", "i"}, {"resources", json::parse(c.resources)}}}}});
    EXPECT_EQ(reply.message(), *c.refusal ? std::string("pods \"p\" is forbidden: ") + c.refusal : "") << reply.body;
    remove(kPods + "/p");
    remove("/api/v1/namespaces/default/limitranges/r");
  }
}

TEST_F(PodAdmission, ClaimsKeepTheirLimitsToo) {
  must("/api/v1/namespaces/default/limitranges",
       json::parse(R"({"metadata":{"name":"r"},"spec":{"limits":[{"type":"PersistentVolumeClaim","min":{"storage":"1Gi"},
           "max":{"storage":"2Gi"}}]}})"));
  const auto claim = [&](const char* size) {
    return world.post("/api/v1/namespaces/default/persistentvolumeclaims?dryRun=All",
                      json{{"metadata", {{"name", "c"}}},
                           {"spec", {{"accessModes", {"ReadWriteOnce"}}, {"resources", {{"requests", {{"storage", size}}}}}}}}
                          .dump());
  };
  EXPECT_EQ(claim("2Gi").status, 201);
  EXPECT_EQ(
      claim("3Gi").message(),
      "persistentvolumeclaims \"c\" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi");
  EXPECT_EQ(
      claim("1Mi").message(),
      "persistentvolumeclaims \"c\" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi");
}

TEST_F(PodAdmission, PodsGetTheirNodesPlace) {
  must("/api/v1/nodes", json::parse(R"({"metadata":{"name":"n","labels":{"topology.kubernetes.io/zone":"z",
      "topology.kubernetes.io/region":"r","other":"o"}}})"));
  must("/api/v1/nodes", {{"metadata", {{"name", "bare"}}}});
  struct Case {
    const char* name;
    json labels, binding_labels;
    const char* node;
    json after;
  };
  const json both = {{"topology.kubernetes.io/zone", "z"}, {"topology.kubernetes.io/region", "r"}};
  const Case cases[] = {
      {"both", json::object(), json::object(), "n", both},
      {"a node without", {{"a", "b"}}, json::object(), "bare", {{"a", "b"}}},
      {"a node that is not there", json::object(), json::object(), "none", json::object()},
      {"the pod's own goes", {{"topology.kubernetes.io/zone", "own"}}, json::object(), "n", both},
      {"the binding's stays",
       {{"topology.kubernetes.io/zone", "own"}},
       {{"topology.kubernetes.io/zone", "bound"}},
       "n",
       {{"topology.kubernetes.io/zone", "bound"}, {"topology.kubernetes.io/region", "r"}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    must(kPods, {{"metadata", {{"name", "p"}, {"labels", c.labels}}},
                 {"spec", {{"automountServiceAccountToken", false}, {"containers", {{{"name", "c"}, {"image", "i"}}}}}}});
    must(kPods + "/p/binding",
         {{"metadata", {{"name", "p"}, {"labels", c.binding_labels}}}, {"target", {{"kind", "Node"}, {"name", c.node}}}});
    const json pod = world.send(StandardWorld::request("GET", kPods + "/p")).json();
    EXPECT_EQ(pod["metadata"].value("labels", json::object()), c.after);
    remove(kPods + "/p");
  }
  // Those who name their node themselves keep what they say.
  json own = {{"metadata", {{"name", "q"}, {"labels", {{"topology.kubernetes.io/zone", "own"}}}}},
              {"spec", {{"nodeName", "n"}, {"containers", {{{"name", "c"}, {"image", "i"}}}}}}};
  EXPECT_EQ(must(kPods, own)["metadata"]["labels"],
            json::parse(R"({"topology.kubernetes.io/region":"r","topology.kubernetes.io/zone":"own"})"));
}

TEST_F(PodAdmission, PodsGrowAsTheirNodeAllows) {
  const auto node = [&](const std::string& name, const char* os, std::vector<std::string> features) {
    must("/api/v1/nodes", {{"metadata", {{"name", name}, {"labels", {{"kubernetes.io/os", os}}}}},
                           {"status", {{"allocatable", {{"cpu", "2"}, {"memory", "1Gi"}}}, {"declaredFeatures", features}}}});
  };
  node("full", "linux", {"GuaranteedQoSPodCPUResize"});
  node("old", "linux", {});
  node("other", "windows", {"GuaranteedQoSPodCPUResize"});
  struct Case {
    const char* name;
    const char *node, *cpu;
    const char* refusal;
  };
  const Case cases[] = {
      {"within its node", "full", "2", ""},
      {"beyond its node", "full", "3", "Node didn't have enough allocatable resources: cpu, requested: 3000, allocatable: 2000"},
      {"on a node that does not know how", "old", "2",
       "pod update requires features GuaranteedQoSPodCPUResize which are not available on node \"old\""},
      {"on another system", "other", "2", "pod resize is only supported on linux nodes, node \"other\" is \"windows\""},
      {"on no node any more", "gone", "2", "node \"gone\" not found"},
      {"not at all", "old", "1", ""},
  };
  const auto sized = [](const char* cpu) {
    const json amounts = {{"cpu", cpu}, {"memory", "1Mi"}};
    return json{{"containers", {{{"name", "c"}, {"image", "i"}, {"resources", {{"limits", amounts}, {"requests", amounts}}}}}}};
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    json spec = sized("1");
    spec["nodeName"] = c.node;
    ASSERT_EQ(create(spec).status, 201);
    const Reply reply = patch(kPods + "/p/resize", {{"spec", sized(c.cpu)}}, "application/strategic-merge-patch+json");
    EXPECT_EQ(reply.message(), *c.refusal ? std::string("pods \"p\" is forbidden: ") + c.refusal : "") << reply.body;
    remove(kPods + "/p");
  }
}

TEST_F(PodAdmission, ClassesOfClaims) {
  const std::string classes = "/apis/storage.k8s.io/v1/storageclasses",
                    claims = "/api/v1/namespaces/default/persistentvolumeclaims";
  const auto add = [&](const std::string& name, const json& annotations, bool grows = false) {
    must(classes, {{"metadata", {{"name", name}, {"annotations", annotations}}},
                   {"provisioner", "a.b/c"},
                   {"allowVolumeExpansion", grows}});
  };
  const auto class_of = [&](const json& metadata, const json& spec) {
    json claim = {{"metadata", {{"name", "x"}}},
                  {"spec", {{"accessModes", {"ReadWriteOnce"}}, {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}};
    claim["metadata"].merge_patch(metadata);
    claim["spec"].merge_patch(spec);
    const json made = must(claims + "?dryRun=All", claim);
    return made["spec"].value("storageClassName", "none");
  };
  add("plain", json::object());
  EXPECT_EQ(class_of(json::object(), json::object()), "none");
  add("old", {{"storageclass.beta.kubernetes.io/is-default-class", "true"}});
  EXPECT_EQ(class_of(json::object(), json::object()), "old");
  world.executor.advance(std::chrono::seconds(2));
  add("new", {{"storageclass.kubernetes.io/is-default-class", "true"}}, true);
  EXPECT_EQ(class_of(json::object(), json::object()), "new");
  EXPECT_EQ(class_of(json::object(), {{"storageClassName", ""}}), "");
  EXPECT_EQ(class_of(json::object(), {{"storageClassName", "plain"}}), "plain");
  EXPECT_EQ(class_of({{"annotations", {{"volume.beta.kubernetes.io/storage-class", "plain"}}}}, json::object()), "none");

  struct Case {
    const char *name, *storage_class, *phase, *size, *refusal;
  };
  const Case cases[] = {
      {"bound", "new", "Bound", "2Gi", ""},
      {"not bound", "new", "Pending", "2Gi", "Only bound persistent volume claims can be expanded"},
      {"of a class that does not", "plain", "Bound", "2Gi",
       "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"},
      {"as large as before", "plain", "Bound", "1Gi", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    must(claims, {{"metadata", {{"name", "g"}}},
                  {"spec",
                   {{"accessModes", {"ReadWriteOnce"}},
                    {"volumeName", "v"},
                    {"storageClassName", c.storage_class},
                    {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}});
    const json status = {{"status", {{"phase", c.phase}, {"capacity", {{"storage", "1Gi"}}}}}};
    ASSERT_EQ(patch(claims + "/g/status", status).status, 200);
    const Reply grown = patch(claims + "/g", {{"spec", {{"resources", {{"requests", {{"storage", c.size}}}}}}}});
    const std::string refusal = *c.refusal ? std::string("persistentvolumeclaims \"g\" is forbidden: ") + c.refusal : "";
    // Validation comes first: of a claim that is not bound it says the same in other words.
    if (std::string_view(c.phase) == "Pending") EXPECT_GE(grown.status, 400);
    else EXPECT_EQ(grown.message(), refusal) << grown.body;
    patch(claims + "/g", {{"metadata", {{"finalizers", nullptr}}}});
    remove(claims + "/g");
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
