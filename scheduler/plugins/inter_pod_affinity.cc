// InterPodAffinity: near other pods, or away from them: what the pod requires and prefers, and what the pods that are placed do.
//
//   reads     core/v1 Namespace   informer; for namespaceSelectors
//   upstream  pkg/scheduler/framework/plugins/interpodaffinity
#include <fmt/format.h>

#include <algorithm>

#include "scheduler/cluster/domains.h"
#include "scheduler/cluster/pod_affinity.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/class_key.h"
#include "scheduler/framework/objects.h"
#include "scheduler/plugins/need_words.h"
#include "scheduler/plugins/node_counts.h"

namespace ph::scheduler {
namespace {

using core::v1::Namespace, core::v1::Node;

constexpr std::string_view kNotNear = "node(s) didn't match pod affinity rules";
constexpr std::string_view kNotAway = "node(s) didn't match pod anti-affinity rules";
constexpr std::size_t kRepellersMost = 8;  // that are named
constexpr std::string_view kRepelled = "node(s) didn't satisfy existing pods anti-affinity rules";

using Terms = std::vector<AffinityTerm>;
using WeightedTerms = std::vector<WeightedTerm>;

// The terms of the pod that is placed name all namespaces they mean: those of pods that are compared need not be looked up then.
// What is not resolved is met by pods of the namespaces it names, and of all where its selector takes one without labels.
constexpr LabelSpan kResolved;

bool matches_all(const Terms& terms, const PodInfo& pod) {
  return !terms.empty() && std::ranges::all_of(terms, [&](const AffinityTerm& term) { return term.matches(pod, kResolved); });
}

// In each domain, by how many pods each rule is met or broken there.
struct Required {
  struct Fixed {
    Terms near, away;      // the pod's own
    Labels its_namespace;  // labels of the pod's namespace
    bool matches_itself = false;
  };
  std::shared_ptr<const Fixed> fixed;
  DomainCounts near, away;  // pods that meet all of `near`, that meet any of `away`
  DomainCounts repelled;    // terms of placed pods that want the pod away

  void add_repelled(const PodInfo& placed, const PodInfo& pod, const NodeInfo& node, int by) {
    if (!placed.affinity) return;
    for (const AffinityTerm& term : placed.affinity->required_anti) {
      const Interned* domain = node.label(term.topology_key);
      if (domain && term.matches(pod, fixed->its_namespace)) repelled.add(term.topology_key, *domain, by);
    }
  }
  void add_own(const PodInfo& placed, const NodeInfo& node, int by) {
    if (matches_all(fixed->near, placed)) {
      for (const AffinityTerm& term : fixed->near) add(near, term, node, by);
    }
    for (const AffinityTerm& term : fixed->away) {
      if (term.matches(placed, kResolved)) add(away, term, node, by);
    }
  }
  static void add(DomainCounts& counts, const AffinityTerm& term, const NodeInfo& node, std::int64_t by) {
    const Interned* domain = by == 0 ? nullptr : node.label(term.topology_key);
    if (domain) counts.add(term.topology_key, *domain, by);
  }
};

// In each domain, the weights of what speaks for it and against it.
struct Preferred {
  WeightedTerms near, away;
  Labels its_namespace;
  DomainCounts weights;
  std::vector<Interned> topology_keys;  // of `weights`

  // `times` pods speak for the node's domain of the term, each with this weight.
  void add(const AffinityTerm& term, const NodeInfo& node, std::int64_t weight, std::int64_t times = 1) {
    const Interned* domain = node.label(term.topology_key);
    if (!domain) return;
    weights.add(term.topology_key, *domain, weight * times);
    if (std::ranges::find(topology_keys, term.topology_key) == topology_keys.end()) topology_keys.push_back(term.topology_key);
  }
  void add(const AffinityTerm& term, const PodInfo& pod, const NodeInfo& node, std::int64_t weight) {
    if (term.matches(pod, its_namespace)) add(term, node, weight);
  }
  void add(const WeightedTerms& terms, const PodInfo& pod, const NodeInfo& node, int sign) {
    for (const WeightedTerm& one : terms) add(one.term, pod, node, std::int64_t{sign} * one.weight);
  }
};

class InterPodAffinity final : public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  InterPodAffinity(const InterPodAffinityArgs& args, const PluginWorld& world)
      : args_(args), snapshot_(*world.snapshot), namespaces_(lister_of<Namespace>(world)) {}

  // -- Waking up

  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    return {NodeAdded, NodeLabelsChanged, AssignedPodAdded, AssignedPodDeleted, AssignedPodLabelsChanged, PodLabelsChanged};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    if (change.waiting_after) {
      // Its own labels are what placed pods go by. Other waiting pods are nowhere.
      const bool own = change.waiting_after->metadata().uid() == waiting.metadata().uid();
      return own ? QueueingHint::Queue : QueueingHint::Skip;
    }
    // Here upstream looks up no namespaces, other than where it filters: a pod of one that only a namespaceSelector names wakes nobody
    // (kubernetes/kubernetes#141953).
    const auto affinity = pod_affinity(waiting);
    static const PodAffinity* none = new PodAffinity;
    const Terms &near = (affinity ? *affinity : *none).required, &away = (affinity ? *affinity : *none).required_anti;
    const bool helps =
        change.node_after ? node_helps(change, near, away) : pod_helps(change, near, away) || no_more_repelled(change, waiting);
    return helps ? QueueingHint::Queue : QueueingHint::Skip;
  }

  // -- Filtering

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    const PodInfo& info = state.pod();
    auto fixed = std::make_shared<Required::Fixed>();
    if (info.affinity) {
      if (!info.affinity->error.empty()) {
        return {Verdict::owning(Code::UnschedulableAndUnresolvable, "parsing pod: " + info.affinity->error), {}};
      }
      fixed->near = resolved(info.affinity->required);
      fixed->away = resolved(info.affinity->required_anti);
      fixed->matches_itself = matches_all(fixed->near, info);
    }
    fixed->its_namespace = labels_of_namespace(pod.metadata().namespace_());
    const bool has_rules = !fixed->near.empty() || !fixed->away.empty();
    Required required{std::move(fixed), {}, {}, {}};
    for (const NodeInfo* node : snapshot_.repelling()) {
      for (const PodRef& placed : node->repelling()) required.add_repelled(*placed, info, *node, 1);
    }
    if (required.repelled.all_zero() && !has_rules) return {Verdict::skip(), {}};
    count_own(required, nodes);
    state.put(this, std::move(required));
    return {};
  }

  Verdict add_pod(CycleState& state, const Pod& pod, const PodInfo& added, const NodeInfo& node) const override {
    return change(state, added, node, 1);
  }
  Verdict remove_pod(CycleState& state, const Pod& pod, const PodInfo& removed, const NodeInfo& node) const override {
    return change(state, removed, node, -1);
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const auto& required = state.get<Required>(this);
    if (!is_near(required, node)) return Verdict::unresolvable(kNotNear);
    if (!is_away(required, node)) return Verdict::unschedulable(kNotAway);
    if (is_repelled(required, node)) return Verdict::unschedulable(kRepelled);
    return Verdict::fits();
  }

  std::vector<Need> needs(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const auto& required = state.get<Required>(this);
    const auto& affinity = pod.spec().affinity();
    std::vector<Need> out;
    if (!is_near(required, node)) {
      lacking_near(required, affinity.pod_affinity().required_during_scheduling_ignored_during_execution(), node, out);
    }
    const auto& anti = affinity.pod_anti_affinity().required_during_scheduling_ignored_during_execution();
    for (std::size_t i = 0; i < required.fixed->away.size(); ++i) {
      const AffinityTerm& term = required.fixed->away[i];
      const Interned* domain = node.label(term.topology_key);
      const std::int64_t there = domain ? required.away.of(term.topology_key, *domain) : 0;
      if (there > 0) out.push_back({fmt::format("no pods ({}) in {}", meant(anti, i), domain_text(term, *domain))});
    }
    if (is_repelled(required, node)) add_repellers(required, state.pod(), node, out);
    return out;
  }

  // -- What may be kept: what placed pods say of pods that have no affinity themselves

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    if (info.affinity) return false;
    add_text(key, info.namespace_name.view());
    for (const Labels& labels : {labels_of_namespace(pod.metadata().namespace_()), info.labels}) {
      add_number(key, static_cast<std::int64_t>(labels.size()));
      for (const auto& [name, value] : labels) {
        add_text(key, name.view());
        add_text(key, value.view());
      }
    }
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    const auto has_say = [](const PodInfo* other) { return other && other->affinity; };
    if (has_say(change.pod_added) || has_say(change.pod_removed)) return {Outdated::All};
    if (!change.node_before && !change.node_after) return {Outdated::Nothing};
    // With a node, pods in its domains may have come, gone or moved.
    const bool same = change.node_before && change.node_after && are_same_labels(*change.node_before, *change.node_after);
    return {same ? Outdated::Nothing : Outdated::All};
  }

  // -- Scoring

  Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    const PodInfo& info = state.pod();
    Preferred preferred;
    if (info.affinity) {
      preferred.near = resolved(info.affinity->preferred);
      preferred.away = resolved(info.affinity->preferred_anti);
    }
    const bool has_preferences = !preferred.near.empty() || !preferred.away.empty();
    if (args_.ignore_preferred_terms_of_existing_pods && !has_preferences) return Verdict::skip();
    preferred.its_namespace = labels_of_namespace(pod.metadata().namespace_());
    weigh_own(preferred, preferred.near, 1);
    weigh_own(preferred, preferred.away, -1);
    for (const NodeInfo* node : snapshot_.with_affinity()) {
      for (const PodRef& placed : node->with_affinity()) weigh(preferred, info, *placed->affinity, *node);
    }
    if (preferred.topology_keys.empty()) return Verdict::skip();
    state.put(this, std::move(preferred));
    return Verdict::fits();
  }

  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const auto& preferred = state.get<Preferred>(this);
    Score sum = 0;
    for (const Interned& key : preferred.topology_keys) {
      if (const Interned* domain = node.label(key)) sum += preferred.weights.of(key, *domain);
    }
    return sum;
  }

  Scale scale() const override { return Scale::ByRange; }

 private:
  static bool are_same_labels(const Node& a, const Node& b) {
    return interned_labels(a.metadata().labels()) == interned_labels(b.metadata().labels());
  }

  // -- Namespaces

  // As if the term named all namespaces that its selector selects now. One that selects all of them stays as it is.
  AffinityTerm resolved(const AffinityTerm& term) const {
    AffinityTerm out = term;
    if (term.namespace_labels.is_everything() || term.namespace_labels.is_nothing()) return out;
    for (const auto& one : namespaces_.list()) {
      if (term.namespace_labels.matches(interned_labels(one->metadata().labels()))) {
        out.namespaces.emplace_back(one->metadata().name());
      }
    }
    out.namespace_labels = LabelMatcher::nothing();
    return out;
  }
  Terms resolved(const Terms& terms) const {
    Terms out;
    for (const AffinityTerm& term : terms) out.push_back(resolved(term));
    return out;
  }
  WeightedTerms resolved(const WeightedTerms& terms) const {
    WeightedTerms out;
    for (const WeightedTerm& one : terms) out.push_back({resolved(one.term), one.weight});
    return out;
  }
  // None for a namespace that is not known.
  Labels labels_of_namespace(const std::string& name) const {
    const auto found = namespaces_.find(name);
    return found ? interned_labels(found->metadata().labels()) : Labels();
  }

  // -- Rules

  static std::string claim_of(std::span<const AffinityTerm> terms) {
    std::string out;
    for (const AffinityTerm& term : terms) term.describe(out);
    return out;
  }

  void count_own(Required& required, std::span<const NodeInfo* const> nodes) const {
    const auto& [near, away, its_namespace, matches_itself] = *required.fixed;
    if (!near.empty()) {
      NodeCounts& known = recent_.of(claim_of(near));
      for (const NodeInfo* node : nodes) {
        const std::int64_t pods = known.of(*node, [&](const PodInfo& placed) { return matches_all(near, placed); });
        for (const AffinityTerm& term : near) Required::add(required.near, term, *node, pods);
      }
    }
    for (const AffinityTerm& term : away) {
      NodeCounts& known = recent_.of(claim_of({&term, 1}));
      for (const NodeInfo* node : nodes) {
        const std::int64_t pods = known.of(*node, [&](const PodInfo& placed) { return term.matches(placed, kResolved); });
        Required::add(required.away, term, *node, pods);
      }
    }
  }

  Verdict change(CycleState& state, const PodInfo& other, const NodeInfo& node, int by) const {
    auto& required = state.edit<Required>(this);
    required.add_repelled(other, state.pod(), node, by);
    required.add_own(other, node, by);
    return Verdict::fits();
  }

  static bool is_near(const Required& required, const NodeInfo& node) {
    bool met = true;
    for (const AffinityTerm& term : required.fixed->near) {
      const Interned* domain = node.label(term.topology_key);
      if (!domain) return false;
      if (required.near.of(term.topology_key, *domain) <= 0) met = false;
    }
    // The first of pods that want to be near each other must be let in somewhere.
    return met || (required.near.all_zero() && required.fixed->matches_itself);
  }

  static bool is_away(const Required& required, const NodeInfo& node) {
    if (required.away.all_zero()) return true;
    return std::ranges::none_of(required.fixed->away, [&](const AffinityTerm& term) {
      const Interned* domain = node.label(term.topology_key);
      return domain && required.away.of(term.topology_key, *domain) > 0;
    });
  }

  static bool is_repelled(const Required& required, const NodeInfo& node) {
    if (required.repelled.all_zero()) return false;
    return std::ranges::any_of(node.labels(),
                               [&](const Label& label) { return required.repelled.of(label.first, label.second) > 0; });
  }

  // -- What would have to change

  static std::string domain_text(const AffinityTerm& term, const Interned& domain) {
    return fmt::format("{}={}", term.topology_key.view(), domain.view());
  }
  // The pods that a term of the pod's own means; the parsed terms stand in its order.
  template <class Own>
  static std::string meant(const Own& terms, std::size_t number) {
    const auto i = static_cast<int>(number);
    return i < terms.size() ? selector_text(terms[i].label_selector()) : std::string("some");
  }

  template <class Own>
  static void lacking_near(const Required& required, const Own& terms, const NodeInfo& node, std::vector<Need>& out) {
    for (std::size_t i = 0; i < required.fixed->near.size(); ++i) {
      const AffinityTerm& term = required.fixed->near[i];
      const Interned* domain = node.label(term.topology_key);
      if (!domain) {
        out.push_back({fmt::format("the label {}, within which the pod is to be near others", term.topology_key.view())});
      } else if (required.near.of(term.topology_key, *domain) <= 0) {
        out.push_back({fmt::format("a pod ({}) in {}", meant(terms, i), domain_text(term, *domain))});
      }
    }
  }

  // The placed pods that want the pod away from this node.
  void add_repellers(const Required& required, const PodInfo& pod, const NodeInfo& node, std::vector<Need>& out) const {
    for (const NodeInfo* other : snapshot_.repelling()) {
      for (const PodRef& placed : other->repelling()) {
        for (const AffinityTerm& term : placed->affinity->required_anti) {
          const Interned *here = node.label(term.topology_key), *there = other->label(term.topology_key);
          if (!here || !there || *here != *there || !term.matches(pod, required.fixed->its_namespace)) continue;
          out.push_back({fmt::format("{} gone from {}: its anti-affinity keeps the pod away", placed->key().text(),
                                     domain_text(term, *here))});
          if (out.size() >= kRepellersMost) return;
        }
      }
    }
  }

  // -- Preferences

  void weigh_own(Preferred& preferred, const WeightedTerms& terms, int sign) const {
    for (const WeightedTerm& one : terms) {
      NodeCounts& known = recent_.of(claim_of({&one.term, 1}));
      for (const NodeInfo* node : snapshot_.nodes()) {
        const std::int64_t pods = known.of(*node, [&](const PodInfo& placed) { return one.term.matches(placed, kResolved); });
        if (pods > 0) preferred.add(one.term, *node, std::int64_t{sign} * one.weight, pods);
      }
    }
  }

  // What a placed pod says of the one that is to be placed.
  void weigh(Preferred& preferred, const PodInfo& pod, const PodAffinity& placed, const NodeInfo& node) const {
    if (args_.hard_pod_affinity_weight > 0) {
      for (const AffinityTerm& term : placed.required) preferred.add(term, pod, node, args_.hard_pod_affinity_weight);
    }
    preferred.add(placed.preferred, pod, node, 1);
    preferred.add(placed.preferred_anti, pod, node, -1);
  }

  // -- Hints

  static bool pod_helps(const ClusterChange& change, const Terms& near, const Terms& away) {
    const PodInfo *before = change.pod_before.get(), *after = change.pod_after.get();
    if (before && after) {
      if (!matches_all(near, *before) && matches_all(near, *after)) return true;
      return matches_all(away, *before) && !matches_all(away, *after);
    }
    return after ? matches_all(near, *after) : matches_all(away, *before);
  }

  // A pod has gone that would have none like this one beside it.
  bool no_more_repelled(const ClusterChange& change, const Pod& waiting) const {
    if (!change.pod_before || change.pod_after || !change.pod_before->affinity) return false;
    const PodRef info = make_pod_info(waiting);
    const Labels its_namespace = labels_of_namespace(waiting.metadata().namespace_());
    return std::ranges::any_of(change.pod_before->affinity->required_anti,
                               [&](const AffinityTerm& term) { return term.matches(*info, its_namespace); });
  }

  static bool node_helps(const ClusterChange& change, const Terms& near, const Terms& away) {
    const auto domain = [](const NodeRef& node, const AffinityTerm& term) -> const std::string* {
      if (!node) return nullptr;
      const auto& labels = node->metadata().labels();
      const auto found = labels.find(std::string(term.topology_key.view()));
      return found == labels.end() ? nullptr : &found->second;
    };
    for (const AffinityTerm& term : near) {
      const auto *was = domain(change.node_before, term), *is = domain(change.node_after, term);
      if (is && (!was || *was != *is)) return true;
    }
    for (const AffinityTerm& term : away) {
      if (!change.node_before) return true;
      const auto *was = domain(change.node_before, term), *is = domain(change.node_after, term);
      if (was && (!is || *was != *is)) return true;
    }
    return false;
  }

  InterPodAffinityArgs args_;
  const Snapshot& snapshot_;
  Lister<Namespace> namespaces_;
  mutable RecentCounts recent_;
};

}  // namespace

std::unique_ptr<Plugin> inter_pod_affinity(const PluginArgs& args, const PluginWorld& world) {
  return std::make_unique<InterPodAffinity>(args.inter_pod_affinity, world);
}

}  // namespace ph::scheduler
