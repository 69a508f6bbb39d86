// The scheduler against our apiserver, on virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/make.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Binding, core::v1::Node, core::v1::Pod, core::v1::PodCondition;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

MakePod runnable(const std::string& key) { return make_pod(key).uid("").with(container().image("img:1")); }

void add_node(sim::Cluster& cluster, const Node& node) {
  Node created = node;
  created.mutable_metadata()->clear_uid();
  created = cluster.create(std::move(created));
  *created.mutable_status() = node.status();
  cluster.update_status(std::move(created));
}

const PodCondition* scheduled(const Pod& pod) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "PodScheduled") return &condition;
  }
  return nullptr;
}

// `reason: message` of the events about a pod, in the order of their names.
std::vector<std::string> events_of(sim::Cluster& cluster, const std::string& pod) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.involved_object().name() == pod) out.push_back(event.type() + " " + event.reason() + ": " + event.message());
  }
  return out;
}

TEST(Scheduler, BindsAPodAndSaysSo) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1"));
  cluster.create<Pod>(runnable("default/a"));
  cluster.advance(1s);
  const Pod pod = cluster.get<Pod>("default/a");
  EXPECT_EQ(pod.spec().node_name(), "n1");
  ASSERT_NE(scheduled(pod), nullptr);
  EXPECT_EQ(scheduled(pod)->status(), "True");
  EXPECT_THAT(events_of(cluster, "a"), ElementsAre("Normal Scheduled: Successfully assigned default/a to n1"));
}

TEST(Scheduler, SaysWhyThereIsNoNodeAndTriesAgainWhenThereIs) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1").taint("key", "v", "NoSchedule"));
  add_node(cluster, make_node("n2").has("cpu", "1"));
  cluster.create<Pod>(runnable("default/a").asks("2", "1Gi"));
  cluster.advance(1s);
  const std::string message = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).";
  Pod pod = cluster.get<Pod>("default/a");
  EXPECT_EQ(pod.spec().node_name(), "");
  ASSERT_NE(scheduled(pod), nullptr);
  EXPECT_EQ(scheduled(pod)->status(), "False");
  EXPECT_EQ(scheduled(pod)->reason(), "Unschedulable");
  EXPECT_THAT(scheduled(pod)->message(), StartsWith(message));
  EXPECT_THAT(scheduled(pod)->message(),
              HasSubstr("preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."));
  EXPECT_THAT(events_of(cluster, "a"), ElementsAre("Warning FailedScheduling: " + scheduled(pod)->message()));

  add_node(cluster, make_node("n3"));
  cluster.advance(1s);
  pod = cluster.get<Pod>("default/a");
  EXPECT_EQ(pod.spec().node_name(), "n3");
  EXPECT_EQ(scheduled(pod)->status(), "True");
}

TEST(Scheduler, AnUnchangedVerdictIsNotWrittenAgain) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1").cordoned());
  cluster.create<Pod>(runnable("default/a"));
  cluster.advance(1s);
  const std::string before = cluster.get<Pod>("default/a").metadata().resource_version();
  cluster.advance(10min);  // past the time after which unschedulable pods are tried anyway
  EXPECT_EQ(cluster.get<Pod>("default/a").metadata().resource_version(), before);
}

TEST(Scheduler, WithoutNodesItKeepsTrying) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  cluster.create<Pod>(runnable("default/a"));
  cluster.advance(1s);
  EXPECT_EQ(scheduled(cluster.get<Pod>("default/a"))->message(), "no nodes available to schedule pods");
  add_node(cluster, make_node("n1"));
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "n1");
}

TEST(Scheduler, GatedPodsWait) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1"));
  cluster.create<Pod>(runnable("default/a").gate("example.com/g"));
  cluster.advance(1min);
  Pod pod = cluster.get<Pod>("default/a");
  EXPECT_EQ(pod.spec().node_name(), "");
  ASSERT_NE(scheduled(pod), nullptr);
  EXPECT_EQ(scheduled(pod)->reason(), "SchedulingGated");
  cluster.edit<Pod>("default/a", [](Pod& p) { p.mutable_spec()->clear_scheduling_gates(); });
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "n1");
}

TEST(Scheduler, EachProfileTakesItsOwnPods) {
  sim::Cluster cluster(sim::no_loops().scheduler(R"(
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: careless
  plugins: {multiPoint: {disabled: [{name: TaintToleration}]}}
)"));
  add_node(cluster, make_node("n1").taint("key", "v", "NoSchedule"));
  cluster.create<Pod>(runnable("default/a"));
  cluster.create<Pod>(runnable("default/b").scheduler("careless"));
  cluster.create<Pod>(runnable("default/c").scheduler("somebody-else"));
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "");
  EXPECT_EQ(cluster.get<Pod>("default/b").spec().node_name(), "n1");
  EXPECT_EQ(scheduled(cluster.get<Pod>("default/c")), nullptr);
}

TEST(Scheduler, NeverPlacesMoreThanFits) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  for (const char* node : {"n1", "n2", "n3"}) add_node(cluster, make_node(node));
  for (int i = 0; i < 20; ++i) cluster.create<Pod>(runnable("default/p" + std::to_string(i)).asks("1", "1Gi"));
  cluster.advance(1min);
  std::map<std::string, int> on;
  for (const Pod& pod : cluster.list<Pod>("default")) ++on[pod.spec().node_name()];
  EXPECT_THAT(on, ElementsAre(std::pair("", 8), std::pair("n1", 4), std::pair("n2", 4), std::pair("n3", 4)));
}

TEST(Scheduler, RoomThatBecomesFreeIsUsed) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1"));
  cluster.create<Pod>(runnable("default/a").asks("3", "1Gi"));
  cluster.advance(1s);
  cluster.create<Pod>(runnable("default/b").asks("3", "1Gi"));
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<Pod>("default/b").spec().node_name(), "");
  cluster.remove<Pod>("default/a", {.grace_seconds = 0});
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<Pod>("default/b").spec().node_name(), "n1");
}

TEST(Scheduler, PodsThatEndedHoldNothing) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1"));
  cluster.create<Pod>(runnable("default/a").asks("3", "1Gi"));
  cluster.create<Pod>(runnable("default/b").asks("3", "1Gi"));
  cluster.advance(1s);
  Pod first = cluster.get<Pod>("default/a");
  if (first.spec().node_name().empty()) first = cluster.get<Pod>("default/b");
  const std::string waiting = first.metadata().name() == "a" ? "default/b" : "default/a";
  first.mutable_status()->set_phase("Succeeded");
  cluster.update_status(std::move(first));
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<Pod>(waiting).spec().node_name(), "n1");
}

TEST(Scheduler, APodBoundByHandIsLeftAlone) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1"));
  cluster.create<Pod>(runnable("default/a").on("elsewhere"));
  cluster.advance(1min);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "elsewhere");
  EXPECT_THAT(events_of(cluster, "a"), ElementsAre());
}

TEST(Scheduler, OneSeedOneHistory) {
  const auto history = [](std::uint64_t seed) {
    sim::Cluster cluster(sim::no_loops().scheduler().seed(seed));
    for (const char* node : {"n1", "n2", "n3"}) add_node(cluster, make_node(node));
    for (int i = 0; i < 15; ++i) cluster.create<Pod>(runnable("default/p" + std::to_string(i)).asks("1", "1Gi"));
    cluster.advance(1min);
    return cluster.history_text();
  };
  EXPECT_EQ(history(1), history(1));
  EXPECT_NE(history(1), history(2));
}

}  // namespace
}  // namespace ph::scheduler::test
