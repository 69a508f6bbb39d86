// PodInfo: what the scheduler keeps of a pod, a few hundred bytes instead of the eleven thousand of a whole message.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "api/object.h"
#include "base/revision.h"
#include "scheduler/cluster/label_matcher.h"
#include "scheduler/cluster/resource.h"

namespace ph::scheduler {

struct PodAffinity;  // scheduler/cluster/pod_affinity.h
struct PodVolumes;   // scheduler/cluster/pod_volumes.h

struct HostPort {
  std::int32_t port = 0;
  Interned protocol, ip;  // never empty: TCP and 0.0.0.0 where the pod says nothing

  // Whether two pods cannot have these on one node.
  bool conflicts_with(const HostPort& other) const;
  bool operator==(const HostPort&) const = default;
};

struct PodInfo {
  Interned namespace_name;
  std::string name, uid;
  Revision revision;
  Labels labels;
  Interned node_name, scheduler_name, nominated_node;
  std::int32_t priority = 0;
  std::int64_t generation = 0;
  // Of its condition DisruptionTarget.
  enum class Disruption : std::uint8_t { None, Other, ByScheduler } disruption = Disruption::None;
  std::int64_t start_time = 0;                        // seconds since 1970, of status.startTime; 0: it has not started
  std::size_t tolerations_hash = 0, claims_hash = 0;  // of spec.tolerations, and of the names of the claims made for the pod
  bool gated = false;                                 // spec.schedulingGates is not empty
  bool deleting = false;
  bool finished = false;  // Succeeded or Failed: holds nothing any more

  Resource requests;
  std::int64_t scored_milli_cpu = 0, scored_memory = 0;  // requests with defaults for containers without any
  std::vector<HostPort> host_ports;                      // of containers and sidecars
  std::shared_ptr<const PodAffinity> affinity;           // to other pods; null: none
  std::shared_ptr<const PodVolumes> volumes;             // null: none that scheduling cares about
  std::vector<std::string> images;                       // normalised; init containers and image volumes included
  std::int32_t image_count = 0;

  ObjectKey key() const { return {std::string(namespace_name.view()), name}; }
  bool assigned() const { return !node_name.empty(); }
};

// Why a pod that had to make way for another one says that it is disrupted.
inline constexpr std::string_view kPreemptedReason = "PreemptionByScheduler";

using PodRef = std::shared_ptr<const PodInfo>;

PodRef make_pod_info(const core::v1::Pod& pod);
// The same pod as if it ran on `node`.
PodRef placed_on(const PodInfo& pod, std::string_view node);

// With the tag that an image without one means: "nginx" is "nginx:latest".
std::string normalized_image(std::string_view image);

}  // namespace ph::scheduler
