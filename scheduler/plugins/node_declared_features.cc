// NodeDeclaredFeatures: keeps a pod that needs something of its kubelet off nodes that do not declare it (status.declaredFeatures).
// Upstream: pkg/scheduler/framework/plugins/nodedeclaredfeatures
#include <algorithm>

#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

using core::v1::Container, core::v1::Node;

constexpr std::string_view kLacks = "node(s) didn't match Pod's required features";

bool restarts_all(const Container& container) {
  return std::ranges::any_of(container.restart_policy_rules(),
                             [](const auto& rule) { return rule.action() == "RestartAllContainers"; });
}

bool restarts_all_containers(const Pod& pod) {
  return std::ranges::any_of(pod.spec().containers(), restarts_all) ||
         std::ranges::any_of(pod.spec().init_containers(), restarts_all);
}

bool has_users_in_host_network(const Pod& pod) {
  return pod.spec().host_network() && pod.spec().has_host_users() && !pod.spec().host_users();
}

// Features that can be seen in a pod to be needed.
struct Feature {
  std::string_view name;
  bool (*is_needed)(const Pod&);
};
constexpr Feature kFeatures[] = {
    {"RestartAllContainersOnContainerExits", restarts_all_containers},
    {"UserNamespacesHostNetworkSupport", has_users_in_host_network},
};

struct NeededFeatures {
  std::vector<std::string_view> names;
  bool operator==(const NeededFeatures&) const = default;

  bool are_declared_by(const Node& node) const {
    const auto& declared = node.status().declared_features();
    return std::ranges::all_of(names, [&](std::string_view name) { return std::ranges::find(declared, name) != declared.end(); });
  }
};

NeededFeatures needed_by(const Pod& pod) {
  NeededFeatures out;
  for (const Feature& feature : kFeatures) {
    if (feature.is_needed(pod)) out.names.push_back(feature.name);
  }
  return out;
}

class NodeDeclaredFeatures final : public PreFilterPlugin, public FilterPlugin {
 public:
  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    return ClusterEvents{NodeAdded,
                         NodeFeaturesChanged,
                         NodeTaintsChanged,
                         AssignedPodLabelsChanged,
                         AssignedPodScaledDown,
                         AssignedPodTolerationsChanged,
                         AssignedPodClaimsGenerated,
                         AssignedPodChanged} |
           ClusterEvents::of_waiting_pods();
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    if (change.event == ClusterEvent::NodeTaintsChanged) return QueueingHint::Queue;
    if (change.node_after) {
      const NeededFeatures needed = needed_by(waiting);
      const bool had = change.node_before && needed.are_declared_by(*change.node_before);
      return !had && needed.are_declared_by(*change.node_after) ? QueueingHint::Queue : QueueingHint::Skip;
    }
    if (!change.waiting_before || !change.waiting_after) return QueueingHint::Skip;
    const bool own = change.waiting_after->metadata().uid() == waiting.metadata().uid();
    const bool needs_other = needed_by(*change.waiting_before) != needed_by(*change.waiting_after);
    return own && needs_other ? QueueingHint::Queue : QueueingHint::Skip;
  }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    NeededFeatures needed = needed_by(pod);
    if (needed.names.empty()) return {Verdict::skip(), {}};
    state.put(this, std::move(needed));
    return {};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    return state.get<NeededFeatures>(this).are_declared_by(node.node()) ? Verdict::fits() : Verdict::unresolvable(kLacks);
  }

  // A pod without a node of its own kind of kubelet is like all others.
  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    for (const std::string_view name : needed_by(pod).names) key.append(name).push_back('\0');
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    return {change.node_after ? Outdated::Node : Outdated::Nothing, {}};
  }
};

}  // namespace

std::unique_ptr<Plugin> node_declared_features(const PluginArgs&, const PluginWorld&) {
  return std::make_unique<NodeDeclaredFeatures>();
}

}  // namespace ph::scheduler
