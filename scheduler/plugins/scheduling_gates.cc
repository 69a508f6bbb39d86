// SchedulingGates: keeps a pod out of the queue as long as spec.schedulingGates is not empty.
// Upstream: pkg/scheduler/framework/plugins/schedulinggates
#include <fmt/format.h>

#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

class SchedulingGates final : public PreEnqueuePlugin {
 public:
  ClusterEvents retry_on() const override { return {ClusterEvent::PodGatesRemoved}; }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    return is_of(change, waiting) ? QueueingHint::Queue : QueueingHint::Skip;
  }

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    for (const auto& gate : pod.spec().scheduling_gates()) add_text(key, gate.name());
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

  Verdict pre_enqueue(const Pod& pod) const override {
    if (pod.spec().scheduling_gates().empty()) return Verdict::fits();
    std::string gates;
    for (const auto& gate : pod.spec().scheduling_gates()) gates += (gates.empty() ? "" : " ") + gate.name();
    return Verdict::owning(Code::UnschedulableAndUnresolvable, fmt::format("waiting for scheduling gates: [{}]", gates));
  }
};

}  // namespace

std::unique_ptr<Plugin> scheduling_gates(const PluginArgs&, const PluginWorld&) { return std::make_unique<SchedulingGates>(); }

}  // namespace ph::scheduler
