// NodeAffinity: spec.nodeSelector and affinity.nodeAffinity, and the affinity a profile adds to every pod's.
// Upstream: pkg/scheduler/framework/plugins/nodeaffinity
#include "api/node_selector.h"
#include "api/sorted.h"
#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"
#include "scheduler/plugins/need_words.h"

namespace ph::scheduler {
namespace {

using api::NodeTerm, api::NodeTerms, api::PreferredNodes, api::RequiredNodes, api::TermErrors;

constexpr std::string_view kMismatch = "node(s) didn't match Pod's node affinity/selector";
constexpr std::string_view kEnforced = "node(s) didn't match scheduler-enforced node affinity";
constexpr std::string_view kConflict = "pod affinity terms conflict";

using Names = std::set<std::string, std::less<>>;

// What the pod prefers, compiled.
struct Preference {
  PreferredNodes nodes;
};

const PreferredNodes::Terms& preferred_terms(const Pod& pod) {
  return pod.spec().affinity().node_affinity().preferred_during_scheduling_ignored_during_execution();
}

// The nodes that the required terms name between them; nothing when any term leaves the name open.
std::optional<Names> named_nodes(const NodeTerms& terms) {
  Names out;
  for (const NodeTerm& term : terms.terms()) {
    const auto names = term.names();
    if (!names) return std::nullopt;
    out.insert(names->begin(), names->end());
  }
  if (terms.terms().empty()) return std::nullopt;
  return out;
}

class NodeAffinity final : public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  explicit NodeAffinity(const NodeAffinityArgs& args)
      : added_preferred_terms_(args.added_affinity.preferred_during_scheduling_ignored_during_execution()),
        added_preferred_(added_preferred_terms_) {
    if (args.added_affinity.has_required_during_scheduling_ignored_during_execution()) {
      added_required_.emplace(args.added_affinity.required_during_scheduling_ignored_during_execution());
    }
  }

  ClusterEvents retry_on() const override { return {ClusterEvent::NodeAdded, ClusterEvent::NodeLabelsChanged}; }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    if (!change.node_after) return QueueingHint::Queue;
    if (added_required_ && !added_required_->matches(*change.node_after)) return QueueingHint::Skip;
    const RequiredNodes required(waiting.spec());
    // Who does not know what a term means does not know that it cannot help.
    if (required.unclear(*change.node_after)) return QueueingHint::Queue;
    if (!required.matches(*change.node_after)) return QueueingHint::Skip;
    if (change.node_before && required.unclear(*change.node_before)) return QueueingHint::Queue;
    const bool matched = change.node_before && required.matches(*change.node_before);
    return matched ? QueueingHint::Skip : QueueingHint::Queue;
  }

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    add_number(key, static_cast<std::int64_t>(pod.spec().node_selector().size()));
    for (const auto* label : sorted(pod.spec().node_selector())) {
      add_text(key, label->first);
      add_text(key, label->second);
    }
    add_message(key, pod.spec().affinity().node_affinity());
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    return {change.node_before || change.node_after ? Outdated::Node : Outdated::Nothing};
  }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    RequiredNodes required(pod.spec());
    if (required.empty() && !added_required_) return {Verdict::skip(), {}};

    std::optional<Names> names;
    if (required.affinity()) {
      names = named_nodes(*required.affinity());
      if (names && names->empty()) return {Verdict::unresolvable(kConflict), {}};
    }
    state.put(this, std::move(required));
    return {Verdict::fits(), std::move(names)};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    if (added_required_ && !added_required_->matches(node.node())) return Verdict::unresolvable(kEnforced);
    return state.get<RequiredNodes>(this).matches(node.node()) ? Verdict::fits() : Verdict::unresolvable(kMismatch);
  }

  std::vector<Need> needs(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    if (added_required_ && !added_required_->matches(node.node())) {
      return {{"labels that the scheduler's configuration asks for (addedAffinity)"}};
    }
    return missing_labels(pod.spec(), node.node());
  }

  Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    if (added_preferred_terms_.empty() && preferred_terms(pod).empty()) return Verdict::skip();
    Preference preference{PreferredNodes(preferred_terms(pod))};
    if (const TermErrors errors = preference.nodes.errors(); !errors.empty()) return Verdict::error(api::one_text(errors));
    state.put(this, std::move(preference));
    return Verdict::fits();
  }

  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    return added_preferred_.score(node.node()) + state.get<Preference>(this).nodes.score(node.node());
  }

  Scale scale() const override { return Scale::ByHighest; }

 private:
  std::optional<NodeTerms> added_required_;
  PreferredNodes::Terms added_preferred_terms_;
  PreferredNodes added_preferred_;
};

}  // namespace

std::unique_ptr<Plugin> node_affinity(const PluginArgs& args, const PluginWorld&) {
  return std::make_unique<NodeAffinity>(args.node_affinity);
}

}  // namespace ph::scheduler
