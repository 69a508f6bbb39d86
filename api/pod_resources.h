// What a pod asks for in all. Upstream: component-helpers/resource. Reference: "Resource Management for Pods and Containers"; KEP-753
// (sidecars), KEP-1287 (resizing in place), KEP-2837 (resources of the pod as a whole).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/quantity.h"
#include "core/v1.pb.h"

namespace ph::api {

using ResourceAmounts = std::map<std::string, Quantity, std::less<>>;

// ResourceAmounts that are no quantities are left out.
ResourceAmounts amounts_of(const google::protobuf::Map<std::string, meta::v1::Quantity>& resources);
void add(ResourceAmounts& into, const ResourceAmounts& more);
// Each is at least as much afterwards.
void raise(ResourceAmounts& into, const ResourceAmounts& least);

// Containers and sidecars together, or its largest init container, whichever is more; what the pod asks for as a whole in place of
// the sums; the overhead on top. Containers that are being resized count with the larger of what is asked, given and in use.
// `defaults`: of containers without such a request.
ResourceAmounts pod_requests(const core::v1::Pod& pod, const ResourceAmounts& defaults = {});
// The same of limits. Overhead is added to what is limited.
ResourceAmounts pod_limits(const core::v1::Pod& pod);

// The pod has requests (limits or requests) of its own, besides its containers'.
bool asks_as_a_whole(const core::v1::PodSpec& spec);
bool has_resources_as_a_whole(const core::v1::PodSpec& spec);

}  // namespace ph::api
