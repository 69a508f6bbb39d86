// Admission plugins that are off by default and look at the request alone, or at a few objects.
#include <gtest/gtest.h>

#include "tests/apiserver/opted_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

std::string forbidden_pod(const std::string& why) { return "pods \"p\" is forbidden: " + why; }

TEST(OptedPlugins, AlwaysAdmitChangesNothing) {
  OptedWorld opted_world(opted({"AlwaysAdmit"}));
  EXPECT_EQ(opted_world.post(kOptedPods, OptedWorld::pod("p")).status, 201);
}

TEST(OptedPlugins, AlwaysDenyRefusesAllThatChangesAnything) {
  StandardWorld world(opted({"AlwaysDeny"}));
  const Reply made = world.post("/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"m"}})");
  EXPECT_EQ(made.status, 403);
  EXPECT_EQ(made.message(), "configmaps \"m\" is forbidden: admission control is denying all modifications");
  EXPECT_EQ(world.send(StandardWorld::request("DELETE", "/api/v1/namespaces/kube-public")).status, 403);
  EXPECT_EQ(
      world.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", R"({"spec":{"nonResourceAttributes":{}}})").status,
      403);
  EXPECT_EQ(world.get("/api/v1/namespaces/default").status, 200);
}

TEST(OptedPlugins, NamespacesAreProvided) {
  OptedWorld opted_world(opted({"NamespaceAutoProvision"}));
  const std::string maps = "/api/v1/namespaces/fresh/configmaps";
  EXPECT_EQ(opted_world.post(maps + "?dryRun=All", {{"metadata", {{"name", "m"}}}}).status, 404) << "a dry run leaves nothing";
  EXPECT_EQ(opted_world.world.get("/api/v1/namespaces/fresh").status, 404);
  EXPECT_EQ(opted_world.post(maps, {{"metadata", {{"name", "m"}}}}).status, 201);
  const Reply space = opted_world.world.get("/api/v1/namespaces/fresh");
  ASSERT_EQ(space.status, 200);
  EXPECT_EQ(space.json()["metadata"]["labels"]["kubernetes.io/metadata.name"], "fresh");
  EXPECT_EQ(opted_world.post(maps, {{"metadata", {{"name", "n"}}}}).status, 201) << "it is there now";
  EXPECT_EQ(opted_world.remove("/api/v1/namespaces/other/configmaps/m").status, 404);
  EXPECT_EQ(opted_world.world.get("/api/v1/namespaces/other").status, 404) << "only what is made needs one";
}

TEST(OptedPlugins, NamespaceMustExist) {
  StandardOptions options = opted({"NamespaceExists"});
  options.disable_admission = {"NamespaceLifecycle"};
  StandardWorld world(options);
  const Reply reply = world.post("/api/v1/namespaces/nowhere/configmaps", R"({"metadata":{"name":"m"}})");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.message(), "namespaces \"nowhere\" not found");
  EXPECT_EQ(world.post("/api/v1/namespaces", R"({"metadata":{"name":"nowhere"}})").status, 201);
  EXPECT_EQ(world.post("/api/v1/namespaces/nowhere/configmaps", R"({"metadata":{"name":"m"}})").status, 201);
}

TEST(OptedPlugins, HardAntiAffinityIsOfOneNode) {
  OptedWorld opted_world(opted({"LimitPodHardAntiAffinityTopology"}));
  const auto apart = [](const char* how, const char* topology) {
    json term = {{"topologyKey", topology}, {"labelSelector", {{"matchLabels", {{"a", "b"}}}}}};
    if (how == std::string("preferredDuringSchedulingIgnoredDuringExecution")) term = {{"weight", 1}, {"podAffinityTerm", term}};
    return OptedWorld::pod("p", {{"affinity", {{"podAntiAffinity", {{how, json::array({term})}}}}}});
  };
  const char* required = "requiredDuringSchedulingIgnoredDuringExecution";
  const Reply zone = opted_world.post(kOptedPods, apart(required, "topology.kubernetes.io/zone"));
  EXPECT_EQ(zone.status, 403);
  EXPECT_EQ(
      zone.message(),
      forbidden_pod("affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey topology.kubernetes.io/zone but only "
                    "key kubernetes.io/hostname is allowed"));
  const std::string dry = kOptedPods + "?dryRun=All";
  EXPECT_EQ(opted_world.post(dry, apart(required, "kubernetes.io/hostname")).status, 201);
  EXPECT_EQ(opted_world.post(dry, apart("preferredDuringSchedulingIgnoredDuringExecution", "topology.kubernetes.io/zone")).status,
            201);
}

TEST(OptedPlugins, ImagesAreAlwaysPulled) {
  OptedWorld opted_world(opted({"AlwaysPullImages"}));
  const json spec = opted_world.must(kOptedPods, OptedWorld::pod("p", json::parse(R"({
      "containers": [{"name": "c", "image": "i", "imagePullPolicy": "Never"}],
      "initContainers": [{"name": "d", "image": "j", "imagePullPolicy": "IfNotPresent"}],
      "volumes": [{"name": "v", "image": {"reference": "k", "pullPolicy": "Never"}}]})")))["spec"];
  EXPECT_EQ(spec["containers"][0]["imagePullPolicy"], "Always");
  EXPECT_EQ(spec["initContainers"][0]["imagePullPolicy"], "Always");
  EXPECT_EQ(spec["volumes"][0]["image"]["pullPolicy"], "Always");
  // What came before the plugin may be changed otherwise.
  EXPECT_EQ(opted_world.patch(kOptedPods + "/p", {{"metadata", {{"labels", {{"a", "b"}}}}}}).status, 200);
}

TEST(OptedPlugins, ExtendedResourcesAreTolerated) {
  OptedWorld opted_world(opted({"ExtendedResourceToleration"}));
  const auto asking = [](const char* resources) {
    return OptedWorld::pod("p", {{"containers", {{{"name", "c"}, {"image", "i"}, {"resources", json::parse(resources)}}}}});
  };
  const auto keys = [&](const json& pod) {
    std::vector<std::string> out;
    const json spec = opted_world.must(kOptedPods + "?dryRun=All", pod)["spec"];
    for (const json& each : spec["tolerations"]) {
      const std::string key = each["key"];
      if (!key.starts_with("node.kubernetes.io/"))
        out.push_back(key + " " + each.value("operator", "") + " " + each["effect"].get<std::string>());
    }
    return out;
  };
  EXPECT_EQ(keys(asking(R"({"requests":{"cpu":"1"},"limits":{"memory":"1Gi"}})")), std::vector<std::string>());
  EXPECT_EQ(keys(asking(R"({"limits":{"example.com/b":"1","example.com/a":"2"}})")),
            (std::vector<std::string>{"example.com/a Exists NoSchedule", "example.com/b Exists NoSchedule"}));
  json has = asking(R"({"limits":{"example.com/a":"2"}})");
  has["spec"]["tolerations"] = json::parse(R"([{"key":"example.com/a","operator":"Exists","effect":"NoSchedule"}])");
  EXPECT_EQ(keys(has), std::vector<std::string>{"example.com/a Exists NoSchedule"}) << "it is not told twice";
}

TEST(OptedPlugins, ExternalAddressesAreDenied) {
  OptedWorld before((StandardOptions()));
  OptedWorld opted_world(opted({"DenyServiceExternalIPs"}));
  const std::string services = "/api/v1/namespaces/default/services";
  const auto service = [](const char* addresses) {
    return json{{"metadata", {{"name", "s"}}}, {"spec", {{"ports", {{{"port", 80}}}}, {"externalIPs", json::parse(addresses)}}}};
  };
  const Reply refused = opted_world.post(services, service(R"(["203.0.113.1"])"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(), "services \"s\" is forbidden: Use of external IPs is denied by admission control");
  opted_world.must(services, service("[]"));
  EXPECT_EQ(opted_world.patch(services + "/s", {{"spec", {{"externalIPs", {"203.0.113.1"}}}}}).status, 403);
  EXPECT_EQ(before.post(services, service(R"(["203.0.113.1"])")).status, 201) << "the plugin is off by default";
}

// -- PodNodeSelector

struct Selected {
  const char* name;
  const char* space;
  json own;
  const char* refusal;  // empty: it is stored, with `selector`
  json selector;
};

TEST(OptedPlugins, PodsGoWhereTheirNamespaceSays) {
  OptedWorld opted_world(opted({"PodNodeSelector"}, {{"PodNodeSelector", R"({"podNodeSelectorPluginConfig":{
      "clusterDefaultNodeSelector":"pool=shared","listed":"pool=shared, kind=a"}})"}}));
  const auto make_space = [&](const std::string& name, const json& annotations) {
    opted_world.must("/api/v1/namespaces", {{"metadata", {{"name", name}, {"annotations", annotations}}}});
    opted_world.must("/api/v1/namespaces/" + name + "/serviceaccounts", {{"metadata", {{"name", "default"}}}});
  };
  const char* annotation = "scheduler.alpha.kubernetes.io/node-selector";
  make_space("plain", json::object());
  make_space("own", {{annotation, "pool=own"}});
  make_space("none", {{annotation, ""}});
  make_space("odd", {{annotation, "pool in (a)"}});
  make_space("listed", json::object());
  const char* conflict = "pod node label selector conflicts with its namespace node label selector";
  const char* unlisted = "pod node label selector labels conflict with its namespace whitelist";
  const Selected cases[] = {
      {"the cluster's default", "plain", nullptr, "", {{"pool", "shared"}}},
      {"and the pod's own", "plain", {{"a", "b"}}, "", {{"a", "b"}, {"pool", "shared"}}},
      {"another than the default", "plain", {{"pool", "mine"}}, conflict, {}},
      {"the namespace's", "own", nullptr, "", {{"pool", "own"}}},
      {"another than the namespace's", "own", {{"pool", "shared"}}, conflict, {}},
      {"an empty annotation", "none", nullptr, "", nullptr},
      {"within the whitelist", "listed", {{"kind", "a"}}, "", {{"kind", "a"}, {"pool", "shared"}}},
      {"another value", "listed", {{"kind", "b"}}, unlisted, {}},
      {"another key", "listed", {{"other", "a"}}, unlisted, {}},
  };
  for (const Selected& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string pods = std::string("/api/v1/namespaces/") + c.space + "/pods?dryRun=All";
    const Reply reply = opted_world.post(pods, OptedWorld::pod("p", {{"nodeSelector", c.own}}));
    if (*c.refusal) {
      EXPECT_EQ(reply.status, 403);
      EXPECT_EQ(reply.message(), forbidden_pod(c.refusal));
      continue;
    }
    ASSERT_EQ(reply.status, 201) << reply.body;
    EXPECT_EQ(reply.json()["spec"].value("nodeSelector", json()), c.selector);
  }
  EXPECT_EQ(opted_world.post("/api/v1/namespaces/odd/pods", OptedWorld::pod("p")).status, 500);
}

// -- PodTolerationRestriction

TEST(OptedPlugins, TolerationsAreTheNamespaces) {
  OptedWorld opted_world(opted({"PodTolerationRestriction"}, {{"PodTolerationRestriction", R"({
      "apiVersion":"podtolerationrestriction.admission.k8s.io/v1alpha1","kind":"Configuration",
      "default":[{"key":"of-all","operator":"Exists"}],
      "whitelist":[{"key":"of-all","operator":"Exists"},{"key":"free","operator":"Exists"},
                   {"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute"},
                   {"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute"},
                   {"key":"node.kubernetes.io/memory-pressure","operator":"Exists","effect":"NoSchedule"}]})"}}));
  const auto make_space = [&](const std::string& name, const json& annotations) {
    opted_world.must("/api/v1/namespaces", {{"metadata", {{"name", name}, {"annotations", annotations}}}});
    opted_world.must("/api/v1/namespaces/" + name + "/serviceaccounts", {{"metadata", {{"name", "default"}}}});
  };
  make_space("own", {{"scheduler.alpha.kubernetes.io/defaultTolerations", R"([{"key":"own","operator":"Exists"}])"},
                     {"scheduler.alpha.kubernetes.io/tolerationsWhitelist", "[]"}});
  make_space("strict", {{"scheduler.alpha.kubernetes.io/tolerationsWhitelist", R"([{"key":"x","operator":"Exists"}])"}});
  make_space("odd", {{"scheduler.alpha.kubernetes.io/defaultTolerations", "{"}});
  const auto keys = [](const Reply& reply) {
    std::set<std::string> out;
    for (const json& each : reply.json()["spec"]["tolerations"]) out.insert(each["key"]);
    return out;
  };
  const auto post = [&](const std::string& space, const json& spec) {
    return opted_world.post("/api/v1/namespaces/" + space + "/pods?dryRun=All", OptedWorld::pod("p", spec));
  };
  using Keys = std::set<std::string>;
  const std::string ready = "node.kubernetes.io/not-ready", there = "node.kubernetes.io/unreachable";
  EXPECT_EQ(keys(post("default", {})), (Keys{"of-all", ready, there}));
  EXPECT_EQ(keys(post("own", {})), (Keys{"own", ready, there}));
  const json burstable = json::parse(R"({"containers":[{"name":"c","image":"i","resources":{"requests":{"memory":"1Mi"}}}]})");
  EXPECT_EQ(keys(post("default", burstable)), (Keys{"node.kubernetes.io/memory-pressure", "of-all", ready, there}));
  EXPECT_EQ(post("default", json::parse(R"({"tolerations":[{"key":"free","operator":"Exists"}]})")).status, 201);
  const std::string conflict =
      "pod tolerations (possibly merged with namespace default tolerations) conflict with its {} whitelist";
  const Reply cluster = post("default", json::parse(R"({"tolerations":[{"key":"mine","operator":"Exists"}]})"));
  EXPECT_EQ(cluster.status, 500);
  EXPECT_EQ(cluster.message(), fmt::format(fmt::runtime(conflict), "cluster"));
  EXPECT_EQ(post("strict", {}).message(), fmt::format(fmt::runtime(conflict), "namespace"));
  EXPECT_EQ(post("odd", {}).status, 500);
}

// -- EventRateLimit

json event(const std::string& name, const std::string& about = "web") {
  return {{"metadata", {{"name", name}, {"namespace", "default"}}},
          {"involvedObject", {{"kind", "Pod"}, {"namespace", "default"}, {"name", about}}},
          {"reason", "R"},
          {"type", "Normal"},
          {"source", {{"component", "c"}}}};
}

std::string limits(const std::string& list) {
  return R"({"apiVersion":"eventratelimit.admission.k8s.io/v1alpha1","kind":"Configuration","limits":)" + list + "}";
}

TEST(OptedPlugins, EventsAreLimited) {
  OptedWorld opted_world(
      opted({"EventRateLimit"},
            {{"EventRateLimit",
              limits(R"([{"type":"SourceAndObject","qps":1,"burst":2,"cacheSize":2},{"type":"Server","qps":100,"burst":5}])")}}));
  const std::string events = "/api/v1/namespaces/default/events";
  EXPECT_EQ(opted_world.post(events, event("a1")).status, 201);
  EXPECT_EQ(opted_world.post(events + "?dryRun=All", event("dry")).status, 201);
  EXPECT_EQ(opted_world.post(events, event("a2")).status, 201);
  const Reply third = opted_world.post(events, event("a3"));
  EXPECT_EQ(third.status, 429);
  EXPECT_EQ(third.json()["reason"], "TooManyRequests");
  EXPECT_EQ(third.message(), "Too many requests: limit reached on type SourceAndObject for key cPoddefaultweb");
  EXPECT_EQ(opted_world.post(events, event("b1", "other")).status, 201) << "another object";
  EXPECT_EQ(opted_world.post(events, event("c1", "third")).status, 201);
  EXPECT_EQ(opted_world.post(events, event("d1", "fourth")).message(),
            "Too many requests: limit reached on type Server for key ");
  opted_world.world.executor.advance(1s);
  EXPECT_EQ(opted_world.post(events, event("a4")).status, 201) << "a second later, and of the least used it is forgotten";
}

TEST(OptedPlugins, EventsOfTheNewGroupCountToo) {
  OptedWorld opted_world(opted({"EventRateLimit"}, {{"EventRateLimit", limits(R"([{"type":"User","qps":1,"burst":1}])")}}));
  const std::string events = "/apis/events.k8s.io/v1/namespaces/default/events";
  const auto note = [](const char* name) {
    return json{{"metadata", {{"name", name}}},
                {"eventTime", "2026-01-01T00:00:00.000000Z"},
                {"reportingController", "a.b/c"},
                {"reportingInstance", "i"},
                {"action", "a"},
                {"reason", "r"},
                {"type", "Normal"},
                {"regarding", {{"kind", "Pod"}, {"namespace", "default"}, {"name", "p"}}}};
  };
  EXPECT_EQ(opted_world.post(events, note("a")).status, 201);
  EXPECT_EQ(opted_world.post(events, note("b")).status, 429);
}

// -- OwnerReferencesPermissionEnforcement

class Owners : public ::testing::Test {
 protected:
  Owners() : opted_world(opted({"OwnerReferencesPermissionEnforcement"})) {
    const auto role = [&](const char* name, const char* rules) {
      opted_world.must("/apis/rbac.authorization.k8s.io/v1/clusterroles",
                       {{"metadata", {{"name", name}}}, {"rules", json::parse(rules)}});
      opted_world.must("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                       {{"metadata", {{"name", name}}},
                        {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", name}}},
                        {"subjects", {{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "User"}, {"name", name}}}}});
    };
    role("maker", R"([{"apiGroups":[""],"resources":["configmaps"],"verbs":["create","update","patch","get"]}])");
    role("deleter", R"([{"apiGroups":[""],"resources":["configmaps"],"verbs":["create","update","patch","get","delete"]}])");
    role("finalizer", R"([{"apiGroups":[""],"resources":["configmaps"],"verbs":["create","update","patch","get","delete"]},
                          {"apiGroups":[""],"resources":["nodes/finalizers"],"verbs":["update"]}])");
  }
  static json map(const std::string& name, std::optional<bool> blocks, const char* kind = "Node") {
    json out = {{"metadata", {{"name", name}}}};
    if (!blocks) return out;
    out["metadata"]["ownerReferences"] = {
        {{"apiVersion", "v1"}, {"kind", kind}, {"name", "n"}, {"uid", "u"}, {"blockOwnerDeletion", *blocks}}};
    return out;
  }

  const std::string kMaps = "/api/v1/namespaces/default/configmaps";
  OptedWorld opted_world;
};

TEST_F(Owners, NeedTheRightToDelete) {
  const Reply plain = opted_world.post(kMaps, map("plain", std::nullopt), StandardWorld::user("maker"));
  EXPECT_EQ(plain.status, 201) << plain.body;
  const Reply owned = opted_world.post(kMaps, map("owned", false), StandardWorld::user("maker"));
  EXPECT_EQ(owned.status, 403);
  EXPECT_TRUE(
      owned.message().starts_with("configmaps \"owned\" is forbidden: cannot set an ownerRef on a resource you can't delete: "))
      << owned.message();
  EXPECT_EQ(opted_world.put(kMaps + "/plain", map("plain", false), StandardWorld::user("maker")).status, 403);
  EXPECT_EQ(opted_world.post(kMaps, map("owned", false), StandardWorld::user("deleter")).status, 201);
  // What is there already may stay.
  EXPECT_EQ(opted_world.patch(kMaps + "/owned", {{"data", {{"k", "v"}}}}, StandardWorld::user("maker")).status, 200);
}

TEST_F(Owners, NeedTheRightToFinalizeTheOwnerThatWaits) {
  const Reply blocks = opted_world.post(kMaps, map("m", true), StandardWorld::user("deleter"));
  EXPECT_EQ(blocks.status, 403);
  EXPECT_NE(blocks.message().find(
                "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: "),
            std::string::npos)
      << blocks.message();
  EXPECT_EQ(opted_world.post(kMaps, map("m", true), StandardWorld::user("finalizer")).status, 201);
  const Reply unknown = opted_world.post(kMaps, map("x", true, "Ghost"), StandardWorld::user("finalizer"));
  EXPECT_EQ(unknown.message(),
            "configmaps \"x\" is forbidden: cannot set blockOwnerDeletion in this case because cannot find RESTMapping for "
            "APIVersion v1 Kind Ghost: no matches for kind \"Ghost\" in version \"v1\"");
}

}  // namespace
}  // namespace ph::apiserver::testing
