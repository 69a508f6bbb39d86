// FlowPlacement: a profile that has it places its pods in batches, by a flow network (scheduler/flow/). The plugin itself has no word
// about any pod: that a profile names it, and its arguments, are all there is to it. Not of upstream's. Its name stands for the cycle
// where that turns pods of a gang away, which asks them back itself when there are more of them (flow_gangs.cc).
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

class FlowPlacement final : public PreEnqueuePlugin {
 public:
  // Of which gang a pod is, and how large that is, are labels.
  ClusterEvents retry_on() const override { return {ClusterEvent::PodLabelsChanged}; }
  bool class_key(const Pod&, const PodInfo&, ClassKey&) const override { return true; }
  Outdated outdated_by(const StateChange&, const Pod&) const override { return {Outdated::Nothing}; }

  Verdict pre_enqueue(const Pod&) const override { return Verdict::fits(); }
};

}  // namespace

std::unique_ptr<Plugin> flow_placement(const PluginArgs&, const PluginWorld&) { return std::make_unique<FlowPlacement>(); }

}  // namespace ph::scheduler
