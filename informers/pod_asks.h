// What a pod asks of the cluster: amounts of resources, priority, deadline. Held of every pod, and the same text for all pods of a
// template: PodView interns it, so that it costs a pod a pointer.
#pragma once

#include <string>
#include <string_view>

#include "core/v1.pb.h"
#include "informers/pod_view.h"

namespace ph::informers {

// From the bytes of a pod those of one that has nothing but (in this order)
//   spec    containers and initContainers (name, resources, restartPolicy), overhead, resources, activeDeadlineSeconds,
//           priorityClassName; affinity between pods where a term looks beyond the pod's namespace; resourceClaims
//   status  qosClass; of containers that say what they were given: name, allocatedResources, resources; the same of the pod, and the
//           condition PodResizePending; which claims to devices were made for it: resourceClaimStatuses, extendedResourceClaimStatus
// Throws api::DecodeError on damage.
std::string asks_of(std::string_view pod);

// The pod that `PodView::asks` holds.
core::v1::Pod asked_of(const PodView& pod);

// Whether it names claims to devices, or has one for its extended resources: few do, and this costs less than reading what it asks.
bool asks_for_devices(const PodView& pod);

}  // namespace ph::informers
