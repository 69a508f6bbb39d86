// Kept results against results made anew: after whatever happens to a cluster they are the same.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/rng.h"
#include "scheduler/config/configuration.h"
#include "scheduler/kept/kept_results.h"
#include "scheduler/plugins/kept_runs.h"
#include "scheduler/why/explain.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;

// A cluster to which random things happen.
class Weather {
 public:
  explicit Weather(std::uint64_t seed, int nodes = 0)
      : rng_(seed), profile_(default_profile(), {.rng = &rng_, .snapshot = &snapshot_}) {
    for (int i = 0; i < nodes; ++i) put_node();
  }

  void happen() {
    switch (rng_.below(10)) {
      case 0: return put_node();
      case 1: return change_node();
      case 2:
        if (nodes_.size() > 2) return remove_node();
        return put_node();
      case 3: return remove_pod();
      case 4: return nominate();
      default: return put_pod();
    }
  }

  // One of few classes of pods.
  Pod pod() {
    MakePod pod = make_pod("new" + std::to_string(++number_)).asks(rng_.below(2) == 0 ? "500m" : "2", "1Gi");
    if (rng_.below(3) == 0) pod = std::move(pod).selects("pool", "a");
    if (rng_.below(3) == 0) pod = std::move(pod).tolerates("t", "Exists", "", "");
    if (rng_.below(4) == 0) pod = std::move(pod).prefers(5, requirement("pool", "In", {"b"}));
    if (rng_.below(4) == 0) pod = std::move(pod).with(container().named("d").host_port(80));
    if (rng_.below(2) == 0) pod = std::move(pod).label("app", "a");
    pod = std::move(pod).priority(static_cast<int>(rng_.below(3)));
    core::v1::Pod out = pod;
    std::optional<core::v1::Affinity> preferred;
    if (out.spec().has_affinity()) preferred = out.spec().affinity();
    auto& affinity = *out.mutable_spec()->mutable_affinity();
    auto& near = *affinity.mutable_pod_affinity();
    auto& away = *affinity.mutable_pod_anti_affinity();
    const char* key = topology();
    switch (rng_.below(12)) {
      case 0: mean_a(*away.add_required_during_scheduling_ignored_during_execution(), key); break;
      case 1: mean_a(*near.add_required_during_scheduling_ignored_during_execution(), key); break;
      case 2: mean_a(weighed(*near.add_preferred_during_scheduling_ignored_during_execution(), 3), key); break;
      case 3: mean_a(weighed(*away.add_preferred_during_scheduling_ignored_during_execution(), 7), key); break;
      default: out.mutable_spec()->clear_affinity(); break;
    }
    while (rng_.below(3) == 0) spread(out, topology());
    if (!out.spec().has_affinity() && preferred) *out.mutable_spec()->mutable_affinity() = *preferred;
    return out;
  }

  // Sometimes one that is expected somewhere, and has not heard of it.
  Pod waiting() { return rng_.below(4) == 0 && expected_ ? *expected_ : pod(); }

  void compare(ClassResults& kept, const Pod& pod) {
    cache_.update(snapshot_);
    const PodRef info = make_pod_info(pod);
    CycleState state(info);
    ASSERT_TRUE(profile_.pre_filter(state, pod, snapshot_.nodes()).verdict.success());
    kept.refresh(profile_, state, pod, snapshot_, cache_.changes(), nominated_);

    // Plugins that remember nothing.
    const Profile forgetful(default_profile(), {.rng = &rng_, .snapshot = &snapshot_});
    CycleState anew(info);
    ASSERT_TRUE(forgetful.pre_filter(anew, pod, snapshot_.nodes()).verdict.success());
    std::map<std::string, std::string> expected, got;
    std::vector<const NodeInfo*> feasible;
    Diagnosis by_hand, explained;
    for (const NodeInfo* node : snapshot_.nodes()) {
      const Verdict verdict = forgetful.filter(anew, pod, *node, nominated_);
      if (verdict.success()) {
        feasible.push_back(node);
      } else {
        expected[node->name()] = std::string(verdict.plugin()) + ": " + verdict.message();
        by_hand.add(verdict);
      }
    }
    for (const Rejection& rejection : kept.rejections(snapshot_)) {
      got[rejection.node->name()] = std::string(rejection.verdict.plugin()) + ": " + rejection.verdict.message();
    }
    kept.explain(explained);
    EXPECT_EQ(got, expected);
    EXPECT_EQ(explained.reasons, by_hand.reasons);
    compare_victims(kept, state, pod);
    EXPECT_EQ(kept.feasible(), feasible.size());
    EXPECT_THAT(kept.feasible_nodes(snapshot_), testing::UnorderedElementsAreArray(feasible));
    // Whoever is asked why says the same.
    const why::Explanation told = why::explain({.profile = profile_, .snapshot = snapshot_, .nominated = nominated_}, pod, info);
    EXPECT_EQ(refusals(told), expected);
    EXPECT_EQ(told.fits.size(), feasible.size());
    if (feasible.size() < 2 || rng_.below(3) == 0) return;  // not every cycle scores
    ASSERT_TRUE(profile_.pre_score(state, pod, feasible).success());
    ASSERT_TRUE(forgetful.pre_score(anew, pod, feasible).success());
    const auto scores = [](const std::vector<NodeScore>& list) {
      std::map<std::string, Score> out;
      for (const NodeScore& one : list) out[one.node->name()] = one.score;
      return out;
    };
    if (rng_.below(2) == 0) {
      return compare_best(kept, state, pod, forgetful.score(anew, pod, kept.feasible_nodes(snapshot_)));
    }
    const auto totals = scores(kept.totals(profile_, state, pod, snapshot_, feasible));
    EXPECT_EQ(totals, scores(forgetful.score(anew, pod, feasible)));
    for (const why::ScoredNode& node : told.scores.front().nodes) EXPECT_EQ(node.total, totals.at(node.node)) << node.node;
    for (const auto& [name, total] : totals) EXPECT_LE(total, totals.at(told.chosen)) << name;
  }

  // What was found of victims on each node, when it is found to be good still, is what would be found now.
  void compare_victims(ClassResults& kept, const CycleState& state, const Pod& pod) {
    KeptRuns& runs = kept.memory().of<KeptRuns>(nullptr);
    const auto stamps = kept.memory().stamps();
    runs.begin(state.pod().priority, {}, stamps.size());
    for (const Rejection& rejection : kept.rejections(snapshot_)) {
      if (rejection.verdict.code() != Code::Unschedulable) continue;
      auto now = std::make_shared<const DryRun>(select_victims(profile_, state, pod, *rejection.node, {}, nominated_));
      if (const auto before = runs.find(*rejection.node, stamps)) {
        ++runs_found_;
        EXPECT_EQ(before->code, now->code) << rejection.node->name();
        EXPECT_EQ(before->reasons, now->reasons) << rejection.node->name();
        EXPECT_EQ(before->victims.pods, now->victims.pods) << rejection.node->name();
      }
      runs.keep(*rejection.node, stamps, std::move(now));
    }
  }
  int runs_found() const { return runs_found_; }

  // The same node as if all sums were made and one of the highest drawn.
  void compare_best(ClassResults& kept, const CycleState& state, const Pod& pod, const std::vector<NodeScore>& scores) {
    std::vector<const NodeInfo*> best;
    for (const NodeScore& one : scores) {
      if (one.score == std::ranges::max(scores, {}, &NodeScore::score).score) best.push_back(one.node);
    }
    const std::uint64_t seed = rng_.below(1'000'000);
    SeededRng expected(seed), given(seed);
    const NodeInfo* drawn = best[best.size() > 1 ? expected.below(best.size()) : 0];
    EXPECT_EQ(kept.best(profile_, state, pod, snapshot_, given), drawn) << best.size() << " are equal";
    EXPECT_EQ(given.below(1'000'000), expected.below(1'000'000)) << "no more is drawn";
  }

  static std::map<std::string, std::string> refusals(const why::Explanation& told) {
    std::map<std::string, std::string> out;
    for (const why::Refused& group : told.refused) {
      const why::PluginVerdict& verdict = group.verdicts.front();
      for (const std::string& node : group.nodes)
        out[node] = fmt::format("{}: {}", verdict.plugin, fmt::join(verdict.reasons, ", "));
    }
    return out;
  }

  const Profile& profile() const { return profile_; }

 private:
  Node node(const std::string& name) {
    MakeNode node = make_node(name).has("cpu", std::to_string(1 + rng_.below(8))).has("pods", std::to_string(1 + rng_.below(5)));
    node = std::move(node).label("kubernetes.io/hostname", name).label("rack", std::to_string(rng_.below(16)));
    if (rng_.below(2) == 0) node = std::move(node).label("pool", rng_.below(2) == 0 ? "a" : "b");
    if (rng_.below(4) == 0) node = std::move(node).taint("t", "", rng_.below(2) == 0 ? "NoSchedule" : "PreferNoSchedule");
    if (rng_.below(8) == 0) node = std::move(node).cordoned();
    if (rng_.below(3) == 0) node = std::move(node).image("img:" + std::to_string(rng_.below(2)), 500'000'000);
    return node;
  }
  std::string any_node() { return nodes_.empty() ? "" : nodes_[rng_.below(nodes_.size())]; }
  const char* topology() {
    const char* keys[] = {"kubernetes.io/hostname", "rack", "pool"};
    return keys[rng_.below(3)];
  }
  // Pods that say they are "a".
  static void mean_a(core::v1::PodAffinityTerm& term, const char* topology_key) {
    term.set_topology_key(topology_key);
    (*term.mutable_label_selector()->mutable_match_labels())["app"] = "a";
  }
  void spread(Pod& pod, const char* topology_key) {
    auto& constraint = *pod.mutable_spec()->add_topology_spread_constraints();
    constraint.set_topology_key(topology_key);
    constraint.set_max_skew(1 + static_cast<int>(rng_.below(3)));
    constraint.set_when_unsatisfiable("ScheduleAnyway");
    if (rng_.below(3) == 0) constraint.set_node_taints_policy("Honor");
    if (rng_.below(3) == 0) constraint.set_node_affinity_policy("Ignore");
    (*constraint.mutable_label_selector()->mutable_match_labels())["app"] = "a";
  }
  static core::v1::PodAffinityTerm& weighed(core::v1::WeightedPodAffinityTerm& term, int weight) {
    term.set_weight(weight);
    return *term.mutable_pod_affinity_term();
  }
  void put_node() {
    nodes_.push_back("n" + std::to_string(++number_));
    cache_.put_node(share_node(node(nodes_.back())));
  }
  void change_node() {
    if (!nodes_.empty()) cache_.put_node(share_node(node(any_node())));
  }
  void remove_node() {
    const std::size_t which = rng_.below(nodes_.size());
    cache_.remove_node(nodes_[which]);
    nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  void put_pod() {
    if (nodes_.empty()) return;
    Pod placed = pod();
    placed.mutable_spec()->set_node_name(any_node());
    if (rng_.below(2) == 0) EXPECT_TRUE(cache_.assume(make_pod_info(placed)));
    if (rng_.below(2) == 0) cache_.put_pod(make_pod_info(placed));
    pods_.push_back(placed.metadata().uid());
  }
  void remove_pod() {
    if (pods_.empty()) return;
    cache_.remove_pod(pods_.front());
    pods_.erase(pods_.begin());
  }
  void nominate() {
    if (nodes_.empty() || (rng_.below(2) == 0 && !nominations_.empty())) {
      if (nominations_.empty()) return;
      nominated_.remove(nominations_.front());
      nominations_.erase(nominations_.begin());
      return;
    }
    expected_ = pod();
    const PodRef info = make_pod_info(*expected_);
    nominations_.push_back(info->uid);
    nominated_.put(info, any_node());
  }

  SeededRng rng_;
  Cache cache_;
  Snapshot snapshot_;
  Profile profile_;
  Nominator nominated_;
  std::vector<std::string> nodes_, pods_;
  std::vector<std::string> nominations_;
  std::optional<Pod> expected_;  // the last one that was nominated
  int number_ = 0, runs_found_ = 0;
};

TEST(KeptResults, AreThoseThatWouldBeMadeAnew) {
  int runs_found = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    // Where there are many domains, one more or less is no change for all.
    Weather weather(seed, seed % 2 == 0 ? 0 : 40);
    std::map<ClassKey, ClassResults> kept;
    for (int step = 0; step < (seed % 2 == 0 ? 200 : 300); ++step) {
      weather.happen();
      if (step % 2 != 0) continue;
      const Pod pod = weather.waiting();
      weather.compare(kept[weather.profile().class_of(pod, *make_pod_info(pod)).key], pod);
      if (testing::Test::HasFailure()) return;
    }
    runs_found += weather.runs_found();
  }
  EXPECT_GT(runs_found, 100);
}

TEST(KeptResults, FromTheSecondPodOfAClassOn) {
  const Snapshot snapshot;
  const Profile profile(default_profile(), {.snapshot = &snapshot});
  KeptResults kept;
  EXPECT_EQ(kept.of(profile, "a"), nullptr);
  ClassResults* of_a = kept.of(profile, "a");
  EXPECT_NE(of_a, nullptr);
  EXPECT_EQ(kept.of(profile, "a"), of_a);
  EXPECT_EQ(kept.of(profile, "b"), nullptr);
  // Not those of everybody.
  for (int i = 0; i < 200; ++i) {
    for (int twice = 0; twice < 2; ++twice) kept.of(profile, "class" + std::to_string(i));
  }
  EXPECT_EQ(kept.of(profile, "class199"), kept.of(profile, "class199"));
  EXPECT_NE(kept.of(profile, "a"), nullptr) << "that it has come up before is remembered longer";
}

TEST(KeptResults, AHeartbeatIsNoChange) {
  Cache cache;
  Node node = make_node("n");
  cache.put_node(share_node(node));
  const std::uint64_t before = cache.changes().end();
  node.mutable_status()->add_conditions()->mutable_last_heartbeat_time()->set_seconds(5);
  cache.put_node(share_node(node));
  EXPECT_EQ(cache.changes().end(), before);
  cache.put_node(share_node(make_node("n").has("cpu", "5")));
  EXPECT_EQ(cache.changes().end(), before + 1);
  // Nor is that the API confirms a pod.
  const Pod pod = make_pod("p").on("n").asks("1", "");
  ASSERT_TRUE(cache.assume(make_pod_info(pod)));
  cache.put_pod(make_pod_info(pod));
  EXPECT_EQ(cache.changes().end(), before + 2);
  EXPECT_EQ(cache.assumed_count(), 0u);
}

}  // namespace
}  // namespace ph::scheduler::test
