// Stand-ins for upstream's plugins that are not here yet. A pod with a constraint that such a plugin would mind must not be placed
// as if it had none: the stand-in, which bears the plugin's name, keeps it waiting and says what is missing. It goes when the
// plugin comes, and a profile that disables the plugin has disabled it too. InterPodAffinity's: inter_pod_affinity_stand_in.cc.
#include <algorithm>

#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

using core::v1::VolumeSource;

// What a pod has that the missing plugin is for, as the reason says it; empty: nothing. A literal.
using Concern = std::string_view (*)(const Pod&);

class StandIn final : public PreFilterPlugin {
 public:
  explicit StandIn(Concern concern) : concern_(concern) {}

  // Nothing but another spec of the pod's own helps.
  ClusterEvents retry_on() const override { return ClusterEvents::of_waiting_pods(); }
  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    const bool own = change.waiting_after && change.waiting_after->metadata().uid() == waiting.metadata().uid();
    return own && concern_(*change.waiting_after).empty() ? QueueingHint::Queue : QueueingHint::Skip;
  }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    const std::string_view reason = concern_(pod);
    return {reason.empty() ? Verdict::skip() : Verdict::unresolvable(reason), {}};
  }

 private:
  const Concern concern_;
};

bool has_volume(const Pod& pod, bool (*is)(const VolumeSource&)) {
  return std::ranges::any_of(pod.spec().volumes(), [is](const auto& volume) { return is(volume.volume_source()); });
}

std::string_view claims(const Pod& pod) {
  if (has_volume(pod, [](const VolumeSource& v) { return v.has_persistent_volume_claim(); })) {
    return "volumes of persistentVolumeClaims are not supported by this scheduler";
  }
  if (has_volume(pod, [](const VolumeSource& v) { return v.has_ephemeral(); })) {
    return "generic ephemeral volumes are not supported by this scheduler";
  }
  return {};
}

// Disks that two pods of a node cannot always share.
std::string_view disks(const Pod& pod) {
  const bool some = has_volume(pod, [](const VolumeSource& v) {
    return v.has_gce_persistent_disk() || v.has_aws_elastic_block_store() || v.has_iscsi() || v.has_rbd();
  });
  if (some) return "gcePersistentDisk, awsElasticBlockStore, iscsi and rbd volumes are not supported by this scheduler";
  return claims(pod);
}

// Disks of which a node takes only so many.
std::string_view attached(const Pod& pod) {
  const bool some = has_volume(pod, [](const VolumeSource& v) {
    return v.has_gce_persistent_disk() || v.has_aws_elastic_block_store() || v.has_azure_disk() || v.has_cinder() ||
           v.has_vsphere_volume();
  });
  if (some) return "volumes that a cloud attaches to the node are not supported by this scheduler";
  return claims(pod);
}

std::string_view spread(const Pod& pod) {
  // ScheduleAnyway is a preference.
  const bool must = std::ranges::any_of(pod.spec().topology_spread_constraints(), [](const auto& constraint) {
    return constraint.when_unsatisfiable() != "ScheduleAnyway";
  });
  return must ? "topology spread constraints with DoNotSchedule are not supported by this scheduler" : "";
}

std::string_view resource_claims(const Pod& pod) {
  return pod.spec().resource_claims().empty() ? "" : "resource claims are not supported by this scheduler";
}

}  // namespace

#define STAND_IN(entry, concern) \
  std::unique_ptr<Plugin> entry(const PluginArgs&, const PluginWorld&) { return std::make_unique<StandIn>(concern); }
STAND_IN(volume_restrictions_stand_in, disks)
STAND_IN(node_volume_limits_stand_in, attached)
STAND_IN(volume_binding_stand_in, claims)
STAND_IN(volume_zone_stand_in, claims)
STAND_IN(pod_topology_spread_stand_in, spread)
STAND_IN(dynamic_resources_stand_in, resource_claims)
#undef STAND_IN

}  // namespace ph::scheduler
