// InterPodAffinity: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/cluster/pod_affinity.h"
#include "scheduler/cluster/pod_volumes.h"
#include "tests/scheduler/one_plugin.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Namespace, core::v1::Pod;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr const char* kNotNear = "never: node(s) didn't match pod affinity rules";
constexpr const char* kNotAway = "node(s) didn't match pod anti-affinity rules";
constexpr const char* kRepelled = "node(s) didn't satisfy existing pods anti-affinity rules";

// {labelSelector: {matchLabels: {app: APP}}, topologyKey: KEY, …}
std::string term(const std::string& app, const std::string& key = "zone", const std::string& more = "") {
  return "{labelSelector: {matchLabels: {app: " + app + "}}, topologyKey: " + key + more + "}";
}
std::string required(const std::string& kind, const std::string& term) {
  return "affinity: {" + kind + ": {requiredDuringSchedulingIgnoredDuringExecution: [" + term + "]}}";
}
std::string preferred(const std::string& kind, int weight, const std::string& term) {
  return "affinity: {" + kind + ": {preferredDuringSchedulingIgnoredDuringExecution: [{weight: " + std::to_string(weight) +
         ", podAffinityTerm: " + term + "}]}}";
}
std::string near(const std::string& term) { return required("podAffinity", term); }
std::string away(const std::string& term) { return required("podAntiAffinity", term); }
Pod with(const std::string& spec, const std::string& metadata = "labels: {app: p}") {
  return pod_from("{metadata: {" + metadata + "}, spec: {" + spec + "}}");
}

// A pod app=a in zone x; namespaces with a label of their own name.
OnePlugin two_zones(PluginArgs args = {}) {
  OnePlugin out("InterPodAffinity", std::move(args));
  out.node("x1", "zone=x,host=x1").node("x2", "zone=x,host=x2").node("y1", "zone=y,host=y1").node("n");
  out.pod("{metadata: {name: a1, labels: {app: a}}, spec: {nodeName: x1}}");
  for (const std::string name : {"default", "other"}) {
    out.object<Namespace>("{metadata: {name: " + name + ", labels: {team: " + name + "}}}");
  }
  return out;
}

struct Case {
  const char* name;
  Pod pod;
  std::map<std::string, std::string> verdicts;
};

TEST(InterPodAffinity, Verdicts) {
  const std::map<std::string, std::string> skip{{"*", "skip"}};
  const auto only_x = [](const char* why) {
    return std::map<std::string, std::string>{{"x1", ""}, {"x2", ""}, {"y1", why}, {"n", why}};
  };
  const auto not_x = [](const char* why) {
    return std::map<std::string, std::string>{{"x1", why}, {"x2", why}, {"y1", ""}, {"n", ""}};
  };
  const std::map<std::string, std::string> nowhere{{"x1", kNotNear}, {"x2", kNotNear}, {"y1", kNotNear}, {"n", kNotNear}};
  // clang-format off
  const Case kCases[] = {
      {"nothing", with(""), skip},
      {"near, by zone", with(near(term("a"))), only_x(kNotNear)},
      {"near, by host", with(near(term("a", "host"))), {{"x1", ""}, {"x2", kNotNear}, {"y1", kNotNear}, {"n", kNotNear}}},
      {"near somebody who is not there", with(near(term("b"))), nowhere},
      {"near two that are the same one", with(near(term("a") + ", " + term("a", "host"))), {{"x1", ""}, {"x2", kNotNear}, {"y1", kNotNear}, {"n", kNotNear}}},
      {"the first of its kind is let in where the topology is", with(near(term("p"))), {{"x1", ""}, {"x2", ""}, {"y1", ""}, {"n", kNotNear}}},
      {"the first of its kind, were it not for another term", with(near(term("p") + ", " + term("a"))), nowhere},
      {"away, by zone", with(away(term("a"))), not_x(kNotAway)},
      {"away from somebody who is not there", with(away(term("b"))), {{"x1", ""}, {"x2", ""}, {"y1", ""}, {"n", ""}}},
      {"away from any of two", with(away(term("b") + ", " + term("a", "host"))), {{"x1", kNotAway}, {"x2", ""}, {"y1", ""}, {"n", ""}}},
      {"pods of another namespace", with(near(term("a", "zone", ", namespaces: [other]"))), nowhere},
      {"pods of the namespaces listed", with(near(term("a", "zone", ", namespaces: [other, default]"))), only_x(kNotNear)},
      {"pods of namespaces with a label", with(near(term("a", "zone", ", namespaceSelector: {matchLabels: {team: default}}"))), only_x(kNotNear)},
      {"pods of namespaces with another", with(near(term("a", "zone", ", namespaceSelector: {matchLabels: {team: other}}"))), nowhere},
      {"pods of all namespaces", with(near(term("a", "zone", ", namespaceSelector: {}")), "namespace: other"), only_x(kNotNear)},
      {"the pod's own namespace when none is named", with(near(term("a")), "namespace: other"), nowhere},
      {"a term without a selector means nobody", with(near("{topologyKey: zone}")), nowhere},
      {"preferences bind nobody", with(preferred("podAffinity", 1, term("b"))), skip},
  };
  // clang-format on
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(two_zones().verdicts(c.pod), c.verdicts);
  }
}

TEST(InterPodAffinity, PlacedPodsKeepOthersAway) {
  const auto plugin = [](const std::string& terms, const std::string& placed_in = "default") {
    OnePlugin out = two_zones();
    out.pod("{metadata: {name: alone, namespace: " + placed_in + "}, spec: {nodeName: y1, " + away(terms) + "}}");
    return out;
  };
  const std::map<std::string, std::string> not_y{{"x1", ""}, {"x2", ""}, {"y1", kRepelled}, {"n", ""}};
  const std::map<std::string, std::string> skip{{"*", "skip"}};
  EXPECT_EQ(plugin(term("p")).verdicts(with("")), not_y);
  EXPECT_EQ(plugin(term("q")).verdicts(with("")), skip);
  EXPECT_EQ(plugin(term("p", "rack")).verdicts(with("")), skip);  // its node is in no such domain
  EXPECT_EQ(plugin(term("p"), "other").verdicts(with("")), skip);
  EXPECT_EQ(plugin(term("p", "zone", ", namespaces: [default]"), "other").verdicts(with("")), not_y);
  EXPECT_EQ(plugin(term("p", "zone", ", namespaceSelector: {matchLabels: {team: default}}"), "other").verdicts(with("")), not_y);
  EXPECT_EQ(plugin(term("p", "zone", ", namespaceSelector: {matchLabels: {team: other}}"), "other").verdicts(with("")), skip);
  // What it minds itself comes first.
  EXPECT_EQ(plugin(term("p")).verdicts(with(away(term("a", "host")))),
            (std::map<std::string, std::string>{{"x1", kNotAway}, {"x2", ""}, {"y1", kRepelled}, {"n", ""}}));
}

TEST(InterPodAffinity, PodsThatComeAndGo) {
  OnePlugin plugin = two_zones();
  const Pod a1 = pod_from("{metadata: {name: a1, labels: {app: a}}}"), p2 = pod_from("{metadata: {name: p2, labels: {app: p}}}");
  const Pod apart = with(away(term("a")));
  EXPECT_EQ(plugin.verdicts(apart).at("x1"), kNotAway);
  EXPECT_EQ(plugin.verdict_with(apart, a1, "x1", false), "");
  EXPECT_EQ(plugin.verdict_with(apart, a1, "y1", true), kNotAway);
  const Pod alone = pod_from("{metadata: {name: alone}, spec: {" + away(term("p")) + "}}");
  EXPECT_EQ(plugin.verdict_with(apart, alone, "y1", true), kRepelled);
  const Pod together = with(near(term("a")));
  EXPECT_EQ(plugin.verdicts(together).at("x1"), "");
  EXPECT_EQ(plugin.verdict_with(together, a1, "x1", false), kNotNear);
  EXPECT_EQ(plugin.verdict_with(together, a1, "y1", true), "");
  const Pod first = with(near(term("p")));
  EXPECT_EQ(plugin.verdicts(first).at("x1"), "");
  EXPECT_EQ(plugin.verdict_with(first, p2, "y1", true), "");
}

// -- Scores

TEST(InterPodAffinity, Scores) {
  OnePlugin plugin = two_zones();
  EXPECT_THAT(plugin.scores(with("")), IsEmpty());
  EXPECT_THAT(plugin.scores(with(preferred("podAffinity", 7, term("b")))), IsEmpty());
  EXPECT_THAT(plugin.scores(with(preferred("podAffinity", 7, term("a")))),
              ElementsAre(Pair("n", Pair(0, 0)), Pair("x1", Pair(7, 100)), Pair("x2", Pair(7, 100)), Pair("y1", Pair(0, 0))));
  EXPECT_THAT(plugin.scores(with(preferred("podAntiAffinity", 7, term("a")))),
              ElementsAre(Pair("n", Pair(0, 100)), Pair("x1", Pair(-7, 0)), Pair("x2", Pair(-7, 0)), Pair("y1", Pair(0, 100))));
}

TEST(InterPodAffinity, PlacedPodsHaveASay) {
  const std::string like = "{metadata: {name: l}, spec: {nodeName: y1, " + preferred("podAffinity", 5, term("p")) + "}}";
  const std::string need = "{metadata: {name: needs}, spec: {nodeName: y1, " + near(term("p")) + "}}";
  const std::string shun = "{metadata: {name: s}, spec: {nodeName: y1, " + preferred("podAntiAffinity", 5, term("p")) + "}}";
  const auto raw = [](const std::string& placed, InterPodAffinityArgs args, const Pod& pod) {
    PluginArgs all;
    all.inter_pod_affinity = args;
    OnePlugin plugin = two_zones(all);
    plugin.pod(placed);
    const auto scores = plugin.scores(pod);
    return scores.empty() ? std::nullopt : std::optional(scores.at("y1").first);
  };
  EXPECT_EQ(raw(like, {}, with("")), 5);
  EXPECT_EQ(raw(shun, {}, with("")), -5);
  EXPECT_EQ(raw(need, {}, with("")), 1);  // hardPodAffinityWeight
  EXPECT_EQ(raw(need, {.hard_pod_affinity_weight = 30}, with("")), 30);
  EXPECT_EQ(raw(need, {.hard_pod_affinity_weight = 0}, with("")), std::nullopt);
  EXPECT_EQ(raw(like, {.ignore_preferred_terms_of_existing_pods = true}, with("")), std::nullopt);
  EXPECT_EQ(raw(like, {.ignore_preferred_terms_of_existing_pods = true}, with(preferred("podAffinity", 2, term("a")))), 5);
  EXPECT_EQ(raw(like, {}, with("", "labels: {app: q}")), std::nullopt);
}

// -- Waking up

TEST(InterPodAffinity, Hints) {
  OnePlugin plugin = two_zones();
  const auto info = [](const char* app) {
    return make_pod_info(pod_from("{metadata: {name: e, labels: {app: " + std::string(app) + "}}, spec: {nodeName: x1}}"));
  };
  const auto node = [](const char* labels) { return share_node(labelled_node("n", labels)); };
  const auto share = [](const Pod& pod) { return std::make_shared<const Pod>(pod); };
  using enum ClusterEvent;
  const Pod together = with(near(term("a"))), apart = with(away(term("a")));
  EXPECT_TRUE(plugin.queues({.event = AssignedPodAdded, .pod_after = info("a")}, together));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodAdded, .pod_after = info("b")}, together));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodDeleted, .pod_before = info("a")}, together));
  EXPECT_TRUE(plugin.queues({.event = AssignedPodDeleted, .pod_before = info("a")}, apart));
  // One that would have none like it beside it has gone.
  const auto repels = [](const char* app) {
    return make_pod_info(pod_from("{metadata: {name: e}, spec: {nodeName: x1, " + away(term(app)) + "}}"));
  };
  const Pod alone = pod_from("{metadata: {name: p, labels: {app: p}}}");
  EXPECT_TRUE(plugin.queues({.event = AssignedPodDeleted, .pod_before = repels("p")}, alone));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodDeleted, .pod_before = repels("b")}, alone));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodDeleted, .pod_before = info("a")}, alone));
  // Of namespaces only those count that are named, or all.
  const auto among = [&](const char* namespaces) { return with(near(term("a", "zone", namespaces))); };
  EXPECT_TRUE(plugin.queues({.event = AssignedPodAdded, .pod_after = info("a")}, among(", namespaceSelector: {}")));
  EXPECT_TRUE(plugin.queues({.event = AssignedPodAdded, .pod_after = info("a")}, among(", namespaces: [other, default]")));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodAdded, .pod_after = info("a")}, among(", namespaces: [other]")));
  const Pod selecting = among(", namespaceSelector: {matchLabels: {team: default}}");
  EXPECT_FALSE(plugin.queues({.event = AssignedPodAdded, .pod_after = info("a")}, selecting));
  EXPECT_EQ(plugin.verdicts(selecting)["x1"], "");  // although it would help
  EXPECT_TRUE(plugin.queues({.event = AssignedPodLabelsChanged, .pod_before = info("b"), .pod_after = info("a")}, together));
  EXPECT_TRUE(plugin.queues({.event = AssignedPodLabelsChanged, .pod_before = info("a"), .pod_after = info("b")}, apart));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodLabelsChanged, .pod_before = info("b"), .pod_after = info("a")}, apart));
  EXPECT_TRUE(plugin.queues({.event = NodeAdded, .node_after = node("zone=x")}, together));
  EXPECT_FALSE(plugin.queues({.event = NodeAdded, .node_after = node("rack=x")}, together));
  EXPECT_TRUE(plugin.queues({.event = NodeAdded, .node_after = node("")}, apart));
  EXPECT_TRUE(plugin.queues({.event = NodeLabelsChanged, .node_before = node("zone=x"), .node_after = node("")}, apart));
  EXPECT_FALSE(
      plugin.queues({.event = NodeLabelsChanged, .node_before = node("zone=x"), .node_after = node("zone=x,a=b")}, apart));
  EXPECT_TRUE(
      plugin.queues({.event = PodLabelsChanged, .waiting_before = share(together), .waiting_after = share(together)}, together));
  EXPECT_FALSE(plugin.queues({.event = PodLabelsChanged, .waiting_after = share(pod_from("{metadata: {name: q}}"))}, together));
}

// -- What is kept of placed pods

TEST(PodInfo, KeepsTheAffinityAndVolumesOfPlacedPods) {
  Pod pod = pod_from("{spec: {nodeName: n1, " + away(term("a", "zone", ", namespaceSelector: {}")) + R"(, volumes: [
    {name: v, persistentVolumeClaim: {claimName: c}}, {name: e, ephemeral: {volumeClaimTemplate: {spec: {}}}},
    {name: g, gcePersistentDisk: {pdName: d, readOnly: true}}, {name: t, emptyDir: {}}]}})");
  const auto decoded = SchedulerPod::decode(api::encode_protobuf(pod));
  ASSERT_NE(decoded->info->affinity, nullptr);
  ASSERT_EQ(decoded->info->affinity->required_anti.size(), 1u);
  EXPECT_EQ(decoded->info->affinity->required_anti.front().topology_key, "zone");
  EXPECT_TRUE(decoded->info->affinity->required_anti.front().namespace_labels.is_everything());
  ASSERT_NE(decoded->info->volumes, nullptr);
  const PodVolumes& volumes = *decoded->info->volumes;
  ASSERT_EQ(volumes.claims.size(), 2u);
  EXPECT_EQ(volumes.claims[0].name, "c");
  EXPECT_EQ(volumes.claims[1].name, "p-e");
  EXPECT_TRUE(volumes.claims[1].ephemeral);
  ASSERT_EQ(volumes.disks.size(), 1u);
  EXPECT_TRUE(volumes.disks[0].read_only);
  ASSERT_EQ(volumes.attached.size(), 1u);
  EXPECT_EQ(volumes.attached[0].plugin->driver, "pd.csi.storage.gke.io");
  EXPECT_EQ(make_pod_info(pod_from("{spec: {nodeName: n1}}"))->volumes, nullptr);
}

TEST(Snapshot, KnowsWhoseAffinityAndClaimsMatter) {
  Cluster cluster;
  cluster.node(make_node("a")).node(make_node("b"));
  const auto names = [](std::span<const NodeInfo* const> nodes) {
    std::vector<std::string> out;
    for (const NodeInfo* node : nodes) out.push_back(node->name());
    return out;
  };
  const Pod x = pod_from("{metadata: {name: x}, spec: {nodeName: a, " + away(term("a")) + "}}");
  const Pod y = pod_from("{metadata: {name: near}, spec: {nodeName: b, " + near(term("a")) +
                         ", volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]}}");
  cluster.pod(x).pod(y);
  EXPECT_THAT(names(cluster.take().with_affinity()), ElementsAre("a", "b"));
  EXPECT_THAT(names(cluster.take().repelling()), ElementsAre("a"));
  EXPECT_TRUE(cluster.take().is_claim_used("default", "c"));
  EXPECT_FALSE(cluster.take().is_claim_used("other", "c"));
  cluster.cache.remove_pod("uid-x");
  EXPECT_THAT(names(cluster.take().repelling()), IsEmpty());
  EXPECT_THAT(names(cluster.take().with_affinity()), ElementsAre("b"));
  cluster.cache.remove_node("b");
  EXPECT_FALSE(cluster.take().is_claim_used("default", "c"));
  cluster.node(make_node("b"));
  EXPECT_TRUE(cluster.take().is_claim_used("default", "c"));
  cluster.cache.remove_pod("uid-near");
  EXPECT_FALSE(cluster.take().is_claim_used("default", "c"));
}

}  // namespace
}  // namespace ph::scheduler::test
