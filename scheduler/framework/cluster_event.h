// Cluster events: what happens in the cluster that may make a waiting pod schedulable.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "scheduler/cluster/node_info.h"
#include "scheduler/cluster/scheduler_pod.h"

namespace ph::scheduler {

enum class ClusterEvent : std::uint8_t {
  NodeAdded,
  NodeDeleted,
  NodeAllocatableChanged,
  NodeLabelsChanged,
  NodeTaintsChanged,  // spec.unschedulable too
  NodeConditionsChanged,
  NodeAnnotationsChanged,
  NodeFeaturesChanged,  // status.declaredFeatures
  AssignedPodAdded,
  AssignedPodDeleted,
  AssignedPodLabelsChanged,
  AssignedPodScaledDown,  // asks for less than before
  AssignedPodTolerationsChanged,
  AssignedPodClaimsGenerated,  // status.resourceClaimStatuses
  AssignedPodChanged,          // anything else
  // Of the waiting pod itself, or of another waiting pod:
  PodLabelsChanged,
  PodScaledDown,
  PodGatesRemoved,
  PodTolerationsChanged,
  PodClaimsGenerated,
  PodChanged,  // anything else
  // Of other kinds: `object_before` and `object_after` of the change.
  PersistentVolumeAdded,
  PersistentVolumeChanged,
  PersistentVolumeDeleted,
  PersistentVolumeClaimAdded,
  PersistentVolumeClaimChanged,
  PersistentVolumeClaimDeleted,
  StorageClassAdded,
  StorageClassChanged,
  StorageClassDeleted,
  CsiNodeAdded,
  CsiNodeChanged,
  CsiNodeDeleted,
  CsiDriverAdded,
  CsiDriverChanged,
  CsiDriverDeleted,
  CsiStorageCapacityAdded,
  CsiStorageCapacityChanged,
  CsiStorageCapacityDeleted,
  VolumeAttachmentAdded,
  VolumeAttachmentChanged,
  VolumeAttachmentDeleted,
  ResourceClaimAdded,
  ResourceClaimChanged,
  ResourceClaimDeleted,
  ResourceSliceAdded,
  ResourceSliceChanged,
  ResourceSliceDeleted,
  DeviceClassAdded,
  DeviceClassChanged,
  DeviceClassDeleted,
};
inline constexpr int kClusterEvents = 51;

// Upstream's label, as logs and metrics have it: "NodeUpdateNodeTaint", "storage.k8s.io/CSINodeAdd".
std::string_view to_string(ClusterEvent event);

// A set of events.
class ClusterEvents {
 public:
  constexpr ClusterEvents() = default;
  constexpr ClusterEvents(std::initializer_list<ClusterEvent> events) {
    for (const ClusterEvent event : events) bits_ |= bit(event);
  }
  static constexpr ClusterEvents all() {
    ClusterEvents out;
    out.bits_ = (std::uint64_t{1} << kClusterEvents) - 1;
    return out;
  }
  // Changes of the waiting pod itself, or of another one.
  static constexpr ClusterEvents of_waiting_pods() {
    using enum ClusterEvent;
    return {PodLabelsChanged, PodScaledDown, PodGatesRemoved, PodTolerationsChanged, PodClaimsGenerated, PodChanged};
  }
  constexpr bool has(ClusterEvent event) const { return bits_ & bit(event); }
  constexpr void add(ClusterEvent event) { bits_ |= bit(event); }
  constexpr ClusterEvents operator|(ClusterEvents other) const {
    other.bits_ |= bits_;
    return other;
  }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool has_any(ClusterEvents other) const { return (bits_ & other.bits_) != 0; }
  // In the order in which upstream tells them.
  template <class F>
  constexpr void each(F f) const {
    for (std::uint64_t left = bits_; left != 0; left &= left - 1) f(static_cast<ClusterEvent>(std::countr_zero(left)));
  }
  constexpr bool operator==(const ClusterEvents&) const = default;

 private:
  static constexpr std::uint64_t bit(ClusterEvent event) { return std::uint64_t{1} << static_cast<int>(event); }
  std::uint64_t bits_ = 0;
};

// An object of a kind that only some plugins know.
using AnyObject = std::shared_ptr<const google::protobuf::Message>;

// One event with what it happened to, as far as the event has it: nodes for the Node… events, `pod`s that are assigned,
// `waiting` ones, or objects of other kinds. Holds what it names, so that it can be judged later.
struct ClusterChange {
  ClusterEvent event;
  NodeRef node_before, node_after;
  PodRef pod_before, pod_after;
  PendingPod waiting_before, waiting_after;
  AnyObject object_before, object_after;

  // The object, of the kind that the event says. Null: it was not there.
  template <class T>
  const T* before() const {
    return static_cast<const T*>(object_before.get());
  }
  template <class T>
  const T* after() const {
    return static_cast<const T*>(object_after.get());
  }
};

// Whether the change is one of the waiting pod itself. `waiting` is then as it is after it.
bool is_of(const ClusterChange& change, const core::v1::Pod& waiting);

// What differs between two states of a node.
ClusterEvents events_of(const core::v1::Node& before, const core::v1::Node& after);
// … of an assigned pod. AssignedPodChanged when it is none of the others.
ClusterEvents events_of(const PodInfo& before, const PodInfo& after);
// … of a waiting pod. PodChanged when it is none of the others.
ClusterEvents events_of(const SchedulerPod& before, const SchedulerPod& after);

}  // namespace ph::scheduler
