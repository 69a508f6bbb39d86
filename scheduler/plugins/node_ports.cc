// NodePorts: keeps a pod off nodes where a port of the host that it wants is taken.
// Upstream: pkg/scheduler/framework/plugins/nodeports
#include <fmt/format.h>

#include <algorithm>

#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

class NodePorts final : public PreFilterPlugin, public FilterPlugin {
 public:
  ClusterEvents retry_on() const override { return {ClusterEvent::NodeAdded, ClusterEvent::AssignedPodDeleted}; }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    if (change.event != ClusterEvent::AssignedPodDeleted || !change.pod_before) return QueueingHint::Queue;
    const PodRef wanted = make_pod_info(waiting);
    const bool freed = std::ranges::any_of(wanted->host_ports, [&](const HostPort& port) {
      return std::ranges::any_of(change.pod_before->host_ports, [&](const HostPort& p) { return p.conflicts_with(port); });
    });
    return freed ? QueueingHint::Queue : QueueingHint::Skip;
  }

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    for (const HostPort& port : info.host_ports) {
      add_number(key, port.port);
      add_text(key, port.protocol.view());
      add_text(key, port.ip.view());
    }
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Node}; }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    return {state.pod().host_ports.empty() ? Verdict::skip() : Verdict::fits(), {}};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const bool free = std::ranges::all_of(state.pod().host_ports, [&](const HostPort& port) { return node.port_is_free(port); });
    if (free) return Verdict::fits();
    return Verdict::unschedulable("node(s) didn't have free ports for the requested pod ports");
  }

  std::vector<Need> needs(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    std::vector<Need> out;
    for (const HostPort& port : state.pod().host_ports) {
      for (const PodRef& other : node.pods()) {
        const bool taken =
            std::ranges::any_of(other->host_ports, [&](const HostPort& used) { return used.conflicts_with(port); });
        if (!taken) continue;
        out.push_back(
            {fmt::format("the host's port {}/{}, which {} uses", port.port, port.protocol.view(), other->key().text())});
      }
    }
    return out;
  }
};

}  // namespace

std::unique_ptr<Plugin> node_ports(const PluginArgs&, const PluginWorld&) { return std::make_unique<NodePorts>(); }

}  // namespace ph::scheduler
