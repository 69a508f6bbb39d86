// GangScheduling: pods of a group are placed all or none. In v1.36 that is an alpha of two feature gates, GenericWorkload and
// GangScheduling, which are off and can here not be turned on: the kinds of scheduling.k8s.io that say what a group is are not served, a
// pod's spec.schedulingGroup is dropped when it is written, and so every pod stands alone. What remains is what a cluster as it comes
// shows: a configuration may name the plugin, and it has no word about any pod.
//
//   upstream  pkg/scheduler/framework/plugins/gangscheduling
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

class GangScheduling final : public PreEnqueuePlugin, public PermitPlugin {
 public:
  explicit GangScheduling(const Log& log) {
    log.warning("a profile has a plugin that has no effect: pods have no groups", "plugin", "GangScheduling");
  }
  // Whom it never refuses it need not wake.
  ClusterEvents retry_on() const override { return {}; }
  bool class_key(const Pod&, const PodInfo&, ClassKey&) const override { return true; }
  Outdated outdated_by(const StateChange&, const Pod&) const override { return {Outdated::Nothing}; }

  Verdict pre_enqueue(const Pod&) const override { return Verdict::fits(); }
  PermitResult permit(CycleState&, const Pod&, std::string_view) override { return {}; }
};

}  // namespace

std::unique_ptr<Plugin> gang_scheduling(const PluginArgs&, const PluginWorld& world) {
  return std::make_unique<GangScheduling>(world.log);
}

}  // namespace ph::scheduler
