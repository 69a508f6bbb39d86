// The plugins about other pods, compared with the obvious loops (naive.h) on random clusters.
#include <gtest/gtest.h>

#include <functional>

#include "tests/scheduler/dice.h"
#include "tests/scheduler/naive.h"
#include "tests/scheduler/one_plugin.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Namespace, core::v1::Node, core::v1::Pod;

naive::World random_world(Dice& dice) {
  naive::World out;
  const int nodes = 1 + dice.upto(6);
  for (int i = 0; i < nodes; ++i) out.nodes.push_back(dice.node(i));
  const int pods = dice.upto(12);
  for (int i = 0; i < pods; ++i) {
    Pod pod = dice.pod("e" + std::to_string(i), nodes);
    if (dice.once_in(2)) dice.affinity(pod);
    out.pods.push_back(std::move(pod));
  }
  for (const char* name : {"default", "other"}) {
    Namespace& one = out.namespaces[name];
    one.mutable_metadata()->set_name(name);
    (*one.mutable_metadata()->mutable_labels())["team"] = name;
  }
  return out;
}

void fill(OnePlugin& plugin, const naive::World& world) {
  for (const Node& node : world.nodes) plugin.node(node);
  for (const auto& [name, space] : world.namespaces) plugin.object(space);
  for (const Pod& pod : world.pods) plugin.cache().put_pod(make_pod_info(pod));
}

std::string without_never(std::string text) { return text.starts_with("never: ") ? text.substr(7) : text; }

// What the plugin says of every node is what the loops say; when it has nothing to say, they let everything through.
template <class Naive>
void expect_same_verdicts(OnePlugin& plugin, const naive::World& world, const Pod& pod, Naive naive_verdict) {
  const auto got = plugin.verdicts(pod);
  for (const Node& node : world.nodes) {
    const std::string wanted = naive_verdict(world, pod, node);
    EXPECT_EQ(got.contains("*") ? "" : without_never(got.at(node.metadata().name())), wanted) << node.metadata().name();
  }
}

constexpr std::uint64_t kSeeds = 400;

TEST(AgainstNaive, PodTopologySpread) {
  for (std::uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    const naive::World world = random_world(dice);
    OnePlugin plugin("PodTopologySpread");
    fill(plugin, world);
    Pod pod = dice.pod("p", 0);
    for (int i = dice.upto(2); i >= 0; --i) dice.constraint(pod, "DoNotSchedule");
    for (int i = dice.upto(2); i > 0; --i) dice.constraint(pod, "ScheduleAnyway");
    if (dice.once_in(4)) (*pod.mutable_spec()->mutable_node_selector())["zone"] = "a";
    expect_same_verdicts(plugin, world, pod, naive::spread_verdict);
    const auto scores = plugin.scores(pod);
    if (scores.empty()) continue;
    for (const auto& [node, score] : naive::spread_scores(world, pod, world.nodes))
      EXPECT_EQ(scores.at(node).second, score) << node;
  }
}

TEST(AgainstNaive, InterPodAffinity) {
  for (std::uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    const naive::World world = random_world(dice);
    OnePlugin plugin("InterPodAffinity");
    fill(plugin, world);
    Pod pod = dice.pod("p", 0);
    if (!dice.once_in(4)) dice.affinity(pod);
    expect_same_verdicts(plugin, world, pod, naive::affinity_verdict);
    const auto wanted = naive::affinity_scores(world, pod, world.nodes, 1);
    const auto scores = plugin.scores(pod);
    for (const auto& [node, score] : wanted) EXPECT_EQ(scores.empty() ? 0 : scores.at(node).second, score) << node;
  }
}

// A pod more or less on a node, told to the plugin, is as good as a world in which it was so from the beginning.
template <class Naive>
void expect_follows(const char* name, Naive naive_verdict, const std::function<void(Dice&, Pod&)>& rules) {
  for (std::uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    naive::World world = random_world(dice);
    OnePlugin plugin(name);
    fill(plugin, world);
    Pod pod = dice.pod("p", 0);
    rules(dice, pod);
    if (plugin.verdicts(pod).contains("*")) continue;
    const int number = static_cast<int>(world.nodes.size());
    Pod other = dice.pod("more", number);
    other.mutable_metadata()->clear_deletion_timestamp();
    if (dice.once_in(2)) dice.affinity(other);
    const std::string on = other.spec().node_name();
    const std::string got = plugin.verdict_with(pod, other, on, true);
    world.pods.push_back(other);
    const auto node = std::ranges::find_if(world.nodes, [&](const Node& n) { return n.metadata().name() == on; });
    EXPECT_EQ(without_never(got), naive_verdict(world, pod, *node));
  }
}

TEST(AgainstNaive, PodTopologySpreadFollowsPods) {
  expect_follows("PodTopologySpread", naive::spread_verdict, [](Dice& dice, Pod& pod) {
    // A selector that selects everything counts nothing, but, as upstream has it, pods that come and go.
    do {
      pod.mutable_spec()->clear_topology_spread_constraints();
      dice.constraint(pod, "DoNotSchedule");
    } while (naive::selects_everything(pod.spec().topology_spread_constraints(0)));
  });
}

TEST(AgainstNaive, InterPodAffinityFollowsPods) {
  expect_follows("InterPodAffinity", naive::affinity_verdict, [](Dice& dice, Pod& pod) { dice.affinity(pod); });
}

}  // namespace
}  // namespace ph::scheduler::test
