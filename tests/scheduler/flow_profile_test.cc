// Profiles that place their pods in batches by a flow network, against our apiserver, on virtual time.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "scheduler/config/configuration.h"
#include "tests/scheduler/make.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;
using testing::ElementsAre, testing::HasSubstr, testing::UnorderedElementsAre;

std::string flow_profile(const std::string& args) {
  return fmt::format(R"(
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: flow
  plugins: {{multiPoint: {{enabled: [{{name: FlowPlacement}}]}}}}
  pluginConfig:
  - name: FlowPlacement
    args: {{{}}}
)",
                     args);
}

MakePod runnable(const std::string& key) { return make_pod(key).uid("").with(container().image("img:1")).scheduler("flow"); }

void add_node(sim::Cluster& cluster, const Node& node) {
  Node created = node;
  created.mutable_metadata()->clear_uid();
  (*created.mutable_metadata()->mutable_labels())["kubernetes.io/hostname"] = node.metadata().name();
  created = cluster.create(std::move(created));
  *created.mutable_status() = node.status();
  cluster.update_status(std::move(created));
}

void add_nodes(sim::Cluster& cluster, int count) {
  for (int i = 1; i <= count; ++i) add_node(cluster, make_node("n" + std::to_string(i)));
}

void add_pods(sim::Cluster& cluster, int count, const MakePod& like, const std::string& name = "p") {
  for (int i = 0; i < count; ++i) {
    Pod pod = like;
    pod.mutable_metadata()->set_name(name + std::to_string(i));
    cluster.create<Pod>(pod);
  }
}

// Pods by node.
std::map<std::string, int> spread_of(sim::Cluster& cluster) {
  std::map<std::string, int> out;
  for (const Pod& pod : cluster.list<Pod>("default")) ++out[pod.spec().node_name()];
  return out;
}

MakePod keeps_apart(MakePod pod, const std::string& topology) {
  (*pod.out.mutable_metadata()->mutable_labels())["app"] = "apart";
  auto* term = pod.out.mutable_spec()
                   ->mutable_affinity()
                   ->mutable_pod_anti_affinity()
                   ->add_required_during_scheduling_ignored_during_execution();
  term->set_topology_key(topology);
  (*term->mutable_label_selector()->mutable_match_labels())["app"] = "apart";
  return pod;
}

// -- Policies

TEST(FlowProfile, SpreadsByTheNumberOfPods) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: LoadSpreading, batchWindow: 1s")));
  add_nodes(cluster, 3);
  add_pods(cluster, 4, runnable("default/x").on("n1"), "there");
  add_pods(cluster, 8, runnable("default/x"));
  cluster.advance(5s);
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("n1", 4), std::pair("n2", 4), std::pair("n3", 4)));
}

TEST(FlowProfile, PacksTheFullestNodeFirst) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Packing, batchWindow: 1s")));
  add_nodes(cluster, 3);
  cluster.create<Pod>(runnable("default/there").asks("1", "2Gi").on("n2"));
  add_pods(cluster, 3, runnable("default/x").asks("1", "2Gi"));
  cluster.advance(5s);
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("n2", 4)));
}

TEST(FlowProfile, GoesWhereTheImagesAreAndElseNear) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Locality, batchWindow: 1s, rackLabel: rack")));
  const char* zone = "topology.kubernetes.io/zone";
  add_node(cluster, make_node("far").label(zone, "b").label("rack", "b1"));
  add_node(cluster, make_node("has").has("cpu", "2").label(zone, "a").label("rack", "a1").image("img:1", 500 << 20));
  add_node(cluster, make_node("near").has("cpu", "2").label(zone, "a").label("rack", "a1"));
  add_node(cluster, make_node("zone").has("cpu", "2").label(zone, "a").label("rack", "a2"));
  add_pods(cluster, 7, runnable("default/x").asks("1", "1Gi"));
  cluster.advance(5s);
  EXPECT_THAT(spread_of(cluster),
              ElementsAre(std::pair("far", 1), std::pair("has", 2), std::pair("near", 2), std::pair("zone", 2)));
}

TEST(FlowProfile, GoesByTheScoresOfTheProfile) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Scores, batchWindow: 1s")));
  add_nodes(cluster, 2);
  add_node(cluster, make_node("liked").label("disk", "fast"));
  add_pods(cluster, 2, runnable("default/x").asks("100m", "100Mi").prefers(100, requirement("disk", "In", {"fast"})));
  cluster.advance(5s);
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("liked", 2)));
}

TEST(FlowProfile, OfEqualNodesEachGetsItsPart) {
  for (const char* policy : {"Scores", "LoadSpreading"}) {
    sim::Cluster cluster(sim::no_loops().scheduler(flow_profile(fmt::format("policy: {}, batchWindow: 1s", policy))));
    add_nodes(cluster, 4);
    add_pods(cluster, 12, runnable("default/x").asks("500m", "500Mi"));
    cluster.advance(5s);
    EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("n1", 3), std::pair("n2", 3), std::pair("n3", 3), std::pair("n4", 3)))
        << policy;
  }
}

// -- Filters

TEST(FlowProfile, PlacesNoMoreThanFitsAndSaysWhy) {
  for (const char* policy : {"Scores", "LoadSpreading", "Packing", "Locality"}) {
    sim::Cluster cluster(sim::no_loops().scheduler(flow_profile(fmt::format("policy: {}", policy))));
    add_nodes(cluster, 2);
    add_node(cluster, make_node("tainted").taint("key", "v", "NoSchedule"));
    add_pods(cluster, 20, runnable("default/x").asks("1", "1Gi"));
    cluster.advance(30s);
    EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("", 12), std::pair("n1", 4), std::pair("n2", 4))) << policy;
    for (const Pod& pod : cluster.list<Pod>("default")) {
      if (!pod.spec().node_name().empty()) continue;
      ASSERT_EQ(pod.status().conditions_size(), 1);
      EXPECT_THAT(pod.status().conditions(0).message(),
                  HasSubstr("0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu."));
    }
  }
}

TEST(FlowProfile, MixedSizesNeverOvercommit) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Packing, batchWindow: 1s")));
  add_nodes(cluster, 3);
  add_pods(cluster, 3, runnable("default/x").asks("3", "1Gi"), "large");
  add_pods(cluster, 6, runnable("default/x").asks("500m", "1Gi"), "small");
  cluster.advance(5s);
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("n1", 3), std::pair("n2", 3), std::pair("n3", 3)));
}

TEST(FlowProfile, ThePodThatMattersMoreGetsTheRoom) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("batchWindow: 1s")));
  add_nodes(cluster, 1);
  add_pods(cluster, 4, runnable("default/x").asks("1", "1Gi"), "lesser");
  add_pods(cluster, 2, runnable("default/x").asks("2", "1Gi").priority(10), "more");
  cluster.advance(5s);
  for (const char* pod : {"default/more0", "default/more1"}) EXPECT_EQ(cluster.get<Pod>(pod).spec().node_name(), "n1");
}

// -- Pods of one batch

TEST(FlowProfile, PodsThatKeepApartAreKeptApart) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Packing, batchWindow: 1s")));
  add_nodes(cluster, 4);
  add_pods(cluster, 6, keeps_apart(runnable("default/x"), "kubernetes.io/hostname"));
  cluster.advance(5s);
  EXPECT_THAT(spread_of(cluster),
              ElementsAre(std::pair("", 2), std::pair("n1", 1), std::pair("n2", 1), std::pair("n3", 1), std::pair("n4", 1)));
}

TEST(FlowProfile, AlsoByZone) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: LoadSpreading, batchWindow: 1s")));
  for (int i = 0; i < 6; ++i) add_node(cluster, make_node(fmt::format("n{}", i)).label("zone", i < 3 ? "a" : "b"));
  add_pods(cluster, 3, keeps_apart(runnable("default/x"), "zone"));
  cluster.advance(5s);
  std::multiset<std::string> zones;
  for (const Pod& pod : cluster.list<Pod>("default")) {
    const std::string& node = pod.spec().node_name();
    zones.insert(node.empty() ? "" : cluster.get<Node>(node).metadata().labels().at("zone"));
  }
  EXPECT_THAT(zones, UnorderedElementsAre("", "a", "b"));
}

TEST(FlowProfile, HardSpreadHoldsWithinABatch) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Packing, batchWindow: 1s")));
  for (int i = 0; i < 3; ++i)
    add_node(cluster, make_node(fmt::format("n{}", i)).label("zone", std::string(1, static_cast<char>('a' + i))));
  MakePod like = runnable("default/x").label("app", "even");
  auto* constraint = like.out.mutable_spec()->add_topology_spread_constraints();
  constraint->set_max_skew(1);
  constraint->set_topology_key("zone");
  constraint->set_when_unsatisfiable("DoNotSchedule");
  (*constraint->mutable_label_selector()->mutable_match_labels())["app"] = "even";
  add_pods(cluster, 12, like);
  cluster.advance(5s);
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("n0", 4), std::pair("n1", 4), std::pair("n2", 4)));
}

TEST(FlowProfile, PodsThatWantTheSamePortAreOnDifferentNodes) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Packing, batchWindow: 1s")));
  add_nodes(cluster, 3);
  add_pods(cluster, 3, make_pod("default/x").uid("").scheduler("flow").with(container().image("img:1").host_port(8080)));
  cluster.advance(5s);
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("n1", 1), std::pair("n2", 1), std::pair("n3", 1)));
}

// -- Batches

TEST(FlowProfile, ABatchIsWaitedForAndNoLonger) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("batchWindow: 10s, maxBatch: 3")));
  add_nodes(cluster, 2);
  add_pods(cluster, 2, runnable("default/x"));
  cluster.advance(5s);
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("", 2)));
  add_pods(cluster, 1, runnable("default/x"), "third");  // now it is full
  cluster.advance(1s);
  EXPECT_EQ(spread_of(cluster)[""], 0);
  add_pods(cluster, 1, runnable("default/x"), "alone");
  cluster.advance(11s);
  EXPECT_EQ(spread_of(cluster)[""], 0);
}

TEST(FlowProfile, WithoutTimeToSolveAllGoTheDefaultWay) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Packing, solveTimeLimit: 0s")));
  add_nodes(cluster, 3);
  add_pods(cluster, 6, runnable("default/x").asks("1", "1Gi"));
  cluster.advance(5s);
  // Which spreads, where the policy would have packed.
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("n1", 2), std::pair("n2", 2), std::pair("n3", 2)));
}

TEST(FlowProfile, TwoProfilesSideBySide) {
  sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Packing, batchWindow: 10s")));
  add_nodes(cluster, 2);
  add_pods(cluster, 4, runnable("default/x").asks("1", "1Gi"), "flow");
  add_pods(cluster, 4, runnable("default/x").asks("1", "1Gi").scheduler("default-scheduler"), "default");
  cluster.advance(1s);
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("", 4), std::pair("n1", 2), std::pair("n2", 2)));
  cluster.advance(15s);
  EXPECT_THAT(spread_of(cluster), ElementsAre(std::pair("n1", 4), std::pair("n2", 4)));
}

TEST(FlowProfile, OneSeedOneHistory) {
  const auto history = [] {
    sim::Cluster cluster(sim::no_loops().scheduler(flow_profile("policy: Scores, batchWindow: 1s")).seed(5));
    add_nodes(cluster, 3);
    add_pods(cluster, 15, runnable("default/x").asks("1", "1Gi"));
    cluster.advance(1min);
    return cluster.history_text();
  };
  EXPECT_EQ(history(), history());
}

// -- Arguments

TEST(FlowProfile, ArgumentsThatMeanNothingAreRefused) {
  const std::pair<const char*, const char*> rows[] = {
      {"policy: Best",
       R"(policy: Unsupported value: "Best": supported values: "LoadSpreading", "Locality", "Packing", "Scores")"},
      {"maxBatch: 0", "maxBatch: Invalid value: 0: not in valid range [1, 100000]"},
      {"batchWindow: 2m", "must be between zero and one minute"},
      {"solveTimeLimit: -1s", "must be between zero and one minute"},
      {"rackLabel: 'a b'", "rackLabel: Invalid value"},
      {"window: 1s", R"(unknown field "window")"},
  };
  for (const auto& [args, expected] : rows) {
    try {
      Configuration::parse(flow_profile(args));
      ADD_FAILURE() << args << " was taken";
    } catch (const ConfigurationError& error) {
      EXPECT_THAT(error.what(), HasSubstr(expected)) << args;
    }
  }
}

TEST(FlowProfile, NoProfileHasItThatDoesNotNameIt) {
  for (const auto& [point, names] : default_profile().points) EXPECT_EQ(std::ranges::count(names, "FlowPlacement"), 0);
}

}  // namespace
}  // namespace ph::scheduler::test
