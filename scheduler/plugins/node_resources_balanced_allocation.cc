// NodeResourcesBalancedAllocation: prefers nodes whose resources the pod brings closer to being used to the same part.
// Upstream: pkg/scheduler/framework/plugins/noderesources (balanced_allocation)
#include <algorithm>

#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"
#include "scheduler/plugins/node_resources.h"

namespace ph::scheduler {
namespace {

class NodeResourcesBalancedAllocation final : public PreScorePlugin, public ScorePlugin {
 public:
  explicit NodeResourcesBalancedAllocation(const NodeResourcesBalancedAllocationArgs& args) : args_(args) {}

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    add_resource(key, info.requests);
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Node}; }

  Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    // A pod that asks for nothing changes no balance; scoring it would heap such pods on one node.
    const bool asks = std::ranges::any_of(
        args_.resources, [&](const WeightedResource& resource) { return state.pod().requests.amount(resource.name) != 0; });
    return asks ? Verdict::fits() : Verdict::skip();
  }

  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    return balanced_allocation(Usages(args_.resources, state.pod(), node, false));
  }

 private:
  NodeResourcesBalancedAllocationArgs args_;
};

}  // namespace

std::unique_ptr<Plugin> node_resources_balanced_allocation(const PluginArgs& args, const PluginWorld&) {
  return std::make_unique<NodeResourcesBalancedAllocation>(args.node_resources_balanced_allocation);
}

}  // namespace ph::scheduler
