// Which events a change of the cluster is, and what plugins make of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/make.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;
using enum ClusterEvent;

Node with_condition(Node node, const char* status, int heartbeat) {
  auto* condition = node.mutable_status()->add_conditions();
  condition->set_type("Ready");
  condition->set_status(status);
  condition->mutable_last_heartbeat_time()->set_seconds(heartbeat);
  return node;
}

struct NodeCase {
  const char* name;
  Node before, after;
  ClusterEvents events;
};

TEST(ClusterEvents, OfNodes) {
  // clang-format off
  const NodeCase kCases[] = {
      {"nothing", make_node(), make_node(), {}},
      {"a heartbeat", with_condition(make_node(), "True", 1), with_condition(make_node(), "True", 2), {}},
      {"a condition", with_condition(make_node(), "True", 1), with_condition(make_node(), "False", 1), {NodeConditionsChanged}},
      {"allocatable", make_node(), make_node().has("cpu", "5"), {NodeAllocatableChanged}},
      {"the same amount, written otherwise", make_node().has("cpu", "1"), make_node().has("cpu", "1000m"), {}},
      {"labels", make_node(), make_node().label("a", "b"), {NodeLabelsChanged}},
      {"a label's value", make_node().label("a", "b"), make_node().label("a", "c"), {NodeLabelsChanged}},
      {"taints", make_node().taint("a", "", "NoSchedule"), make_node(), {NodeTaintsChanged}},
      {"uncordoned", make_node().cordoned(), make_node(), {NodeTaintsChanged}},
      {"two things", make_node(), make_node().label("a", "b").has("pods", "1"), {NodeLabelsChanged, NodeAllocatableChanged}},
  };
  // clang-format on
  for (const NodeCase& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(events_of(c.before, c.after), c.events);
  }
}

struct PodCase {
  const char* name;
  Pod before, after;
  ClusterEvents events;
};

TEST(ClusterEvents, OfWaitingPods) {
  // clang-format off
  const PodCase kCases[] = {
      {"only its status", make_pod(), make_pod().nominated("n"), {PodChanged}},
      {"labels", make_pod(), make_pod().label("a", "b"), {PodLabelsChanged}},
      {"gates removed", make_pod().gate("g"), make_pod(), {PodGatesRemoved}},
      {"one gate of two", make_pod().gate("g").gate("h"), make_pod().gate("h"), {PodChanged}},
      {"tolerations", make_pod(), make_pod().tolerates("a", "Exists", "", ""), {PodTolerationsChanged}},
      {"asks for less", make_pod().asks("2", ""), make_pod().asks("1", ""), {PodScaledDown}},
      {"asks for more", make_pod().asks("1", ""), make_pod().asks("2", ""), {PodChanged}},
      {"selector", make_pod(), make_pod().selects("a", "b"), {PodChanged}},
  };
  // clang-format on
  for (const PodCase& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(events_of(*SchedulerPod::of(c.before), *SchedulerPod::of(c.after)), c.events);
  }
}

struct HintCase {
  const char* plugin;
  const char* name;
  ClusterChange change;
  Pod waiting;
  bool queue;
};

ClusterChange node_added(Node node) { return {.event = NodeAdded, .node_after = share_node(std::move(node))}; }
ClusterChange node_changed(ClusterEvent event, Node before, Node after) {
  return {.event = event, .node_before = share_node(std::move(before)), .node_after = share_node(std::move(after))};
}
ClusterChange pod_gone(Pod pod) { return {.event = AssignedPodDeleted, .pod_before = make_pod_info(pod)}; }
ClusterChange waiting_changed(ClusterEvent event, Pod after) {
  return {.event = event, .waiting_after = std::make_shared<const Pod>(std::move(after))};
}

TEST(QueueingHints, OfPlugins) {
  const Pod kTolerant = make_pod().tolerates("node.kubernetes.io/unschedulable", "Exists", "", "");
  // clang-format off
  const HintCase kCases[] = {
      {"NodeUnschedulable", "open node", node_added(make_node()), make_pod(), true},
      {"NodeUnschedulable", "cordoned node", node_added(make_node().cordoned()), make_pod(), false},
      {"NodeUnschedulable", "uncordoned", node_changed(NodeTaintsChanged, make_node().cordoned(), make_node()), make_pod(), true},
      {"NodeUnschedulable", "was open before", node_changed(NodeTaintsChanged, make_node(), make_node()), make_pod(), false},
      {"NodeUnschedulable", "the pod tolerates now", waiting_changed(PodTolerationsChanged, kTolerant), kTolerant, true},

      {"TaintToleration", "a taint it tolerates", node_added(make_node().taint("a", "", "NoSchedule")), make_pod().tolerates("a", "Exists", "", ""), true},
      {"TaintToleration", "a taint it does not", node_added(make_node().taint("a", "", "NoSchedule")), make_pod(), false},
      {"TaintToleration", "another pod's tolerations", waiting_changed(PodTolerationsChanged, make_pod("q")), make_pod("p"), false},

      {"NodeAffinity", "matches", node_added(make_node().label("a", "1")), make_pod().selects("a", "1"), true},
      {"NodeAffinity", "does not", node_added(make_node()), make_pod().selects("a", "1"), false},
      {"NodeAffinity", "matched before", node_changed(NodeLabelsChanged, make_node().label("a", "1"), make_node().label("a", "1").label("b", "")),
       make_pod().selects("a", "1"), false},

      {"NodePorts", "the port is free again", pod_gone(make_pod("x").on("n").with(container().host_port(80))), make_pod().with(container().host_port(80)), true},
      {"NodePorts", "another port", pod_gone(make_pod("x").on("n").with(container().host_port(81))), make_pod().with(container().host_port(80)), false},

      {"NodeResourcesFit", "a pod has gone", pod_gone(make_pod("x").on("n")), make_pod().asks("1", ""), true},
      {"NodeResourcesFit", "a large enough node", node_added(make_node()), make_pod().asks("4", ""), true},
      {"NodeResourcesFit", "a node too small", node_added(make_node()), make_pod().asks("5", ""), false},
      {"NodeResourcesFit", "more of what it wants", node_changed(NodeAllocatableChanged, make_node(), make_node().has("cpu", "8")), make_pod().asks("5", ""), true},
      {"NodeResourcesFit", "more of something else", node_changed(NodeAllocatableChanged, make_node(), make_node().has("memory", "9Gi")), make_pod().asks("1", ""), false},
      {"NodeResourcesFit", "room for more pods", node_changed(NodeAllocatableChanged, make_node(), make_node().has("pods", "200")), make_pod(), true},
      {"NodeResourcesFit", "scaled down: what it wants",
       {.event = AssignedPodScaledDown, .pod_before = make_pod_info(make_pod("x").on("n").asks("2", "")), .pod_after = make_pod_info(make_pod("x").on("n").asks("1", ""))},
       make_pod().asks("1", ""), true},
      {"NodeResourcesFit", "scaled down: something else",
       {.event = AssignedPodScaledDown, .pod_before = make_pod_info(make_pod("x").on("n").asks("2", "")), .pod_after = make_pod_info(make_pod("x").on("n").asks("1", ""))},
       make_pod().asks("", "1Gi"), false},

      {"DefaultPreemption", "a victim has gone: others know whether that helps", pod_gone(make_pod("x").on("n")), make_pod(), false},

      {"NodeDeclaredFeatures", "a node came", node_added(make_node()), make_pod(), true},
      {"NodeDeclaredFeatures", "the same needs as before", waiting_changed(PodLabelsChanged, make_pod("p")), make_pod("p"), false},

      {"SchedulingGates", "its own gates", waiting_changed(PodGatesRemoved, make_pod("p")), make_pod("p"), true},
      {"SchedulingGates", "another pod's", waiting_changed(PodGatesRemoved, make_pod("q")), make_pod("p"), false},
  };
  // clang-format on
  const Snapshot empty;
  for (const HintCase& c : kCases) {
    SCOPED_TRACE(std::string(c.plugin) + ": " + c.name);
    const auto plugin = find_plugin(c.plugin)->make({}, {.snapshot = &empty});
    EXPECT_TRUE(plugin->retry_on().has(c.change.event));
    EXPECT_EQ(plugin->hint(c.change, c.waiting) == QueueingHint::Queue, c.queue);
  }
}

}  // namespace
}  // namespace ph::scheduler::test
