// Cluster events: what happens in the cluster that may make a waiting pod schedulable.
#pragma once

#include <cstdint>
#include <initializer_list>
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
  AssignedPodAdded,
  AssignedPodDeleted,
  AssignedPodLabelsChanged,
  AssignedPodScaledDown,  // asks for less than before
  // Of the waiting pod itself, or of another waiting pod:
  PodLabelsChanged,
  PodTolerationsChanged,
  PodScaledDown,
  PodGatesRemoved,
  PodChanged,  // anything else of its spec
};
inline constexpr int kClusterEvents = 16;

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
    out.bits_ = (1u << kClusterEvents) - 1;
    return out;
  }
  // Changes of the waiting pod itself, or of another one.
  static constexpr ClusterEvents of_waiting_pods() {
    using enum ClusterEvent;
    return {PodLabelsChanged, PodTolerationsChanged, PodScaledDown, PodGatesRemoved, PodChanged};
  }
  constexpr bool has(ClusterEvent event) const { return bits_ & bit(event); }
  constexpr void add(ClusterEvent event) { bits_ |= bit(event); }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const ClusterEvents&) const = default;

 private:
  static constexpr std::uint32_t bit(ClusterEvent event) { return 1u << static_cast<int>(event); }
  std::uint32_t bits_ = 0;
};

// One event with what it happened to, as far as the event has it: nodes for the Node… events, `pod`s that are assigned,
// or `waiting` ones. Holds what it names, so that it can be judged later.
struct ClusterChange {
  ClusterEvent event;
  NodeRef node_before, node_after;
  PodRef pod_before, pod_after;
  PendingPod waiting_before, waiting_after;
};

// What differs between two states of a node.
ClusterEvents events_of(const core::v1::Node& before, const core::v1::Node& after);
// … of an assigned pod.
ClusterEvents events_of(const PodInfo& before, const PodInfo& after);
// … of a waiting pod. PodChanged when it is none of the others; empty when nothing of the spec or labels differs.
ClusterEvents events_of(const SchedulerPod& before, const SchedulerPod& after);

}  // namespace ph::scheduler
