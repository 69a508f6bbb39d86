// PodTopologySpread: spreads pods evenly over the domains of a topology: must (DoNotSchedule) or should (ScheduleAnyway).
//
//   reads     core/v1 Service, ReplicationController, apps/v1 ReplicaSet, StatefulSet   informers; for default constraints
//   upstream  pkg/scheduler/framework/plugins/podtopologyspread
#include <fmt/format.h>

#include <algorithm>

#include "api/codec.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/plugins/node_counts.h"
#include "scheduler/plugins/pod_topology_spread/constraints.h"
#include "scheduler/plugins/pod_topology_spread/soft_spread.h"
#include "scheduler/plugins/pod_topology_spread/spread_counts.h"

namespace ph::scheduler {
namespace {

using core::v1::Node, core::v1::Taint;

constexpr std::string_view kMust = "DoNotSchedule", kShould = "ScheduleAnyway";
constexpr std::string_view kUneven = "node(s) didn't match pod topology spread constraints";
constexpr std::string_view kNoTopology = "node(s) didn't match pod topology spread constraints (missing required label)";

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
      : defaults_(args, world), soft_(*world.snapshot) {}

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
    state.put(this, std::move(hard), CycleState::Until::Placed);
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
    SpreadConstraints constraints = constraints_of(pod, kShould);
    if (constraints.empty()) return Verdict::skip();
    // The built-in constraints mean to spread over hosts where there are no zones.
    const bool wants_all = !pod.spec().topology_spread_constraints().empty() || !defaults_.are_systems();
    state.put(this, soft_.state(pod, std::move(constraints), wants_all, nodes), CycleState::Until::Placed);
    return Verdict::fits();
  }

  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    return state.get<SoftSpread::State>(this).score(node);
  }
  // The fewer pods there are the better. Nodes that are ignored get nothing.
  Scale scale() const override { return Scale::FewestBest; }

  // -- What may be kept: verdicts of pods without hard constraints, of which there are none, and scores.

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override { return !has_hard_constraints(pod); }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Node}; }
  void changed_domains(Kept what, const CycleState& state, ClassMemory& memory, DomainChanges& out) const override {
    if (what == Kept::Scores) soft_.changed_domains(this, state.get<SoftSpread::State>(this), memory, out);
  }

 private:
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

  DefaultConstraints defaults_;
  mutable RecentCounts recent_;
  mutable SoftSpread soft_;
};

}  // namespace

std::unique_ptr<Plugin> pod_topology_spread(const PluginArgs& args, const PluginWorld& world) {
  return std::make_unique<PodTopologySpread>(args.pod_topology_spread, world);
}

}  // namespace ph::scheduler
