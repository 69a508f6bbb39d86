#include "scheduler/framework/cluster_event.h"

#include <algorithm>
#include <array>

#include "api/sorted.h"

namespace ph::scheduler {

using core::v1::Node;
using enum ClusterEvent;

std::string_view to_string(ClusterEvent event) {
  static constexpr std::array<std::string_view, kClusterEvents> kNames{
      "NodeAdd",
      "NodeDelete",
      "NodeUpdateNodeAllocatable",
      "NodeUpdateNodeLabel",
      "NodeUpdateNodeTaint",
      "NodeUpdateNodeCondition",
      "NodeUpdateNodeAnnotation",
      "NodeUpdateNodeDeclaredFeature",
      "AssignedPodAdd",
      "AssignedPodDelete",
      "AssignedPodUpdatePodLabel",
      "AssignedPodUpdatePodScaleDown",
      "AssignedPodUpdatePodToleration",
      "AssignedPodUpdatePodGeneratedResourceClaim",
      "AssignedPodUpdate",
      "UnschedulablePodUpdatePodLabel",
      "UnschedulablePodUpdatePodScaleDown",
      "UnschedulablePodUpdatePodSchedulingGatesEliminated",
      "UnschedulablePodUpdatePodToleration",
      "UnschedulablePodUpdatePodGeneratedResourceClaim",
      "UnschedulablePodUpdate",
      "PersistentVolumeAdd",
      "PersistentVolumeUpdate",
      "PersistentVolumeDelete",
      "PersistentVolumeClaimAdd",
      "PersistentVolumeClaimUpdate",
      "PersistentVolumeClaimDelete",
      "storage.k8s.io/StorageClassAdd",
      "storage.k8s.io/StorageClassUpdate",
      "storage.k8s.io/StorageClassDelete",
      "storage.k8s.io/CSINodeAdd",
      "storage.k8s.io/CSINodeUpdate",
      "storage.k8s.io/CSINodeDelete",
      "storage.k8s.io/CSIDriverAdd",
      "storage.k8s.io/CSIDriverUpdate",
      "storage.k8s.io/CSIDriverDelete",
      "storage.k8s.io/CSIStorageCapacityAdd",
      "storage.k8s.io/CSIStorageCapacityUpdate",
      "storage.k8s.io/CSIStorageCapacityDelete",
      "storage.k8s.io/VolumeAttachmentAdd",
      "storage.k8s.io/VolumeAttachmentUpdate",
      "storage.k8s.io/VolumeAttachmentDelete",
      "resource.k8s.io/ResourceClaimAdd",
      "resource.k8s.io/ResourceClaimUpdate",
      "resource.k8s.io/ResourceClaimDelete",
      "resource.k8s.io/ResourceSliceAdd",
      "resource.k8s.io/ResourceSliceUpdate",
      "resource.k8s.io/ResourceSliceDelete",
      "resource.k8s.io/DeviceClassAdd",
      "resource.k8s.io/DeviceClassUpdate",
      "resource.k8s.io/DeviceClassDelete",
  };
  return kNames[static_cast<std::size_t>(event)];
}

namespace {

template <class Map>
bool same_text(const Map& a, const Map& b) {
  return a.size() == b.size() && std::ranges::all_of(a, [&](const auto& entry) {
           const auto found = b.find(entry.first);
           return found != b.end() && found->second == entry.second;
         });
}

bool same_taints(const Node& a, const Node& b) {
  return std::ranges::equal(a.spec().taints(), b.spec().taints(), [](const auto& x, const auto& y) {
    return x.key() == y.key() && x.value() == y.value() && x.effect() == y.effect();
  });
}

// Heartbeats change times only, and wake nobody.
bool same_conditions(const Node& a, const Node& b) {
  return std::ranges::equal(a.status().conditions(), b.status().conditions(),
                            [](const auto& x, const auto& y) { return x.type() == y.type() && x.status() == y.status(); });
}

bool asks_for_less(const Resource& before, const Resource& after) {
  if (after.milli_cpu < before.milli_cpu || after.memory < before.memory) return true;
  if (after.ephemeral_storage < before.ephemeral_storage) return true;
  return std::ranges::any_of(before.scalars, [&](const auto& entry) { return after.scalar(entry.first) < entry.second; });
}

}  // namespace

bool is_of(const ClusterChange& change, const core::v1::Pod& waiting) {
  const std::string& uid = waiting.metadata().uid();
  if (change.waiting_after) return change.waiting_after->metadata().uid() == uid;
  return change.pod_after && change.pod_after->uid == uid;
}

ClusterEvents events_of(const Node& before, const Node& after) {
  ClusterEvents out;
  if (to_resource(before.status().allocatable()) != to_resource(after.status().allocatable())) out.add(NodeAllocatableChanged);
  if (!same_text(before.metadata().labels(), after.metadata().labels())) out.add(NodeLabelsChanged);
  // A node that is cordoned helps nobody.
  const bool opened = before.spec().unschedulable() && !after.spec().unschedulable();
  if (opened || !same_taints(before, after)) out.add(NodeTaintsChanged);
  if (!same_conditions(before, after)) out.add(NodeConditionsChanged);
  if (!same_text(before.metadata().annotations(), after.metadata().annotations())) out.add(NodeAnnotationsChanged);
  if (!std::ranges::equal(before.status().declared_features(), after.status().declared_features())) out.add(NodeFeaturesChanged);
  return out;
}

ClusterEvents events_of(const PodInfo& before, const PodInfo& after) {
  ClusterEvents out;
  if (before.labels != after.labels) out.add(AssignedPodLabelsChanged);
  if (asks_for_less(before.requests, after.requests)) out.add(AssignedPodScaledDown);
  if (before.tolerations_hash != after.tolerations_hash) out.add(AssignedPodTolerationsChanged);
  if (before.claims_hash != after.claims_hash) out.add(AssignedPodClaimsGenerated);
  if (out.empty()) out.add(AssignedPodChanged);
  return out;
}

ClusterEvents events_of(const SchedulerPod& before, const SchedulerPod& after) {
  ClusterEvents out;
  if (before.info->labels != after.info->labels) out.add(PodLabelsChanged);
  if (asks_for_less(before.info->requests, after.info->requests)) out.add(PodScaledDown);
  if (before.info->gated && !after.info->gated) out.add(PodGatesRemoved);
  if (before.info->tolerations_hash != after.info->tolerations_hash) out.add(PodTolerationsChanged);
  if (before.info->claims_hash != after.info->claims_hash) out.add(PodClaimsGenerated);
  if (out.empty()) out.add(PodChanged);
  return out;
}

}  // namespace ph::scheduler
