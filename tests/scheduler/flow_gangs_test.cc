// Gangs in a profile that places by flow: all of their pods or none, against our apiserver, on virtual time.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "scheduler/config/configuration.h"
#include "scheduler/flow/gang.h"
#include "tests/scheduler/make.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;
using testing::ElementsAre, testing::HasSubstr, testing::IsEmpty;

std::string profile(const std::string& args = "policy: Packing, batchWindow: 1s") {
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

MakePod member(const std::string& name, const std::string& gang, int least, const std::string& cpu = "1") {
  MakePod out = make_pod("default/" + name).uid("").scheduler("flow").with(container().image("img:1")).asks(cpu, "");
  return std::move(out)
      .label(std::string(flow::kGangLabel), gang)
      .label(std::string(flow::kGangLeastLabel), std::to_string(least));
}

class FlowGangs : public ::testing::Test {
 protected:
  explicit FlowGangs(const std::string& args = "policy: Packing, batchWindow: 1s")
      : cluster(sim::no_loops().scheduler(profile(args))) {}

  void add_node(const std::string& name, const std::string& cpu = "4") {
    Node node = make_node(name).has("cpu", cpu).label("kubernetes.io/hostname", name);
    const auto status = node.status();
    node.mutable_metadata()->clear_uid();
    node = cluster.create(std::move(node));
    *node.mutable_status() = status;
    cluster.update_status(std::move(node));
  }
  void add(const std::string& gang, int pods, int least, const std::string& cpu = "1") {
    for (int i = 0; i < pods; ++i) cluster.create<Pod>(member(fmt::format("{}-{}", gang, made_++), gang, least, cpu));
  }
  // Pods of each gang that have a node.
  std::map<std::string, int> placed() {
    std::map<std::string, int> out;
    for (const Pod& pod : cluster.list<Pod>("default")) {
      const auto& labels = pod.metadata().labels();
      const auto gang = labels.find(std::string(flow::kGangLabel));
      if (!pod.spec().node_name().empty()) ++out[gang == labels.end() ? "none" : gang->second];
    }
    return out;
  }
  std::string message_of_some_waiting() {
    for (const Pod& pod : cluster.list<Pod>("default")) {
      if (pod.spec().node_name().empty() && pod.status().conditions_size() == 1) return pod.status().conditions(0).message();
    }
    return {};
  }

  sim::Cluster cluster;
  int made_ = 0;
};

TEST_F(FlowGangs, OneThatFitsIsPlacedWhole) {
  add_node("n1", "2");
  add_node("n2", "2");
  add("job", 4, 4);
  cluster.advance(5s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 4)));
}

TEST_F(FlowGangs, OneThatDoesNotFitTakesNothingFromAnybody) {
  add_node("n1", "3");
  add("large", 4, 4);
  cluster.create<Pod>(make_pod("default/single").uid("").scheduler("flow").with(container().image("img:1")).asks("3", ""));
  cluster.advance(20s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("none", 1)));
  EXPECT_THAT(message_of_some_waiting(),
              HasSubstr("pod group default/large: no room was found for all of the 4 pods that have to be placed together"));
}

TEST_F(FlowGangs, OfTwoThatWantTheSameRoomOneGetsAllOfIt) {
  add_node("n1", "4");
  add("a", 3, 3);
  add("b", 3, 3);
  cluster.advance(20s);
  EXPECT_EQ(placed().size(), 1u);
  EXPECT_EQ(placed().begin()->second, 3);
}

TEST_F(FlowGangs, ManyGangsFillTheRoomThatThereIs) {
  for (int i = 0; i < 5; ++i) add_node(fmt::format("n{}", i), "4");
  for (int i = 0; i < 10; ++i) add(fmt::format("job{}", i), 4, 4);
  cluster.advance(30s);
  EXPECT_EQ(placed().size(), 5u);
  for (const auto& [gang, pods] : placed()) EXPECT_EQ(pods, 4) << gang;
}

// Large pods and small ones: each kind is a class of its own, and the flow of both has to fit.
TEST_F(FlowGangs, PodsOfSeveralKinds) {
  add_node("n1", "4");
  add("job", 1, 3, "3");
  add("job", 2, 3, "500m");
  cluster.advance(5s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 3)));
  add("next", 1, 2, "3");
  add("next", 1, 2, "500m");
  cluster.advance(20s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 3)));
}

TEST_F(FlowGangs, WhatTheFlowCannotKnowLeavesNoneBehind) {
  // Two sizes on one node: the network sees room for each by itself, the filters do not.
  add_node("n1", "4");
  add("job", 1, 2, "3");
  add("job", 1, 2, "2");
  cluster.advance(20s);
  EXPECT_THAT(placed(), IsEmpty());
  add_node("n2", "4");
  cluster.advance(20s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 2)));
}

TEST_F(FlowGangs, WaitsUntilItIsComplete) {
  add_node("n1", "8");
  add("job", 2, 3);
  cluster.advance(10s);
  EXPECT_THAT(placed(), IsEmpty());
  EXPECT_THAT(message_of_some_waiting(), HasSubstr("pod group default/job: 2 of 3 pods are there"));
  add("job", 1, 3);
  cluster.advance(5s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 3)));
}

TEST_F(FlowGangs, WaitsForRoomAndIsWokenByIt) {
  add_node("n1", "4");
  Pod there = make_pod("default/there").uid("").with(container().image("img:1")).asks("2", "").on("n1");
  cluster.create<Pod>(there);
  add("job", 3, 3);
  cluster.advance(20s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("none", 1)));
  cluster.remove<Pod>("default/there", {.grace_seconds = 0});
  cluster.advance(20s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 3)));
}

TEST_F(FlowGangs, ThoseBeyondTheLeastGoAsThereIsRoom) {
  add_node("n1", "4");
  add("job", 6, 3);
  cluster.advance(20s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 4)));
}

// Who has enough is a gang no more: a pod of it that comes later goes alone.
TEST_F(FlowGangs, ALaterMemberGoesAlone) {
  add_node("n1", "4");
  add("job", 3, 3);
  cluster.advance(5s);
  add("job", 1, 3);
  cluster.advance(5s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 4)));
}

TEST_F(FlowGangs, ALabelThatMeansNothingIsTold) {
  add_node("n1", "4");
  Pod pod = member("p", "job", 1);
  (*pod.mutable_metadata()->mutable_labels())[std::string(flow::kGangLeastLabel)] = "two";
  cluster.create<Pod>(pod);
  cluster.advance(5s);
  EXPECT_THAT(placed(), IsEmpty());
  EXPECT_THAT(message_of_some_waiting(), HasSubstr("min-available is not a whole number above zero"));
  cluster.edit<Pod>("default/p",
                    [](Pod& it) { (*it.mutable_metadata()->mutable_labels())[std::string(flow::kGangLeastLabel)] = "1"; });
  cluster.advance(20s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 1)));
}

class SmallBatches : public FlowGangs {
 protected:
  SmallBatches() : FlowGangs("policy: Packing, batchWindow: 1s, maxBatch: 2") {}
};

TEST_F(SmallBatches, ABatchGrowsUntilItsGangIsWhole) {
  add_node("n1", "8");
  add("job", 5, 5);
  cluster.advance(10s);
  EXPECT_THAT(placed(), ElementsAre(std::pair("job", 5)));
}

TEST(Gangs, WhatLabelsSay) {
  const struct {
    std::map<std::string, std::string> labels;
    std::optional<std::pair<std::string, flow::Amount>> expected;
  } rows[] = {
      {{}, std::nullopt},
      {{{"pod-group.scheduling.sigs.k8s.io/name", "a"}}, std::nullopt},
      {{{"pod-group.scheduling.sigs.k8s.io/min-available", "3"}}, std::nullopt},
      {{{"pod-group.scheduling.sigs.k8s.io/name", "a"}, {"pod-group.scheduling.sigs.k8s.io/min-available", "3"}},
       std::pair("default/a", 3)},
      {{{"pod-group.scheduling.sigs.k8s.io/name", "a"}, {"pod-group.scheduling.sigs.k8s.io/min-available", "0"}},
       std::pair("default/a", 0)},
      {{{"pod-group.scheduling.sigs.k8s.io/name", "a"}, {"pod-group.scheduling.sigs.k8s.io/min-available", "3x"}},
       std::pair("default/a", 0)},
      {{{"pod-group.scheduling.sigs.k8s.io/name", "a"}, {"pod-group.scheduling.sigs.k8s.io/min-available", "99999999999"}},
       std::pair("default/a", 0)},
  };
  for (const auto& row : rows) {
    MakePod pod = make_pod();
    for (const auto& [name, value] : row.labels) pod = std::move(pod).label(name, value);
    const auto claim = flow::gang_of(*make_pod_info(pod));
    ASSERT_EQ(claim.has_value(), row.expected.has_value());
    if (!claim) continue;
    EXPECT_EQ(claim->key, row.expected->first);
    EXPECT_EQ(claim->least, row.expected->second);
  }
}

}  // namespace
}  // namespace ph::scheduler::test
