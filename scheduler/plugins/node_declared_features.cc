// NodeDeclaredFeatures: keeps a pod off nodes whose kubelet does not declare what the pod needs.
// Upstream: pkg/scheduler/framework/plugins/nodedeclaredfeatures, component-helpers/nodedeclaredfeatures/features
#include <algorithm>

#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

using Features = std::vector<std::string_view>;

// What a pod needs: literals, sorted.
Features needed(const core::v1::PodSpec& pod) {
  const auto restarts_all = [](const auto& container) {
    return std::ranges::any_of(container.restart_policy_rules(),
                               [](const auto& rule) { return rule.action() == "RestartAllContainers"; });
  };
  Features out;
  if (std::ranges::any_of(pod.containers(), restarts_all) || std::ranges::any_of(pod.init_containers(), restarts_all)) {
    out.push_back("RestartAllContainersOnContainerExits");
  }
  if (pod.has_host_users() && !pod.host_users() && pod.host_network()) out.push_back("UserNamespacesHostNetworkSupport");
  return out;
}

class NodeDeclaredFeatures final : public PreFilterPlugin, public FilterPlugin {
 public:
  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    return ClusterEvents::of_waiting_pods() | ClusterEvents{NodeAdded,
                                                            NodeFeaturesChanged,
                                                            AssignedPodLabelsChanged,
                                                            AssignedPodScaledDown,
                                                            AssignedPodTolerationsChanged,
                                                            AssignedPodClaimsGenerated,
                                                            AssignedPodChanged};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    if (change.node_after) return QueueingHint::Queue;
    const bool own = is_of(change, waiting) && change.waiting_before;
    return own && needed(change.waiting_before->spec()) != needed(waiting.spec()) ? QueueingHint::Queue : QueueingHint::Skip;
  }

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    for (const std::string_view feature : needed(pod.spec())) add_text(key, feature);
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    return {change.node_before || change.node_after ? Outdated::Node : Outdated::Nothing};
  }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    Features features = needed(pod.spec());
    if (features.empty()) return {Verdict::skip(), {}};
    state.put(this, std::move(features));
    return {};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const auto& declared = node.node().status().declared_features();
    const bool all = std::ranges::all_of(state.get<Features>(this), [&](std::string_view feature) {
      return std::ranges::find(declared, feature) != declared.end();
    });
    return all ? Verdict::fits() : Verdict::unresolvable("node(s) didn't match Pod's required features");
  }
};

}  // namespace

std::unique_ptr<Plugin> node_declared_features(const PluginArgs&, const PluginWorld&) {
  return std::make_unique<NodeDeclaredFeatures>();
}

}  // namespace ph::scheduler
