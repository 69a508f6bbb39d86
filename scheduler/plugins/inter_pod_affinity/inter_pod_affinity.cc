// InterPodAffinity: near other pods, or away from them: what the pod requires and prefers, and what the pods that are placed do.
//
//   reads     core/v1 Namespace   informer; for namespaceSelectors
//   upstream  pkg/scheduler/framework/plugins/interpodaffinity
#include <fmt/format.h>

#include <algorithm>

#include "scheduler/cluster/pod_affinity.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/class_key.h"
#include "scheduler/framework/objects.h"
#include "scheduler/plugins/inter_pod_affinity/own_terms.h"
#include "scheduler/plugins/kept_domains.h"
#include "scheduler/plugins/need_words.h"

namespace ph::scheduler {
namespace {

using core::v1::Namespace, core::v1::Node;

constexpr std::string_view kNotNear = "node(s) didn't match pod affinity rules";
constexpr std::string_view kNotAway = "node(s) didn't match pod anti-affinity rules";
constexpr std::size_t kRepellersMost = 8;  // that are named
constexpr std::string_view kRepelled = "node(s) didn't satisfy existing pods anti-affinity rules";

// The pod, and what it asks of others.
struct Asking {
  std::shared_ptr<const OwnTerms> terms;
  Labels its_namespace;  // labels of the pod's namespace
  bool matches_itself = false;
};

// In each domain, by how many pods each rule is met or broken there.
struct Required {
  std::shared_ptr<const Asking> asking;
  TriedDomains near, away;  // pods that meet all of the pod's terms, that meet any of them
  TriedDomains repelled;    // terms of placed pods that want the pod away
};

// In each domain, the weights of what speaks for it and against it: by what the pod asks, and by what placed pods do.
struct Preferred {
  std::shared_ptr<const KeptDomains> own, others;  // null: nothing

  template <class F>
  void each_key(F f) const {
    for (const auto* domains : {&own, &others}) {
      if (!*domains) continue;
      for (const auto& [key, nodes] : (*domains)->keys()) f(**domains, key);
    }
  }
};

// What placed pods think of a pod goes by its namespace, by that one's labels, and by its own.
std::string text_of(const PodInfo& pod, const Labels& its_namespace) {
  ClassKey out;
  add_text(out, pod.namespace_name.view());
  for (const LabelSpan labels : {LabelSpan(its_namespace), LabelSpan(pod.labels)}) {
    add_number(out, static_cast<std::int64_t>(labels.size()));
    for (const auto& [name, value] : labels) {
      add_text(out, name.view());
      add_text(out, value.view());
    }
  }
  return out;
}

class InterPodAffinity final : public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  InterPodAffinity(const InterPodAffinityArgs& args, const PluginWorld& world)
      : args_(args), snapshot_(*world.snapshot), namespaces_(lister_of<Namespace>(world)), resolved_(namespaces_) {}

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
    auto asking = std::make_shared<Asking>();
    asking->its_namespace = labels_of_namespace(pod.metadata().namespace_());
    asking->terms = no_terms();
    if (info.affinity) {
      if (!info.affinity->error.empty()) {
        return {Verdict::owning(Code::UnschedulableAndUnresolvable, "parsing pod: " + info.affinity->error), {}};
      }
      asking->terms = resolved_.of(*info.affinity);
      asking->matches_itself = matches_all(asking->terms->near, info);
    }
    Required required{.asking = asking,
                      .near = near_to(*asking->terms),
                      .away = away_from(*asking->terms),
                      .repelled = repelled(info, *asking)};
    const bool has_rules = !asking->terms->near.empty() || !asking->terms->away.empty();
    if (required.repelled.all_zero() && !has_rules) return {Verdict::skip(), {}};
    state.put(this, std::move(required), CycleState::Until::Placed);
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
    for (std::size_t i = 0; i < required.asking->terms->away.size(); ++i) {
      const AffinityTerm& term = required.asking->terms->away[i];
      const Interned* domain = node.label(term.topology_key);
      const std::int64_t there = domain ? required.away.of(term.topology_key, *domain) : 0;
      if (there > 0) out.push_back({fmt::format("no pods ({}) in {}", meant(anti, i), domain_text(term, *domain))});
    }
    if (is_repelled(required, node)) add_repellers(required, state.pod(), node, out);
    return out;
  }

  // -- What may be kept: results go by what pods ask and are, by their nodes' domains, and by what is counted in these.

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    if (info.affinity && !info.affinity->error.empty()) return false;
    add_text(key, text_of(info, labels_of_namespace(pod.metadata().namespace_())));
    if (info.affinity) key += affinity_text(*info.affinity);
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    const bool other_domains =
        change.node_before && change.node_after && !are_same_labels(*change.node_before, *change.node_after);
    return {other_domains ? Outdated::Node : Outdated::Nothing};
  }
  void changed_domains(Kept what, const CycleState& state, ClassMemory& memory, DomainChanges& out) const override {
    Marks& marks = memory.of<Marks>(this);
    if (what == Kept::Scores) {
      const auto& preferred = state.get<Preferred>(this);
      tell(preferred.own, marks.own, out);
      return tell(preferred.others, marks.others, out);
    }
    const auto& required = state.get<Required>(this);
    tell(required.near.kept(), marks.near, out);
    tell(required.away.kept(), marks.away, out);
    tell(required.repelled.kept(), marks.repelled, out);
  }

  // -- Scoring

  Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    const PodInfo& info = state.pod();
    const auto terms = info.affinity ? resolved_.of(*info.affinity) : no_terms();
    const bool has_preferences = !terms->preferred_near.empty() || !terms->preferred_away.empty();
    if (args_.ignore_preferred_terms_of_existing_pods && !has_preferences) return Verdict::skip();
    Preferred preferred;
    if (has_preferences) preferred.own = preferred_by(*terms);
    preferred.others = preferred_by_others(info, labels_of_namespace(pod.metadata().namespace_()));
    bool is_empty = true;
    preferred.each_key([&](const KeptDomains&, const Interned&) { is_empty = false; });
    if (is_empty) return Verdict::skip();
    state.put(this, std::move(preferred), CycleState::Until::Placed);
    return Verdict::fits();
  }

  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    Score sum = 0;
    state.get<Preferred>(this).each_key([&](const KeptDomains& weights, const Interned& key) {
      if (const Interned* domain = node.label(key)) sum += weights.of(key, *domain);
    });
    return sum;
  }

  Scale scale() const override { return Scale::ByRange; }

 private:
  static bool are_same_labels(const Node& a, const Node& b) {
    return interned_labels(a.metadata().labels()) == interned_labels(b.metadata().labels());
  }

  // -- Namespaces

  // None for a namespace that is not known.
  Labels labels_of_namespace(const std::string& name) const {
    const auto found = namespaces_.find(name);
    return found ? interned_labels(found->metadata().labels()) : Labels();
  }

  // -- Rules

  static const std::shared_ptr<const OwnTerms>& no_terms() {
    static const auto* none = new std::shared_ptr<const OwnTerms>(std::make_shared<OwnTerms>());
    return *none;
  }

  // -- What is counted

  // Up to where what is kept of a class of pods goes.
  struct Marks {
    KeptDomains::Mark near, away, repelled, own, others;
  };
  static void tell(const std::shared_ptr<const KeptDomains>& domains, KeptDomains::Mark& mark, DomainChanges& out) {
    if (domains) domains->tell(mark, out);
  }

  auto all_nodes() const {
    return [this] { return snapshot_.nodes(); };
  }

  TriedDomains near_to(const OwnTerms& terms) const {
    if (terms.near.empty()) return {};
    const auto contribute = [&](const NodeInfo& node, Contributions& out) {
      const auto pods = std::ranges::count_if(node.pods(), [&](const PodRef& pod) { return matches_all(terms.near, *pod); });
      if (pods == 0) return;
      for (const AffinityTerm& term : terms.near) out.add(node, term.topology_key, pods);
    };
    return TriedDomains(near_.of(terms.near_claim, snapshot_, contribute, all_nodes()));
  }

  static std::int64_t matching(const NodeInfo& node, const AffinityTerm& term) {
    return std::ranges::count_if(node.pods(), [&](const PodRef& pod) { return term.matches(*pod, kResolved); });
  }

  TriedDomains away_from(const OwnTerms& terms) const {
    if (terms.away.empty()) return {};
    const auto contribute = [&](const NodeInfo& node, Contributions& out) {
      for (const AffinityTerm& term : terms.away) {
        if (const std::int64_t pods = matching(node, term); pods > 0) out.add(node, term.topology_key, pods);
      }
    };
    return TriedDomains(away_.of(terms.away_claim, snapshot_, contribute, all_nodes()));
  }

  TriedDomains repelled(const PodInfo& pod, const Asking& asking) const {
    if (repelled_.empty() && snapshot_.repelling().empty()) return {};
    const auto contribute = [&](const NodeInfo& node, Contributions& out) {
      for (const PodRef& placed : node.repelling()) {
        for (const AffinityTerm& term : placed->affinity->required_anti) {
          if (term.matches(pod, asking.its_namespace)) out.add(node, term.topology_key, 1);
        }
      }
    };
    const std::string claim = text_of(pod, asking.its_namespace);
    return TriedDomains(repelled_.of(claim, snapshot_, contribute, [&] { return snapshot_.repelling(); }));
  }

  std::shared_ptr<const KeptDomains> preferred_by(const OwnTerms& terms) const {
    const auto weigh = [](const WeightedTerms& weighted, std::int64_t sign, const NodeInfo& node, Contributions& out) {
      for (const WeightedTerm& one : weighted) {
        const std::int64_t pods = matching(node, one.term);
        if (pods > 0) out.add(node, one.term.topology_key, sign * one.weight * pods);
      }
    };
    const auto contribute = [&](const NodeInfo& node, Contributions& out) {
      weigh(terms.preferred_near, 1, node, out);
      weigh(terms.preferred_away, -1, node, out);
    };
    return own_weights_.of(terms.preferred_claim, snapshot_, contribute, all_nodes());
  }

  // What the placed pods say of the one that is to be placed.
  std::shared_ptr<const KeptDomains> preferred_by_others(const PodInfo& pod, const Labels& its_namespace) const {
    if (others_weights_.empty() && snapshot_.with_affinity().empty()) return nullptr;
    const auto add = [&](const AffinityTerm& term, std::int64_t weight, const NodeInfo& node, Contributions& out) {
      if (term.matches(pod, its_namespace)) out.add(node, term.topology_key, weight);
    };
    const auto contribute = [&](const NodeInfo& node, Contributions& out) {
      for (const PodRef& placed : node.with_affinity()) {
        const PodAffinity& affinity = *placed->affinity;
        if (args_.hard_pod_affinity_weight > 0) {
          for (const AffinityTerm& term : affinity.required) add(term, args_.hard_pod_affinity_weight, node, out);
        }
        for (const WeightedTerm& one : affinity.preferred) add(one.term, one.weight, node, out);
        for (const WeightedTerm& one : affinity.preferred_anti) add(one.term, -std::int64_t{one.weight}, node, out);
      }
    };
    return others_weights_.of(text_of(pod, its_namespace), snapshot_, contribute, [&] { return snapshot_.with_affinity(); });
  }

  // -- What if

  Verdict change(CycleState& state, const PodInfo& other, const NodeInfo& node, int by) const {
    auto& required = state.edit<Required>(this);
    const Asking& asking = *required.asking;
    if (other.affinity) {
      for (const AffinityTerm& term : other.affinity->required_anti) {
        if (term.matches(state.pod(), asking.its_namespace)) required.repelled.add(node, term.topology_key, by);
      }
    }
    if (matches_all(asking.terms->near, other)) {
      for (const AffinityTerm& term : asking.terms->near) required.near.add(node, term.topology_key, by);
    }
    for (const AffinityTerm& term : asking.terms->away) {
      if (term.matches(other, kResolved)) required.away.add(node, term.topology_key, by);
    }
    return Verdict::fits();
  }

  // -- Rules

  static bool is_near(const Required& required, const NodeInfo& node) {
    bool met = true;
    for (const AffinityTerm& term : required.asking->terms->near) {
      const Interned* domain = node.label(term.topology_key);
      if (!domain) return false;
      if (required.near.of(term.topology_key, *domain) <= 0) met = false;
    }
    // The first of pods that want to be near each other must be let in somewhere.
    return met || (required.near.all_zero() && required.asking->matches_itself);
  }

  static bool is_away(const Required& required, const NodeInfo& node) {
    if (required.away.all_zero()) return true;
    return std::ranges::none_of(required.asking->terms->away, [&](const AffinityTerm& term) {
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
    for (std::size_t i = 0; i < required.asking->terms->near.size(); ++i) {
      const AffinityTerm& term = required.asking->terms->near[i];
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
          if (!here || !there || *here != *there || !term.matches(pod, required.asking->its_namespace)) continue;
          out.push_back({fmt::format("{} gone from {}: its anti-affinity keeps the pod away", placed->key().text(),
                                     domain_text(term, *here))});
          if (out.size() >= kRepellersMost) return;
        }
      }
    }
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
  mutable ResolvedTerms resolved_;
  mutable RecentDomains near_{KeptDomains::Goes::BySign}, away_{KeptDomains::Goes::BySign}, repelled_{KeptDomains::Goes::BySign};
  mutable RecentDomains own_weights_{KeptDomains::Goes::ByAmount}, others_weights_{KeptDomains::Goes::ByAmount};
};

}  // namespace

std::unique_ptr<Plugin> inter_pod_affinity(const PluginArgs& args, const PluginWorld& world) {
  return std::make_unique<InterPodAffinity>(args.inter_pod_affinity, world);
}

}  // namespace ph::scheduler
