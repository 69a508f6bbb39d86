// The plugins about other pods, compared with the obvious loops (naive.h) on random clusters.
#include <gtest/gtest.h>

#include <functional>

#include "base/rng.h"
#include "tests/scheduler/naive.h"
#include "tests/scheduler/one_plugin.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Namespace, core::v1::Node, core::v1::Pod, core::v1::PodAffinityTerm;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : rng_(seed) {}
  bool once_in(std::uint64_t n) { return rng_.below(n) == 0; }
  int upto(int most) { return static_cast<int>(rng_.below(static_cast<std::uint64_t>(most) + 1)); }
  std::string one_of(std::initializer_list<const char*> all) { return *(all.begin() + rng_.below(all.size())); }

  Node node(int number) {
    MakeNode out("n" + std::to_string(number));
    if (!once_in(6)) out = std::move(out).label("zone", one_of({"a", "b", "c"}));
    if (!once_in(6)) out = std::move(out).label("kubernetes.io/hostname", "n" + std::to_string(number));
    if (once_in(2)) out = std::move(out).label("rack", one_of({"a", "b"}));
    if (once_in(5)) out = std::move(out).taint("t", "", one_of({"NoSchedule", "PreferNoSchedule"}));
    return out;
  }

  Pod pod(const std::string& name, int nodes) {
    MakePod out(one_of({"default/", "other/"}) + name);
    for (const char* key : {"app", "tier"}) {
      if (!once_in(4)) out = std::move(out).label(key, one_of({"x", "y"}));
    }
    if (nodes > 0) out = std::move(out).on("n" + std::to_string(upto(nodes - 1)));
    Pod pod = out;
    if (nodes > 0 && once_in(8)) pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
    return pod;
  }

  void selector(meta::v1::LabelSelector& out) {
    if (once_in(6)) return;
    if (once_in(2)) (*out.mutable_match_labels())[one_of({"app", "tier"})] = one_of({"x", "y"});
    if (!once_in(3)) return;
    auto* one = out.add_match_expressions();
    one->set_key(one_of({"app", "tier"}));
    one->set_operator_(one_of({"In", "NotIn", "Exists", "DoesNotExist"}));
    if (one->operator_().ends_with("In")) one->add_values(one_of({"x", "y"}));
  }
  std::string topology() { return one_of({"zone", "kubernetes.io/hostname", "rack"}); }

  PodAffinityTerm term() {
    PodAffinityTerm out;
    out.set_topology_key(topology());
    if (!once_in(8)) selector(*out.mutable_label_selector());
    if (once_in(3)) out.add_namespaces(one_of({"default", "other"}));
    if (once_in(4)) {
      out.mutable_namespace_selector();
      if (once_in(2)) (*out.mutable_namespace_selector()->mutable_match_labels())["team"] = one_of({"default", "other"});
    }
    return out;
  }
  void affinity(Pod& pod) {
    auto& all = *pod.mutable_spec()->mutable_affinity();
    if (once_in(2)) *all.mutable_pod_affinity()->add_required_during_scheduling_ignored_during_execution() = term();
    if (once_in(4)) *all.mutable_pod_affinity()->add_required_during_scheduling_ignored_during_execution() = term();
    if (once_in(2)) *all.mutable_pod_anti_affinity()->add_required_during_scheduling_ignored_during_execution() = term();
    const auto weighted = [&](auto* to) {
      to->set_weight(1 + upto(99));
      *to->mutable_pod_affinity_term() = term();
    };
    if (once_in(2)) weighted(all.mutable_pod_affinity()->add_preferred_during_scheduling_ignored_during_execution());
    if (once_in(2)) weighted(all.mutable_pod_anti_affinity()->add_preferred_during_scheduling_ignored_during_execution());
  }

  void constraint(Pod& pod, const std::string& when) {
    auto& out = *pod.mutable_spec()->add_topology_spread_constraints();
    out.set_max_skew(1 + upto(2));
    out.set_topology_key(topology());
    out.set_when_unsatisfiable(when);
    if (!once_in(8)) selector(*out.mutable_label_selector());
    if (when == "DoNotSchedule" && once_in(3)) out.set_min_domains(1 + upto(3));
    if (once_in(3)) out.set_node_affinity_policy(one_of({"Honor", "Ignore"}));
    if (once_in(3)) out.set_node_taints_policy(one_of({"Honor", "Ignore"}));
    const bool selects = out.has_label_selector() &&
                         !(out.label_selector().match_labels().empty() && out.label_selector().match_expressions().empty());
    if (selects && once_in(4)) out.add_match_label_keys(one_of({"app", "tier"}));
  }

 private:
  SeededRng rng_;
};

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
    for (const auto& [node, score] : naive::spread_scores(world, pod)) EXPECT_EQ(scores.at(node).second, score) << node;
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
    const auto wanted = naive::affinity_scores(world, pod, 1);
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

bool selects_everything(const core::v1::TopologySpreadConstraint& constraint) {
  const auto& selector = constraint.label_selector();
  return constraint.has_label_selector() && selector.match_labels().empty() && selector.match_expressions().empty();
}

TEST(AgainstNaive, PodTopologySpreadFollowsPods) {
  expect_follows("PodTopologySpread", naive::spread_verdict, [](Dice& dice, Pod& pod) {
    // A selector that selects everything counts nothing, but, as upstream has it, pods that come and go.
    do {
      pod.mutable_spec()->clear_topology_spread_constraints();
      dice.constraint(pod, "DoNotSchedule");
    } while (selects_everything(pod.spec().topology_spread_constraints(0)));
  });
}

TEST(AgainstNaive, InterPodAffinityFollowsPods) {
  expect_follows("InterPodAffinity", naive::affinity_verdict, [](Dice& dice, Pod& pod) { dice.affinity(pod); });
}

}  // namespace
}  // namespace ph::scheduler::test
