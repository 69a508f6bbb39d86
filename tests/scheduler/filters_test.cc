// What each filter plugin says of one pod on one node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/make.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;

struct Case {
  const char* plugin;
  const char* name;
  Pod pod;
  Node node;
  std::vector<Pod> there;
  Code code;
  const char* message = "";
};

constexpr Code kFits = Code::Success, kNotNow = Code::Unschedulable, kNever = Code::UnschedulableAndUnresolvable;
constexpr const char* kMismatch = "node(s) didn't match Pod's node affinity/selector";
constexpr const char* kTaint = "node(s) had untolerated taint(s)";
constexpr const char* kPorts = "node(s) didn't have free ports for the requested pod ports";

const std::vector<Case>& cases() {
  // clang-format off
  static const std::vector<Case> kCases = {
      {"NodeName", "names no node", make_pod(), make_node(), {}, kFits},
      {"NodeName", "names this node", make_pod().on("n"), make_node("n"), {}, kFits},
      {"NodeName", "names another", make_pod().on("m"), make_node("n"), {}, kNever, "node(s) didn't match the requested node name"},

      {"NodeUnschedulable", "open node", make_pod(), make_node(), {}, kFits},
      {"NodeUnschedulable", "cordoned", make_pod(), make_node().cordoned(), {}, kNever, "node(s) were unschedulable"},
      {"NodeUnschedulable", "cordoned, tolerated", make_pod().tolerates("node.kubernetes.io/unschedulable", "Exists", "", "NoSchedule"),
       make_node().cordoned(), {}, kFits},
      {"NodeUnschedulable", "tolerates another effect", make_pod().tolerates("node.kubernetes.io/unschedulable", "Exists", "", "NoExecute"),
       make_node().cordoned(), {}, kNever, "node(s) were unschedulable"},

      {"TaintToleration", "no taints", make_pod(), make_node(), {}, kFits},
      {"TaintToleration", "hard taint", make_pod(), make_node().taint("a", "b", "NoSchedule"), {}, kNever, kTaint},
      {"TaintToleration", "evicting taint", make_pod(), make_node().taint("a", "b", "NoExecute"), {}, kNever, kTaint},
      {"TaintToleration", "soft taint", make_pod(), make_node().taint("a", "b", "PreferNoSchedule"), {}, kFits},
      {"TaintToleration", "equal value", make_pod().tolerates("a", "Equal", "b", "NoSchedule"), make_node().taint("a", "b", "NoSchedule"), {}, kFits},
      {"TaintToleration", "no operator is Equal", make_pod().tolerates("a", "", "b", ""), make_node().taint("a", "b", "NoSchedule"), {}, kFits},
      {"TaintToleration", "other value", make_pod().tolerates("a", "Equal", "c", "NoSchedule"), make_node().taint("a", "b", "NoSchedule"), {}, kNever, kTaint},
      {"TaintToleration", "exists", make_pod().tolerates("a", "Exists", "", ""), make_node().taint("a", "b", "NoSchedule"), {}, kFits},
      {"TaintToleration", "everything", make_pod().tolerates("", "Exists", "", ""), make_node().taint("a", "b", "NoExecute"), {}, kFits},
      {"TaintToleration", "other effect", make_pod().tolerates("a", "Exists", "", "NoExecute"), make_node().taint("a", "b", "NoSchedule"), {}, kNever, kTaint},
      {"TaintToleration", "one of two", make_pod().tolerates("a", "Exists", "", ""),
       make_node().taint("a", "", "NoSchedule").taint("b", "", "NoSchedule"), {}, kNever, kTaint},

      {"NodeAffinity", "selector matches", make_pod().selects("disk", "ssd"), make_node().label("disk", "ssd"), {}, kFits},
      {"NodeAffinity", "selector, other value", make_pod().selects("disk", "ssd"), make_node().label("disk", "hdd"), {}, kNever, kMismatch},
      {"NodeAffinity", "selector, one of two", make_pod().selects("disk", "ssd").selects("gpu", "yes"), make_node().label("disk", "ssd"), {}, kNever, kMismatch},
      {"NodeAffinity", "In", make_pod().requires_({requirement("z", "In", {"a", "b"})}), make_node().label("z", "b"), {}, kFits},
      {"NodeAffinity", "In, no label", make_pod().requires_({requirement("z", "In", {"a"})}), make_node(), {}, kNever, kMismatch},
      {"NodeAffinity", "NotIn, no label", make_pod().requires_({requirement("z", "NotIn", {"a"})}), make_node(), {}, kFits},
      {"NodeAffinity", "Exists", make_pod().requires_({requirement("z", "Exists")}), make_node().label("z", ""), {}, kFits},
      {"NodeAffinity", "DoesNotExist", make_pod().requires_({requirement("z", "DoesNotExist")}), make_node().label("z", ""), {}, kNever, kMismatch},
      {"NodeAffinity", "Gt", make_pod().requires_({requirement("n", "Gt", {"5"})}), make_node().label("n", "6"), {}, kFits},
      {"NodeAffinity", "Gt is not at least", make_pod().requires_({requirement("n", "Gt", {"5"})}), make_node().label("n", "5"), {}, kNever, kMismatch},
      {"NodeAffinity", "Lt, not a number", make_pod().requires_({requirement("n", "Lt", {"5"})}), make_node().label("n", "x"), {}, kNever, kMismatch},
      {"NodeAffinity", "two requirements are both needed", make_pod().requires_({requirement("a", "Exists"), requirement("b", "Exists")}),
       make_node().label("a", ""), {}, kNever, kMismatch},
      {"NodeAffinity", "one of two terms is enough", make_pod().requires_({requirement("a", "Exists")}).requires_({requirement("b", "Exists")}),
       make_node().label("b", ""), {}, kFits},
      {"NodeAffinity", "a term that means nothing, and one that fits", make_pod().requires_({requirement("n", "Gt", {"x"})}).requires_({requirement("b", "Exists")}),
       make_node().label("b", ""), {}, kFits},
      {"NodeAffinity", "a term that fits, and one that means nothing", make_pod().requires_({requirement("b", "Exists")}).requires_({requirement("n", "Gt", {"x"})}),
       make_node().label("b", ""), {}, kFits},
      {"NodeAffinity", "a term that means nothing", make_pod().requires_({requirement("n", "Gt", {"x"})}), make_node().label("n", "7"), {}, kNever, kMismatch},
      {"NodeAffinity", "half a term that means nothing", make_pod().requires_({requirement("n", "Lt", {""}), requirement("b", "Exists")}),
       make_node().label("b", ""), {}, kNever, kMismatch},
      {"NodeAffinity", "an operator that means nothing", make_pod().requires_({requirement("b", "Near", {"x"})}), make_node().label("b", "x"), {}, kNever, kMismatch},
      {"NodeAffinity", "an empty term matches nothing", make_pod().requires_({}), make_node(), {}, kNever, kMismatch},
      {"NodeAffinity", "selector and affinity are both needed", make_pod().selects("a", "1").requires_({requirement("b", "Exists")}),
       make_node().label("b", ""), {}, kNever, kMismatch},
      {"NodeAffinity", "field names the node", make_pod().requires_field({requirement("metadata.name", "In", {"n"})}), make_node("n"), {}, kFits},
      {"NodeAffinity", "field names another", make_pod().requires_field({requirement("metadata.name", "NotIn", {"n"})}), make_node("n"), {}, kNever, kMismatch},

      {"NodePorts", "free", make_pod().with(container().host_port(80)), make_node(), {make_pod("a").on("n").with(container().host_port(81))}, kFits},
      {"NodePorts", "taken", make_pod().with(container().host_port(80)), make_node(), {make_pod("a").on("n").with(container().host_port(80))}, kNotNow, kPorts},
      {"NodePorts", "other protocol", make_pod().with(container().host_port(80, "UDP")), make_node(), {make_pod("a").on("n").with(container().host_port(80, "TCP"))}, kFits},
      {"NodePorts", "other address", make_pod().with(container().host_port(80, "TCP", "10.0.0.1")), make_node(),
       {make_pod("a").on("n").with(container().host_port(80, "TCP", "10.0.0.2"))}, kFits},
      {"NodePorts", "any address takes them all", make_pod().with(container().host_port(80, "TCP", "10.0.0.1")), make_node(),
       {make_pod("a").on("n").with(container().host_port(80, "TCP", "0.0.0.0"))}, kNotNow, kPorts},
      {"NodePorts", "a sidecar's", make_pod().init(container().sidecar().host_port(80)), make_node(),
       {make_pod("a").on("n").with(container().host_port(80))}, kNotNow, kPorts},

      {"NodeResourcesFit", "fits exactly", make_pod().asks("4", "8Gi"), make_node(), {}, kFits},
      {"NodeResourcesFit", "asks for nothing", make_pod().with(container()), make_node(), {make_pod("a").on("n").asks("4", "8Gi")}, kFits},
      {"NodeResourcesFit", "cpu is taken", make_pod().asks("1", "1Gi"), make_node(), {make_pod("a").on("n").asks("3500m", "1Gi")}, kNotNow, "Insufficient cpu"},
      {"NodeResourcesFit", "both are taken", make_pod().asks("1", "8Gi"), make_node(), {make_pod("a").on("n").asks("3500m", "1Gi")}, kNotNow,
       "Insufficient cpu, Insufficient memory"},
      {"NodeResourcesFit", "more than the node has", make_pod().asks("5", "1Gi"), make_node(), {}, kNever, "Insufficient cpu"},
      {"NodeResourcesFit", "ephemeral storage", make_pod().with(container().asks("ephemeral-storage", "1Gi")), make_node(), {}, kNever, "Insufficient ephemeral-storage"},
      {"NodeResourcesFit", "no such device", make_pod().with(container().asks("example.com/gpu", "1")), make_node(), {}, kNever, "Insufficient example.com/gpu"},
      {"NodeResourcesFit", "device is taken", make_pod().with(container().asks("example.com/gpu", "1")), make_node().has("example.com/gpu", "1"),
       {make_pod("a").on("n").with(container().asks("example.com/gpu", "1"))}, kNotNow, "Insufficient example.com/gpu"},
      {"NodeResourcesFit", "no room for a pod more", make_pod().asks("1", "1Gi"), make_node().has("pods", "1"), {make_pod("a").on("n")}, kNotNow, "Too many pods"},
      {"NodeResourcesFit", "overhead counts", make_pod().asks("4", "1Gi").overhead("cpu", "1m"), make_node(), {}, kNever, "Insufficient cpu"},
      {"NodeResourcesFit", "an init container counts", make_pod().asks("1", "1Gi").init(container().asks("cpu", "5")), make_node(), {}, kNever, "Insufficient cpu"},
  };
  // clang-format on
  return kCases;
}

TEST(Filters, OnePodOneNode) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(std::string(c.plugin) + ": " + c.name);
    Cluster cluster;
    cluster.node(c.node);
    for (const Pod& pod : c.there) cluster.pod(pod);
    const auto plugin = find_plugin(c.plugin)->make({}, {.snapshot = &cluster.take()});
    CycleState state(make_pod_info(c.pod));
    if (const auto* pre = dynamic_cast<const PreFilterPlugin*>(plugin.get())) {
      const auto result = pre->pre_filter(state, c.pod, cluster.snapshot.nodes());
      ASSERT_TRUE(result.verdict.success() || result.verdict.skipped()) << result.verdict.message();
    }
    const auto verdict = dynamic_cast<const FilterPlugin&>(*plugin).filter(state, c.pod, *cluster.snapshot.find("n"));
    EXPECT_EQ(to_string(verdict.code()), to_string(c.code));
    EXPECT_EQ(verdict.message(), c.message);
  }
}

struct NamesCase {
  const char* name;
  Pod pod;
  Code code;
  std::optional<std::set<std::string, std::less<>>> nodes;
  const char* message = "";
};

TEST(NodeAffinity, PreFilterNarrowsToNamedNodes) {
  const auto in = [](std::vector<std::string> names) { return requirement("metadata.name", "In", std::move(names)); };
  // clang-format off
  const NamesCase kNames[] = {
      {"nothing required", make_pod(), Code::Skip, {}},
      {"labels only", make_pod().selects("a", "b"), Code::Success, {}},
      {"one name", make_pod().requires_field({in({"a"})}), Code::Success, {{"a"}}},
      {"two terms", make_pod().requires_field({in({"a"})}).requires_field({in({"b"})}), Code::Success, {{"a", "b"}}},
      {"a term that leaves the name open", make_pod().requires_field({in({"a"})}).requires_({requirement("l", "Exists")}), Code::Success, {}},
      {"names that exclude each other", make_pod().requires_field({in({"a"}), in({"b"})}), Code::UnschedulableAndUnresolvable, {},
       "pod affinity terms conflict"},
      {"a term that means nothing leaves the name open", make_pod().requires_field({in({"a"})}).requires_({requirement("l", "Gt", {"x"})}), Code::Success, {}},
  };
  // clang-format on
  const Snapshot empty;
  const auto plugin = find_plugin("NodeAffinity")->make({}, {.snapshot = &empty});
  for (const NamesCase& c : kNames) {
    SCOPED_TRACE(c.name);
    CycleState state(make_pod_info(c.pod));
    const auto result = dynamic_cast<const PreFilterPlugin&>(*plugin).pre_filter(state, c.pod, {});
    EXPECT_EQ(to_string(result.verdict.code()), to_string(c.code));
    EXPECT_EQ(result.nodes, c.nodes);
    EXPECT_EQ(result.verdict.message(), c.message);
  }
}

TEST(NodeAffinity, APreferenceThatMeansNothingFailsTheAttempt) {
  const Snapshot empty;
  const auto plugin = find_plugin("NodeAffinity")->make({}, {.snapshot = &empty});
  const auto says = [&](const Pod& pod) {
    CycleState state(make_pod_info(pod));
    const Verdict verdict = dynamic_cast<const PreScorePlugin&>(*plugin).pre_score(state, pod, {});
    return std::string(to_string(verdict.code())) + " " + verdict.message();
  };
  EXPECT_EQ(says(make_pod().prefers(1, requirement("a", "Exists"))), "Success ");
  EXPECT_EQ(
      says(make_pod().prefers(1, requirement("a", "Exists")).prefers(2, requirement("n", "Gt", {"x"}))),
      "Error [1].matchExpressions[0].values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer");
  EXPECT_EQ(
      says(make_pod().prefers(1, requirement("n", "Gt", {"x"})).prefers(1, requirement("n", "Lt", {"y"}))),
      "Error [[0].matchExpressions[0].values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer, "
      "[1].matchExpressions[0].values[0]: Invalid value: \"y\": for 'Gt', 'Lt' operators, the value must be an integer]");
  EXPECT_EQ(says(make_pod().prefers(0, requirement("n", "Gt", {"x"}))), "Success ");  // it has no weight
}

TEST(NodeAffinity, ATermThatMeansNothingIsRetriedOnAnyChangeOfANode) {
  const Snapshot empty;
  const auto plugin = find_plugin("NodeAffinity")->make({}, {.snapshot = &empty});
  const auto queues = [&](const Pod& pod, Node before, Node after) {
    const ClusterChange change{
        .event = ClusterEvent::NodeLabelsChanged, .node_before = share_node(before), .node_after = share_node(after)};
    return plugin->hint(change, pod) == QueueingHint::Queue;
  };
  const Pod broken = make_pod().requires_({requirement("n", "Gt", {"x"})}).requires_({requirement("b", "Exists")});
  EXPECT_TRUE(queues(broken, make_node(), make_node().label("a", "")));
  EXPECT_FALSE(queues(broken, make_node().label("b", ""), make_node().label("b", "").label("a", "")));  // it fitted before
  const Pod clear = make_pod().requires_({requirement("n", "Gt", {"1"})}).requires_({requirement("b", "Exists")});
  EXPECT_FALSE(queues(clear, make_node(), make_node().label("a", "")));
  EXPECT_TRUE(queues(clear, make_node(), make_node().label("b", "")));
}

TEST(NodeAffinity, AddedAffinityBindsEveryPod) {
  PluginArgs args;
  *args.node_affinity.added_affinity.mutable_required_during_scheduling_ignored_during_execution()
       ->add_node_selector_terms()
       ->add_match_expressions() = requirement("pool", "In", {"batch"});
  Cluster cluster;
  cluster.node(make_node("in").label("pool", "batch")).node(make_node("out"));
  const auto plugin = find_plugin("NodeAffinity")->make(args, {.snapshot = &cluster.take()});
  const Pod pod = make_pod();
  CycleState state(make_pod_info(pod));
  EXPECT_TRUE(dynamic_cast<const PreFilterPlugin&>(*plugin).pre_filter(state, pod, cluster.snapshot.nodes()).verdict.success());
  const auto& filter = dynamic_cast<const FilterPlugin&>(*plugin);
  EXPECT_TRUE(filter.filter(state, pod, *cluster.snapshot.find("in")).success());
  EXPECT_EQ(filter.filter(state, pod, *cluster.snapshot.find("out")).message(),
            "node(s) didn't match scheduler-enforced node affinity");
}

TEST(NodeResourcesFit, IgnoredResourcesAreNotLookedAt) {
  PluginArgs args;
  args.node_resources_fit.ignored_resources = {"example.com/foo"};
  args.node_resources_fit.ignored_resource_groups = {"vendor.io"};
  Cluster cluster;
  cluster.node(make_node("n"));
  const auto plugin = find_plugin("NodeResourcesFit")->make(args, {.snapshot = &cluster.take()});
  const Pod pod = make_pod().with(container().asks("example.com/foo", "1").asks("vendor.io/x", "1").asks("example.com/bar", "1"));
  CycleState state(make_pod_info(pod));
  dynamic_cast<const PreFilterPlugin&>(*plugin).pre_filter(state, pod, cluster.snapshot.nodes());
  const auto verdict = dynamic_cast<const FilterPlugin&>(*plugin).filter(state, pod, *cluster.snapshot.find("n"));
  EXPECT_EQ(verdict.message(), "Insufficient example.com/bar");
}

TEST(SchedulingGates, HoldsGatedPods) {
  const Snapshot empty;
  const auto plugin = find_plugin("SchedulingGates")->make({}, {.snapshot = &empty});
  const auto& gates = dynamic_cast<const PreEnqueuePlugin&>(*plugin);
  EXPECT_TRUE(gates.pre_enqueue(make_pod()).success());
  EXPECT_EQ(gates.pre_enqueue(make_pod().gate("a.io/x").gate("b")).message(), "waiting for scheduling gates: [a.io/x b]");
}

}  // namespace
}  // namespace ph::scheduler::test
