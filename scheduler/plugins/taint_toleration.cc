// TaintToleration: keeps a pod off nodes whose taints it does not tolerate, and prefers the nodes with the fewest soft
// ones. Upstream: pkg/scheduler/framework/plugins/tainttoleration
#include <fmt/format.h>

#include <algorithm>

#include "api/node_selector.h"
#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"
#include "scheduler/plugins/need_words.h"

namespace ph::scheduler {
namespace {

using api::tolerates;
using core::v1::Node, core::v1::Taint, core::v1::Toleration;

// The pod's tolerations that may answer to a soft taint.
struct SoftTolerations {
  std::vector<Toleration> tolerations;
};

bool lets_in(const Taint& taint, const Pod& pod) {
  const bool hard = taint.effect() == "NoSchedule" || taint.effect() == "NoExecute";
  return !hard || tolerates(pod.spec().tolerations(), taint);
}

bool fits(const Pod& pod, const Node& node) {
  return std::ranges::all_of(node.spec().taints(), [&](const Taint& taint) { return lets_in(taint, pod); });
}

class TaintToleration final : public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  ClusterEvents retry_on() const override {
    return {ClusterEvent::NodeAdded, ClusterEvent::NodeTaintsChanged, ClusterEvent::PodTolerationsChanged,
            ClusterEvent::AssignedPodTolerationsChanged};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    if (!change.node_before && !change.node_after) return is_of(change, waiting) ? QueueingHint::Queue : QueueingHint::Skip;
    const bool fitted = change.node_before && fits(waiting, *change.node_before);
    const bool fits_now = change.node_after && fits(waiting, *change.node_after);
    return fits_now && !fitted ? QueueingHint::Queue : QueueingHint::Skip;
  }

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    add_messages(key, pod.spec().tolerations());
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    return {change.node_before || change.node_after ? Outdated::Node : Outdated::Nothing};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    if (fits(pod, node.node())) return Verdict::fits();
    return Verdict::unresolvable("node(s) had untolerated taint(s)");
  }

  std::vector<Need> needs(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    std::vector<Need> out;
    for (const Taint& taint : node.node().spec().taints()) {
      if (!lets_in(taint, pod)) out.push_back({fmt::format("a toleration of the node's taint {}", taint_text(taint))});
    }
    return out;
  }

  Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    SoftTolerations soft;
    for (const Toleration& toleration : pod.spec().tolerations()) {
      if (toleration.effect().empty() || toleration.effect() == "PreferNoSchedule") soft.tolerations.push_back(toleration);
    }
    state.put(this, std::move(soft));
    return Verdict::fits();
  }

  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    if (node.node().spec().taints().empty()) return 0;
    const auto& soft = state.get<SoftTolerations>(this).tolerations;
    return std::ranges::count_if(node.node().spec().taints(), [&](const Taint& taint) {
      return taint.effect() == "PreferNoSchedule" &&
             std::ranges::none_of(soft, [&](const Toleration& t) { return tolerates(t, taint); });
    });
  }

  Scale scale() const override { return Scale::ByHighestReversed; }
};

}  // namespace

std::unique_ptr<Plugin> taint_toleration(const PluginArgs&, const PluginWorld&) { return std::make_unique<TaintToleration>(); }

}  // namespace ph::scheduler
