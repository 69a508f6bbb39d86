// NodeName: a pod that names its node fits that node only.
// Upstream: pkg/scheduler/framework/plugins/nodename
#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

class NodeName final : public FilterPlugin {
 public:
  ClusterEvents retry_on() const override { return {ClusterEvent::NodeAdded}; }

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    add_text(key, pod.spec().node_name());
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    return {change.node_before || change.node_after ? Outdated::Node : Outdated::Nothing};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    if (pod.spec().node_name().empty() || pod.spec().node_name() == node.name()) return Verdict::fits();
    return Verdict::unresolvable("node(s) didn't match the requested node name");
  }
};

}  // namespace

std::unique_ptr<Plugin> node_name(const PluginArgs&, const PluginWorld&) { return std::make_unique<NodeName>(); }

}  // namespace ph::scheduler
