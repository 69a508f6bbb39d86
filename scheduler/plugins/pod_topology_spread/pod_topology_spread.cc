// PodTopologySpread: spreads pods evenly over the domains of a topology: must (DoNotSchedule) or should (ScheduleAnyway).
//
//   reads     core/v1 Service, ReplicationController, apps/v1 ReplicaSet, StatefulSet   informers; for default constraints
//   upstream  pkg/scheduler/framework/plugins/podtopologyspread
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "api/codec.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/plugins/node_counts.h"
#include "scheduler/plugins/pod_topology_spread/constraints.h"
#include "scheduler/plugins/pod_topology_spread/spread_counts.h"

namespace ph::scheduler {
namespace {

using core::v1::Node, core::v1::Taint;

constexpr std::string_view kMust = "DoNotSchedule", kShould = "ScheduleAnyway";
constexpr std::string_view kUneven = "node(s) didn't match pod topology spread constraints";
constexpr std::string_view kNoTopology = "node(s) didn't match pod topology spread constraints (missing required label)";

const Interned& hostname_key() {
  static const Interned* key = new Interned("kubernetes.io/hostname");
  return *key;
}

// What pre_filter found out. The counts run beside the constraints.
struct HardState {
  struct Fixed {
    SpreadConstraints constraints;
    std::vector<bool> selects_itself;
    NodeInclusion inclusion;
  };
  std::shared_ptr<const Fixed> fixed;
  std::vector<SpreadCounts> counts;
};

struct SoftState {
  SpreadConstraints constraints;
  bool wants_all_topologies = true;  // nodes without one of them score nothing
  std::vector<DomainCounts> counts;  // of those whose domain is not the node itself
  std::vector<double> weights;       // domains that are fewer count less

  bool ignores(const NodeInfo& node) const { return wants_all_topologies && !has_all_topologies(node, constraints); }
};

bool are_same(const google::protobuf::RepeatedPtrField<Taint>& a, const google::protobuf::RepeatedPtrField<Taint>& b) {
  return std::ranges::equal(a, b, [](const Taint& x, const Taint& y) {
    return x.key() == y.key() && x.value() == y.value() && x.effect() == y.effect();
  });
}

bool differ_in_topology(const Node& a, const Node& b, std::span<const SpreadConstraint> constraints) {
  return std::ranges::any_of(constraints, [&](const SpreadConstraint& one) {
    const std::string key(one.topology_key.view());
    const auto in_a = a.metadata().labels().find(key), in_b = b.metadata().labels().find(key);
    const bool has_a = in_a != a.metadata().labels().end(), has_b = in_b != b.metadata().labels().end();
    return has_a != has_b || (has_a && in_a->second != in_b->second);
  });
}

class PodTopologySpread final : public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  PodTopologySpread(const PodTopologySpreadArgs& args, const PluginWorld& world)
      : snapshot_(*world.snapshot), defaults_(args, world) {}

  // -- Waking up

  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    return {NodeAdded,        NodeDeleted,          NodeLabelsChanged,        NodeTaintsChanged,
            AssignedPodAdded, AssignedPodDeleted,   AssignedPodLabelsChanged, AssignedPodTolerationsChanged,
            PodLabelsChanged, PodTolerationsChanged};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    SpreadConstraints constraints;
    try {
      constraints = constraints_of(waiting, kMust);
    } catch (const api::DecodeError&) {
      return QueueingHint::Queue;
    }
    const bool helps = change.node_before || change.node_after ? node_helps(change, constraints)
                       : change.waiting_after                  ? waiting_helps(change, waiting, constraints)
                                                               : pod_helps(change, waiting, constraints);
    return helps ? QueueingHint::Queue : QueueingHint::Skip;
  }

  // -- Filtering

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    SpreadConstraints constraints;
    try {
      constraints = constraints_of(pod, kMust);
    } catch (const api::DecodeError& error) {
      return {Verdict::error(std::string("obtaining pod's hard topology spread constraints: ") + error.what()), {}};
    }
    if (constraints.empty()) return {Verdict::skip(), {}};
    std::vector<bool> selects_itself;
    for (const SpreadConstraint& one : constraints) selects_itself.push_back(one.pods.matches(state.pod().labels));
    HardState hard{std::make_shared<HardState::Fixed>(std::move(constraints), std::move(selects_itself), NodeInclusion(pod)), {}};
    count(hard, state.pod().namespace_name, nodes);
    state.put(this, std::move(hard));
    return {};
  }

  Verdict add_pod(CycleState& state, const Pod& pod, const PodInfo& added, const NodeInfo& node) const override {
    return change(state, added, node, 1);
  }
  Verdict remove_pod(CycleState& state, const Pod& pod, const PodInfo& removed, const NodeInfo& node) const override {
    return change(state, removed, node, -1);
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const auto& hard = state.get<HardState>(this);
    const SpreadConstraints& constraints = hard.fixed->constraints;
    for (std::size_t i = 0; i < constraints.size(); ++i) {
      const SpreadConstraint& one = constraints[i];
      const Interned* domain = node.label(one.topology_key);
      if (!domain) return Verdict::unresolvable(kNoTopology);
      const SpreadCounts& counts = hard.counts[i];
      // Domains that should be there and are not are empty ones.
      const std::int64_t least = counts.domains() < static_cast<std::uint32_t>(one.min_domains) ? 0 : counts.least();
      const std::int64_t with_pod = counts.of(one.topology_key, *domain) + (hard.fixed->selects_itself[i] ? 1 : 0);
      if (with_pod - least > one.max_skew) return Verdict::unschedulable(kUneven);
    }
    return Verdict::fits();
  }

  std::vector<Need> needs(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const auto& hard = state.get<HardState>(this);
    std::vector<Need> out;
    for (std::size_t i = 0; i < hard.fixed->constraints.size(); ++i) {
      const SpreadConstraint& one = hard.fixed->constraints[i];
      const Interned* domain = node.label(one.topology_key);
      if (!domain) {
        out.push_back({fmt::format("the label {}, over which the pod is to be spread", one.topology_key.view())});
        continue;
      }
      const SpreadCounts& counts = hard.counts[i];
      const bool few = counts.domains() < static_cast<std::uint32_t>(one.min_domains);
      const std::int64_t least = few ? 0 : counts.least(), there = counts.of(one.topology_key, *domain);
      const std::int64_t too_many = there + (hard.fixed->selects_itself[i] ? 1 : 0) - least - one.max_skew;
      if (too_many <= 0) continue;
      out.push_back({fmt::format(
          "{} pod(s) fewer in {}={}, or more elsewhere: {} are there, {} in the emptiest domain{}, and "
          "maxSkew is {}",
          too_many, one.topology_key.view(), domain->view(), there, least,
          few ? fmt::format(" (there are {} of {} domains)", counts.domains(), one.min_domains) : "", one.max_skew)});
    }
    return out;
  }

  // -- Scoring

  Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    SoftState soft;
    soft.constraints = constraints_of(pod, kShould);
    if (soft.constraints.empty()) return Verdict::skip();
    // The built-in constraints mean to spread over hosts where there are no zones.
    soft.wants_all_topologies = !pod.spec().topology_spread_constraints().empty() || !defaults_.are_systems();
    find_domains(soft, nodes);
    count(soft, state.pod().namespace_name, NodeInclusion(pod));
    state.put(this, std::move(soft));
    return Verdict::fits();
  }

  // What a node is worth goes by how many nodes are left, and so is told by `normalize_own`; this much is the same whoever asks.
  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override { return 0; }

  Scale scale() const override { return Scale::Own; }
  // The fewer pods there are the better. Nodes that are ignored get nothing.
  void normalize_own(const CycleState& state, const Pod& pod, std::span<NodeScore> scores) const override {
    const auto& soft = state.get<SoftState>(this);
    weigh(soft, state.pod().namespace_name, scores);
    Score least = INT64_MAX, most = 0;
    for (const NodeScore& node : scores) {
      if (node.score == kIgnored) continue;
      least = std::min(least, node.score);
      most = std::max(most, node.score);
    }
    for (NodeScore& node : scores) {
      if (node.score == kIgnored) {
        node.score = 0;
      } else {
        node.score = most == 0 ? kMaxNodeScore : kMaxNodeScore * (most + least - node.score) / most;
      }
    }
  }

  // -- What may be kept: verdicts of pods without hard constraints, of which there are none.

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override { return !has_hard_constraints(pod); }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

 private:
  static constexpr Score kIgnored = -1;

  SpreadConstraints constraints_of(const Pod& pod, std::string_view when) const {
    return pod.spec().topology_spread_constraints().empty() ? defaults_.of(pod, when) : own_constraints(pod, when);
  }

  bool has_hard_constraints(const Pod& pod) const {
    const auto& own = pod.spec().topology_spread_constraints();
    if (own.empty()) return defaults_.has(kMust);
    return std::ranges::any_of(own, [](const auto& constraint) { return constraint.when_unsatisfiable() == kMust; });
  }

  std::int64_t pods_on(const NodeInfo& node, const SpreadConstraint& constraint, NodeCounts& counts,
                       const Interned& namespace_name) const {
    return counts.of(node, [&](const PodInfo& pod) { return constraint.counts(pod, namespace_name); });
  }

  void count(HardState& state, const Interned& namespace_name, std::span<const NodeInfo* const> nodes) const {
    const auto& [constraints, selects_itself, inclusion] = *state.fixed;
    state.counts.resize(constraints.size());
    for (std::size_t i = 0; i < constraints.size(); ++i) {
      const SpreadConstraint& one = constraints[i];
      NodeCounts& known = recent_.of(one.claim(namespace_name));
      for (const NodeInfo* node : nodes) {
        if (!has_all_topologies(*node, constraints) || !inclusion.includes(one, node->node())) continue;
        state.counts[i].add(one.topology_key, *node->label(one.topology_key), pods_on(*node, one, known, namespace_name));
      }
      state.counts[i].settle();
    }
  }

  Verdict change(CycleState& state, const PodInfo& other, const NodeInfo& node, int by) const {
    const auto& [constraints, selects_itself, inclusion] = *state.get<HardState>(this).fixed;
    if (other.namespace_name != state.pod().namespace_name || !has_all_topologies(node, constraints)) return Verdict::fits();
    for (std::size_t i = 0; i < constraints.size(); ++i) {
      const SpreadConstraint& one = constraints[i];
      if (!one.pods.matches(other.labels) || !inclusion.includes(one, node.node())) continue;
      state.edit<HardState>(this).counts[i].change(one.topology_key, *node.label(one.topology_key), by);
    }
    return Verdict::fits();
  }

  // The domains of the nodes that are left count; how many they are says how much a pod in one of them weighs.
  static void find_domains(SoftState& soft, std::span<const NodeInfo* const> nodes) {
    soft.counts.resize(soft.constraints.size());
    std::vector<std::size_t> sizes(soft.constraints.size());
    std::size_t nodes_that_count = 0;
    for (const NodeInfo* node : nodes) {
      if (soft.ignores(*node)) continue;
      ++nodes_that_count;
      for (std::size_t i = 0; i < soft.constraints.size(); ++i) {
        const SpreadConstraint& one = soft.constraints[i];
        if (one.topology_key == hostname_key()) continue;
        soft.counts[i].add(one.topology_key, domain_of(*node, one), 0);
      }
    }
    for (std::size_t i = 0; i < soft.constraints.size(); ++i) {
      const bool hosts = soft.constraints[i].topology_key == hostname_key();
      soft.weights.push_back(std::log(static_cast<double>((hosts ? nodes_that_count : soft.counts[i].domains()) + 2)));
    }
  }

  void count(SoftState& soft, const Interned& namespace_name, const NodeInclusion& inclusion) const {
    for (std::size_t i = 0; i < soft.constraints.size(); ++i) {
      const SpreadConstraint& one = soft.constraints[i];
      if (one.topology_key == hostname_key()) continue;  // hosts count for themselves, when they are weighed
      NodeCounts& known = recent_.of(one.claim(namespace_name));
      for (const NodeInfo* node : snapshot_.nodes()) {
        const Interned& domain = domain_of(*node, one);
        if (!soft.counts[i].has(one.topology_key, domain)) continue;
        if (soft.ignores(*node) || !inclusion.includes(one, node->node())) continue;
        soft.counts[i].add(one.topology_key, domain, pods_on(*node, one, known, namespace_name));
      }
    }
  }

  // The pods that count in each node's domains, by how much they weigh there; kIgnored where they do not.
  void weigh(const SoftState& soft, const Interned& namespace_name, std::span<NodeScore> scores) const {
    std::vector<double> sums(scores.size());
    for (std::size_t i = 0; i < soft.constraints.size(); ++i) {
      const SpreadConstraint& one = soft.constraints[i];
      const bool hosts = one.topology_key == hostname_key();
      NodeCounts& known = recent_.of(one.claim(namespace_name));
      for (std::size_t n = 0; n < scores.size(); ++n) {
        const NodeInfo& node = *scores[n].node;
        const Interned* domain = node.label(one.topology_key);
        if (!domain) continue;
        const std::int64_t pods =
            hosts ? pods_on(node, one, known, namespace_name) : soft.counts[i].of(one.topology_key, *domain);
        sums[n] += static_cast<double>(pods) * soft.weights[i] + static_cast<double>(one.max_skew - 1);
      }
    }
    for (std::size_t n = 0; n < scores.size(); ++n) {
      scores[n].score = soft.ignores(*scores[n].node) ? kIgnored : static_cast<Score>(std::round(sums[n]));
    }
  }

  // As upstream: nodes without the label make a domain of their own.
  static const Interned& domain_of(const NodeInfo& node, const SpreadConstraint& constraint) {
    static const Interned* none = new Interned;
    const Interned* domain = node.label(constraint.topology_key);
    return domain ? *domain : *none;
  }

  // -- Hints

  static bool is_selected(const Labels& labels, std::span<const SpreadConstraint> constraints) {
    return std::ranges::any_of(constraints, [&](const SpreadConstraint& one) { return one.pods.matches(labels); });
  }
  static bool selects_other(const Labels& before, const Labels& after, std::span<const SpreadConstraint> constraints) {
    return std::ranges::any_of(constraints,
                               [&](const SpreadConstraint& one) { return one.pods.matches(before) != one.pods.matches(after); });
  }

  static bool pod_helps(const ClusterChange& change, const Pod& waiting, std::span<const SpreadConstraint> constraints) {
    const PodInfo *before = change.pod_before.get(), *after = change.pod_after.get();
    const PodInfo& either = after ? *after : *before;
    if (either.namespace_name != waiting.metadata().namespace_()) return false;
    if (before && after) return selects_other(before->labels, after->labels, constraints);
    return is_selected(either.labels, constraints);
  }

  static bool waiting_helps(const ClusterChange& change, const Pod& waiting, std::span<const SpreadConstraint> constraints) {
    const Pod& after = *change.waiting_after;
    if (after.metadata().namespace_() != waiting.metadata().namespace_() || !change.waiting_before) return false;
    const bool own = after.metadata().uid() == waiting.metadata().uid();
    const bool taints_matter = std::ranges::any_of(constraints, &SpreadConstraint::honors_taints);
    if (own && taints_matter && change.event == ClusterEvent::PodTolerationsChanged) return true;
    return selects_other(interned_labels(change.waiting_before->metadata().labels()), interned_labels(after.metadata().labels()),
                         constraints);
  }

  static bool node_helps(const ClusterChange& change, std::span<const SpreadConstraint> constraints) {
    const Node *before = change.node_before.get(), *after = change.node_after.get();
    const bool counted = before && has_all_topologies(*before, constraints);
    const bool counts = after && has_all_topologies(*after, constraints);
    if (!before || !after) return counted || counts;
    if (counted != counts) return true;
    return counts &&
           (differ_in_topology(*before, *after, constraints) || !are_same(before->spec().taints(), after->spec().taints()));
  }

  const Snapshot& snapshot_;
  DefaultConstraints defaults_;
  mutable RecentCounts recent_;
};

}  // namespace

std::unique_ptr<Plugin> pod_topology_spread(const PluginArgs& args, const PluginWorld& world) {
  return std::make_unique<PodTopologySpread>(args.pod_topology_spread, world);
}

}  // namespace ph::scheduler
