// PodTopologySpread: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/scheduler/one_plugin.h"

namespace ph::scheduler::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr const char* kUneven = "node(s) didn't match pod topology spread constraints";
constexpr const char* kNoLabel = "never: node(s) didn't match pod topology spread constraints (missing required label)";

// Pods labelled app=a on nodes: two in zone x, one in zone y.
OnePlugin two_zones() {
  OnePlugin out("PodTopologySpread");
  out.node("x1", "zone=x,kubernetes.io/hostname=x1").node("x2", "zone=x,kubernetes.io/hostname=x2");
  out.node("y1", "zone=y,kubernetes.io/hostname=y1");
  out.pod("{metadata: {name: a1, labels: {app: a}}, spec: {nodeName: x1}}");
  out.pod("{metadata: {name: a2, labels: {app: a}}, spec: {nodeName: x2}}");
  out.pod("{metadata: {name: a3, labels: {app: a}}, spec: {nodeName: y1}}");
  out.pod("{metadata: {name: b1, labels: {app: b}}, spec: {nodeName: y1}}");
  return out;
}

core::v1::Pod spread(const std::string& constraint, const std::string& more = "") {
  return pod_from("{metadata: {labels: {app: a, rev: '1'}}, spec: {topologySpreadConstraints: [" + constraint + "]" + more +
                  "}}");
}

struct Case {
  const char* name;
  core::v1::Pod pod;
  std::map<std::string, std::string> verdicts;
};

TEST(PodTopologySpread, Verdicts) {
  const std::string zones = "topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a}}";
  // clang-format off
  const Case kCases[] = {
      {"no constraints", pod_from("{}"), {{"*", "skip"}}},
      {"a preference only", spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {}}"), {{"*", "skip"}}},
      {"the fuller zone is too full", spread("{maxSkew: 1, " + zones + "}"), {{"x1", kUneven}, {"x2", kUneven}, {"y1", ""}}},
      {"a skew of two is allowed", spread("{maxSkew: 2, " + zones + "}"), {{"x1", ""}, {"x2", ""}, {"y1", ""}}},
      {"a pod that it does not count itself", spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: b}}}"),
       {{"x1", ""}, {"x2", ""}, {"y1", ""}}},
      {"by node", spread("{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a}}}"),
       {{"x1", ""}, {"x2", ""}, {"y1", ""}}},
      {"no node has the label", spread("{maxSkew: 1, topologyKey: rack, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a}}}"),
       {{"x1", kNoLabel}, {"x2", kNoLabel}, {"y1", kNoLabel}}},
      {"domains that are missing are empty", spread("{maxSkew: 1, minDomains: 3, " + zones + "}"), {{"x1", kUneven}, {"x2", kUneven}, {"y1", kUneven}}},
      {"enough domains", spread("{maxSkew: 1, minDomains: 2, " + zones + "}"), {{"x1", kUneven}, {"x2", kUneven}, {"y1", ""}}},
      {"of its own revision there is none", spread("{maxSkew: 1, matchLabelKeys: [rev], " + zones + "}"), {{"x1", ""}, {"x2", ""}, {"y1", ""}}},
      {"a key that the pod does not have", spread("{maxSkew: 1, matchLabelKeys: [other], " + zones + "}"), {{"x1", kUneven}, {"x2", kUneven}, {"y1", ""}}},
      {"a selector that selects everything counts nothing", spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {}}"),
       {{"x1", ""}, {"x2", ""}, {"y1", ""}}},
      {"a selector that is not there selects nothing", spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}"),
       {{"x1", ""}, {"x2", ""}, {"y1", ""}}},
      {"nodes that the pod cannot have do not count", spread("{maxSkew: 1, " + zones + "}", ", nodeSelector: {zone: x}"),
       {{"x1", ""}, {"x2", ""}, {"y1", ""}}},
      {"… unless it says so", spread("{maxSkew: 1, nodeAffinityPolicy: Ignore, " + zones + "}", ", nodeSelector: {zone: x}"),
       {{"x1", kUneven}, {"x2", kUneven}, {"y1", ""}}},
      {"both constraints must hold", spread("{maxSkew: 1, " + zones + "}, {maxSkew: 1, topologyKey: rack, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a}}}"),
       {{"x1", kNoLabel}, {"x2", kNoLabel}, {"y1", kNoLabel}}},
  };
  // clang-format on
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(two_zones().verdicts(c.pod), c.verdicts);
  }
}

TEST(PodTopologySpread, PodsOfOthersAndThoseThatLeaveDoNotCount) {
  OnePlugin plugin = two_zones();
  plugin.pod("{metadata: {name: o, namespace: other, labels: {app: a}}, spec: {nodeName: y1}}");
  plugin.pod("{metadata: {name: d, deletionTimestamp: '2026-01-01T00:00:00Z', labels: {app: a}}, spec: {nodeName: y1}}");
  const auto pod =
      spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a}}}");
  EXPECT_EQ(plugin.verdicts(pod).at("y1"), "");
}

TEST(PodTopologySpread, TaintedNodesCountUnlessTheConstraintSaysOtherwise) {
  const auto pod = [](const std::string& policy) {
    return spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a}}" +
                  policy + "}");
  };
  OnePlugin plugin = two_zones();
  plugin.node(MakeNode("z1").label("zone", "z").taint("t", "", "NoSchedule"));
  EXPECT_EQ(plugin.verdicts(pod("")).at("y1"), kUneven);  // zone z is empty
  EXPECT_EQ(plugin.verdicts(pod(", nodeTaintsPolicy: Honor")).at("y1"), "");
}

TEST(PodTopologySpread, PodsThatComeAndGoChangeTheCounts) {
  OnePlugin plugin = two_zones();
  const auto pod =
      spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a}}}");
  EXPECT_EQ(plugin.verdicts(pod).at("x1"), kUneven);
  EXPECT_EQ(plugin.verdict_with(pod, pod_from("{metadata: {name: a1, labels: {app: a}}}"), "x1", false), "");
  EXPECT_EQ(plugin.verdict_with(pod, pod_from("{metadata: {name: b2, labels: {app: b}}}"), "x1", false), kUneven);
  EXPECT_EQ(plugin.verdict_with(pod, pod_from("{metadata: {name: a4, labels: {app: a}}}"), "y1", true), "");
}

// -- Scores

TEST(PodTopologySpread, TheEmptierDomainIsPreferred) {
  OnePlugin plugin = two_zones();
  const auto pod =
      spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: a}}}");
  // log(2 + 2) = 1.39 a pod: 3, 3 and 1.
  EXPECT_THAT(plugin.normalized(pod), ElementsAre(Pair("x1", 33), Pair("x2", 33), Pair("y1", 100)));
  EXPECT_THAT(plugin.normalized(pod, {"x1", "x2"}), ElementsAre(Pair("x1", 100), Pair("x2", 100)));
}

TEST(PodTopologySpread, NodesWithoutTheLabelScoreNothing) {
  OnePlugin plugin = two_zones();
  plugin.node("n");
  const auto pod =
      spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: a}}}");
  EXPECT_EQ(plugin.normalized(pod).at("n"), 0);
}

TEST(PodTopologySpread, PodsOfAServiceSpreadByDefault) {
  OnePlugin plugin("PodTopologySpread");
  for (const std::string name : {"x1", "x2", "y1"}) {
    plugin.node(name, "topology.kubernetes.io/zone=" + name.substr(0, 1) + ",kubernetes.io/hostname=" + name);
  }
  plugin.pod("{metadata: {name: a1, labels: {app: a}}, spec: {nodeName: x1}}");
  const auto pod = pod_from("{metadata: {labels: {app: a}}}");
  EXPECT_THAT(plugin.scores(pod), IsEmpty());  // nobody says that they belong together
  plugin.object<core::v1::Service>("{metadata: {name: other, namespace: default}, spec: {selector: {app: b}}}");
  plugin.object<core::v1::Service>("{metadata: {name: none, namespace: default}}");
  EXPECT_THAT(plugin.scores(pod), IsEmpty());
  plugin.object<core::v1::Service>("{metadata: {name: s, namespace: default}, spec: {selector: {app: a}}}");
  // hostname: log(3 + 2) a pod and 2 more; zone: log(2 + 2) a pod and 4 more: 9, 7 and 6.
  EXPECT_THAT(plugin.normalized(pod), ElementsAre(Pair("x1", 66), Pair("x2", 88), Pair("y1", 100)));
}

TEST(PodTopologySpread, PodsOfAControllerSpreadByDefault) {
  const struct {
    const char* name;
    std::string owner;
    std::function<void(OnePlugin&)> add;
  } kCases[] = {
      {"replica set", "apiVersion: apps/v1, kind: ReplicaSet",
       [](OnePlugin& p) {
         p.object<apps::v1::ReplicaSet>("{metadata: {name: o, namespace: default}, spec: {selector: {matchLabels: {app: a}}}}");
       }},
      {"stateful set", "apiVersion: apps/v1, kind: StatefulSet",
       [](OnePlugin& p) {
         p.object<apps::v1::StatefulSet>("{metadata: {name: o, namespace: default}, spec: {selector: {matchLabels: {app: a}}}}");
       }},
      {"replication controller", "apiVersion: v1, kind: ReplicationController",
       [](OnePlugin& p) {
         p.object<core::v1::ReplicationController>("{metadata: {name: o, namespace: default}, spec: {selector: {app: a}}}");
       }},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    OnePlugin plugin("PodTopologySpread");
    plugin.node("n1", "kubernetes.io/hostname=n1").node("n2", "kubernetes.io/hostname=n2");
    plugin.pod("{metadata: {name: a1, labels: {app: a}}, spec: {nodeName: n1}}");
    const auto pod =
        pod_from("{metadata: {labels: {app: a}, ownerReferences: [{controller: true, uid: u, name: o, " + c.owner + "}]}}");
    EXPECT_THAT(plugin.scores(pod), IsEmpty());
    c.add(plugin);
    const auto scores = plugin.scores(pod);
    ASSERT_EQ(scores.size(), 2u);
    EXPECT_LT(scores.at("n1").second, scores.at("n2").second);
  }
}

TEST(PodTopologySpread, AProfileBringsItsOwnDefaults) {
  PluginArgs args;
  args.pod_topology_spread.system_defaults = false;
  args.pod_topology_spread.default_constraints.push_back(
      from_yaml<core::v1::TopologySpreadConstraint>("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}"));
  OnePlugin plugin("PodTopologySpread", args);
  plugin.node("x", "zone=x").node("y", "zone=y").node("n");
  plugin.object<core::v1::Service>("{metadata: {name: s, namespace: default}, spec: {selector: {app: a}}}");
  plugin.pod("{metadata: {name: a1, labels: {app: a}}, spec: {nodeName: x}}");
  const auto pod = pod_from("{metadata: {labels: {app: a}}}");
  EXPECT_THAT(plugin.verdicts(pod), ElementsAre(Pair("n", kNoLabel), Pair("x", kUneven), Pair("y", "")));
  EXPECT_THAT(plugin.scores(pod), IsEmpty());
  // Who has constraints has said all there is to say.
  const auto own = spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {}}");
  EXPECT_THAT(plugin.verdicts(own), ElementsAre(Pair("*", "skip")));
}

// -- Waking up

TEST(PodTopologySpread, Hints) {
  OnePlugin plugin("PodTopologySpread");
  const auto waiting =
      spread("{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a}}}");
  const auto info = [](const char* yaml) { return make_pod_info(pod_from(yaml)); };
  const auto node = [](const char* labels) { return share_node(labelled_node("n", labels)); };
  using enum ClusterEvent;
  const auto counted = info("{metadata: {name: a1, labels: {app: a}}, spec: {nodeName: n1}}");
  const auto other = info("{metadata: {name: a1, labels: {app: b}}, spec: {nodeName: n1}}");
  const auto elsewhere = info("{metadata: {name: a1, namespace: other, labels: {app: a}}, spec: {nodeName: n1}}");
  EXPECT_TRUE(plugin.queues({.event = AssignedPodAdded, .pod_after = counted}, waiting));
  EXPECT_TRUE(plugin.queues({.event = AssignedPodDeleted, .pod_before = counted}, waiting));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodDeleted, .pod_before = other}, waiting));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodDeleted, .pod_before = elsewhere}, waiting));
  EXPECT_TRUE(plugin.queues({.event = AssignedPodLabelsChanged, .pod_before = counted, .pod_after = other}, waiting));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodLabelsChanged, .pod_before = other, .pod_after = other}, waiting));
  EXPECT_TRUE(plugin.queues({.event = NodeAdded, .node_after = node("zone=x")}, waiting));
  EXPECT_FALSE(plugin.queues({.event = NodeAdded, .node_after = node("rack=x")}, waiting));
  EXPECT_TRUE(plugin.queues({.event = NodeDeleted, .node_before = node("zone=x")}, waiting));
  EXPECT_TRUE(plugin.queues({.event = NodeLabelsChanged, .node_before = node("zone=x"), .node_after = node("zone=y")}, waiting));
  EXPECT_TRUE(plugin.queues({.event = NodeLabelsChanged, .node_before = node("zone=x"), .node_after = node("")}, waiting));
  EXPECT_FALSE(
      plugin.queues({.event = NodeLabelsChanged, .node_before = node("zone=x"), .node_after = node("zone=x,a=b")}, waiting));
}

}  // namespace
}  // namespace ph::scheduler::test
