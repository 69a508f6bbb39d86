// NodeUnschedulable: keeps pods off cordoned nodes, unless they tolerate the taint that cordoning stands for.
// Upstream: pkg/scheduler/framework/plugins/nodeunschedulable
#include "api/node_selector.h"
#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

using api::tolerates;

const core::v1::Taint& cordoned() {
  static const core::v1::Taint* taint = [] {
    auto* made = new core::v1::Taint;
    made->set_key("node.kubernetes.io/unschedulable");
    made->set_effect("NoSchedule");
    return made;
  }();
  return *taint;
}

class NodeUnschedulable final : public FilterPlugin {
 public:
  ClusterEvents retry_on() const override {
    return {ClusterEvent::NodeAdded, ClusterEvent::NodeTaintsChanged, ClusterEvent::PodTolerationsChanged,
            ClusterEvent::AssignedPodTolerationsChanged};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    if (!change.node_before && !change.node_after) {
      // Only the pod's own new tolerations can help it.
      return is_of(change, waiting) && tolerates(waiting.spec().tolerations(), cordoned()) ? QueueingHint::Queue
                                                                                           : QueueingHint::Skip;
    }
    const bool was_open = change.node_before && !change.node_before->spec().unschedulable();
    const bool is_open = change.node_after && !change.node_after->spec().unschedulable();
    return is_open && !was_open ? QueueingHint::Queue : QueueingHint::Skip;
  }

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    add_messages(key, pod.spec().tolerations());
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    return {change.node_before || change.node_after ? Outdated::Node : Outdated::Nothing};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    if (!node.node().spec().unschedulable() || tolerates(pod.spec().tolerations(), cordoned())) return Verdict::fits();
    return Verdict::unresolvable("node(s) were unschedulable");
  }

  std::vector<Need> needs(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    return {{"the node open for pods again (kubectl uncordon), or a toleration of node.kubernetes.io/unschedulable:NoSchedule"}};
  }
};

}  // namespace

std::unique_ptr<Plugin> node_unschedulable(const PluginArgs&, const PluginWorld&) {
  return std::make_unique<NodeUnschedulable>();
}

}  // namespace ph::scheduler
