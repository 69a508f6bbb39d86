// Scores of each plugin, normalised, on hand-computed clusters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/plugins/node_resources.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;
using testing::ElementsAre;

// The scores of all nodes in the order of their making; empty when the plugin has nothing to say of the pod.
std::vector<Score> scores_of(std::string_view name, const Pod& pod, Cluster& cluster, const PluginArgs& args = {}) {
  const auto nodes = cluster.take().nodes();
  const auto plugin = find_plugin(name)->make(args, {.snapshot = &cluster.snapshot});
  CycleState state(make_pod_info(pod));
  if (const auto* pre = dynamic_cast<const PreScorePlugin*>(plugin.get())) {
    if (pre->pre_score(state, pod, nodes).skipped()) return {};
  }
  const auto& score = dynamic_cast<const ScorePlugin&>(*plugin);
  std::vector<NodeScore> scores;
  for (const NodeInfo* node : nodes) scores.push_back({node, score.score(state, pod, *node)});
  score.normalize(scores);
  std::vector<Score> out;
  for (const NodeScore& one : scores) out.push_back(one.score);
  return out;
}

TEST(TaintToleration, FewerSoftTaintsAreBetter) {
  Cluster cluster;
  cluster.node(make_node("a"))
      .node(make_node("b").taint("x", "", "PreferNoSchedule"))
      .node(make_node("c").taint("x", "", "PreferNoSchedule").taint("y", "", "PreferNoSchedule").taint("z", "", "NoSchedule"));
  EXPECT_THAT(scores_of("TaintToleration", make_pod(), cluster), ElementsAre(100, 50, 0));
  EXPECT_THAT(scores_of("TaintToleration", make_pod().tolerates("x", "Exists", "", ""), cluster), ElementsAre(100, 100, 0));
  // A toleration of another effect does not count.
  EXPECT_THAT(scores_of("TaintToleration", make_pod().tolerates("x", "Exists", "", "NoSchedule"), cluster),
              ElementsAre(100, 50, 0));
}

TEST(NodeAffinity, WeightsOfPreferredTermsAddUp) {
  Cluster cluster;
  cluster.node(make_node("a").label("x", "1")).node(make_node("b").label("x", "1").label("y", "1")).node(make_node("c"));
  const Pod pod = make_pod().prefers(20, requirement("x", "Exists")).prefers(60, requirement("y", "Exists"));
  EXPECT_THAT(scores_of("NodeAffinity", pod, cluster), ElementsAre(25, 100, 0));
  EXPECT_THAT(scores_of("NodeAffinity", make_pod(), cluster), ElementsAre());
}

TEST(NodeAffinity, AddedPreferenceCountsToo) {
  PluginArgs args;
  auto* term = args.node_affinity.added_affinity.add_preferred_during_scheduling_ignored_during_execution();
  term->set_weight(30);
  *term->mutable_preference()->add_match_expressions() = requirement("x", "Exists");
  Cluster cluster;
  cluster.node(make_node("a").label("x", "1")).node(make_node("b").label("y", "1"));
  EXPECT_THAT(scores_of("NodeAffinity", make_pod().prefers(60, requirement("y", "Exists")), cluster, args), ElementsAre(50, 100));
}

// Nodes of 4 cpu and 8Gi with pods on them.
Cluster& loaded(Cluster& cluster) {
  return cluster.node(make_node("a")).node(make_node("b")).pod(make_pod("x").on("b").asks("2", "2Gi"));
}

TEST(NodeResourcesFit, LeastAllocated) {
  Cluster cluster;
  loaded(cluster);
  // a: cpu (4-1)/4 = 75, memory (8-1)/8 = 87 (87.5 cut); (75+87)/2 = 81
  // b: cpu (4-3)/4 = 25, memory (8-3)/8 = 62; 43
  EXPECT_THAT(scores_of("NodeResourcesFit", make_pod().asks("1", "1Gi"), cluster), ElementsAre(81, 43));
}

TEST(NodeResourcesFit, APodIsScoredByItsContainers) {
  Cluster cluster;
  cluster.node(make_node("a")).node(make_node("b")).pod(make_pod("x").on("b").asks("1", "1Gi").pod_level("cpu", "2"));
  // a: cpu (4-1)/4 = 75, memory (8-1)/8 = 87; 81, whatever the pod asks for as a whole. b: cpu (4-2-1)/4 = 25, memory 75; 50.
  EXPECT_THAT(scores_of("NodeResourcesFit", make_pod().asks("1", "1Gi").pod_level("cpu", "3"), cluster), ElementsAre(81, 50));
}

TEST(NodeResourcesFit, ContainersWithoutRequestsCountWithDefaults) {
  Cluster cluster;
  cluster.node(make_node("a")).node(make_node("b")).pod(make_pod("x").on("b").with(container()).with(container().named("d")));
  // a: 100m of 4000m: 97; 200Mi of 8192Mi: 97 (97.56). b: 300m: 92; 600Mi: 92 (92.68).
  EXPECT_THAT(scores_of("NodeResourcesFit", make_pod().with(container()), cluster), ElementsAre(97, 92));
}

TEST(NodeResourcesFit, MoreThanThereIsScoresNothing) {
  Cluster cluster;
  cluster.node(make_node("a"));
  EXPECT_THAT(scores_of("NodeResourcesFit", make_pod().asks("5", "1Gi"), cluster), ElementsAre(43));  // (0 + 87) / 2
}

TEST(NodeResourcesFit, MostAllocated) {
  PluginArgs args;
  args.node_resources_fit.strategy = ScoringStrategy::MostAllocated;
  Cluster cluster;
  loaded(cluster);
  // a: cpu 25, memory 12 (12.5 cut): 18. b: cpu 75, memory 37: 56.
  EXPECT_THAT(scores_of("NodeResourcesFit", make_pod().asks("1", "1Gi"), cluster, args), ElementsAre(18, 56));
}

TEST(NodeResourcesFit, WeightsOfResources) {
  PluginArgs args;
  args.node_resources_fit.resources = {{"cpu", 3}, {"memory", 1}};
  Cluster cluster;
  loaded(cluster);
  // a: (75*3 + 87) / 4 = 78. b: (25*3 + 62) / 4 = 34.
  EXPECT_THAT(scores_of("NodeResourcesFit", make_pod().asks("1", "1Gi"), cluster, args), ElementsAre(78, 34));
}

TEST(NodeResourcesFit, DevicesCountOnlyWhenAskedFor) {
  PluginArgs args;
  args.node_resources_fit.resources = {{"cpu", 1}, {"example.com/gpu", 1}};
  Cluster cluster;
  cluster.node(make_node("a").has("example.com/gpu", "4"));
  EXPECT_THAT(scores_of("NodeResourcesFit", make_pod().asks("1", "1Gi"), cluster, args), ElementsAre(75));
  EXPECT_THAT(
      scores_of("NodeResourcesFit", make_pod().with(container().asks("cpu", "1").asks("example.com/gpu", "2")), cluster, args),
      ElementsAre(62));  // (75 + 50) / 2
}

TEST(NodeResourcesFit, RequestedToCapacityRatio) {
  PluginArgs args;
  args.node_resources_fit.strategy = ScoringStrategy::RequestedToCapacityRatio;
  args.node_resources_fit.shape = {{0, 0}, {100, 10}};
  Cluster cluster;
  loaded(cluster);
  // a: cpu 25, memory 12: 18.5, rounded 19. b: cpu 75, memory 37: 56.
  EXPECT_THAT(scores_of("NodeResourcesFit", make_pod().asks("1", "1Gi"), cluster, args), ElementsAre(19, 56));

  args.node_resources_fit.shape = {{0, 10}, {50, 2}, {100, 0}};
  // cpu 25: 100 + (20-100)*25/50 = 60; memory 12: 100 - 80*12/50 = 81 (19.2 cut to 19); 70.5 rounds to 71.
  // b: cpu 75: 20 + (0-20)*25/50 = 10; memory 37: 100 - 80*37/50 = 41 (59.2 cut to 59); 25.5 rounds to 26.
  EXPECT_THAT(scores_of("NodeResourcesFit", make_pod().asks("1", "1Gi"), cluster, args), ElementsAre(71, 26));
}

TEST(NodeResourcesBalancedAllocation, ChangeOfBalance) {
  Cluster cluster;
  loaded(cluster);
  // a: empty is balanced (100); with 25 % cpu and 12.5 % memory the deviation is 6.25 %: 93. 50 + (50 + 93 - 100) / 2
  // = 71. b: 50 % and 25 % before: 87; 75 % and 37.5 % after: 81 (81.25). 50 + (50 + 81 - 87) / 2 = 72.
  EXPECT_THAT(scores_of("NodeResourcesBalancedAllocation", make_pod().asks("1", "1Gi"), cluster), ElementsAre(71, 72));
  // A pod in proportion changes nothing on a: 75.
  EXPECT_THAT(scores_of("NodeResourcesBalancedAllocation", make_pod().asks("1", "2Gi"), cluster), ElementsAre(75, 75));
  // Best effort: not scored at all.
  EXPECT_THAT(scores_of("NodeResourcesBalancedAllocation", make_pod().with(container()), cluster), ElementsAre());
}

TEST(NodeResourcesBalancedAllocation, ThreeResources) {
  const Usage kUsage[] = {{100, 0, 20}, {100, 0, 50}, {100, 0, 80}};
  // mean 50, deviation sqrt((900+0+900)/3) = 24.49 %: 75 after (75.5 cut), 100 before: 50 + (50 + 75 - 100) / 2 = 62
  EXPECT_EQ(balanced_allocation(kUsage), 62);
}

TEST(ImageLocality, SizeScaledByHowManyNodesHaveIt) {
  constexpr std::int64_t kMb = 1024 * 1024;
  Cluster cluster;
  cluster.node(make_node("a").image("gcr.io/40:latest", 40 * kMb).image("gcr.io/300:v1", 300 * kMb))
      .node(make_node("b").image("gcr.io/40:latest", 40 * kMb))
      .node(make_node("c"));
  // gcr.io/40 on two of three nodes: 26.67 MB; gcr.io/300 on one: 100 MB. One container: from 23 to 1000 MB.
  EXPECT_THAT(scores_of("ImageLocality", make_pod().with(container().image("gcr.io/300:v1")), cluster),
              ElementsAre(7, 0, 0));  // 100 * (100-23) / 977
  EXPECT_THAT(scores_of("ImageLocality", make_pod().with(container().image("gcr.io/40")), cluster), ElementsAre(0, 0, 0));
  // Two containers: 100 * (126.67-23) / 1977.
  EXPECT_THAT(scores_of("ImageLocality", make_pod().with(container().image("gcr.io/40")).with(container().image("gcr.io/300:v1")),
                        cluster),
              ElementsAre(5, 0, 0));
}

TEST(NormalizedImage, Tags) {
  EXPECT_EQ(normalized_image("nginx"), "nginx:latest");
  EXPECT_EQ(normalized_image("nginx:1"), "nginx:1");
  EXPECT_EQ(normalized_image("localhost:5000/nginx"), "localhost:5000/nginx:latest");
  EXPECT_EQ(normalized_image("a/b@sha256:00"), "a/b@sha256:00");
}

}  // namespace
}  // namespace ph::scheduler::test
