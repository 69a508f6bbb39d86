// The Endpoints of a service: pure functions of the service and its pods.
// Reference: "Service: Endpoints" in the Kubernetes documentation; KEP-4974 (their deprecation).
#pragma once

#include <string>
#include <vector>

#include "controllers/runtime/loop.h"
#include "core/v1.pb.h"

namespace ph::controllers::endpoints {

using core::v1::Endpoints, core::v1::EndpointSubset, core::v1::Service;

inline constexpr int kAddressesMax = 1000;
inline constexpr const char* kOverCapacity = "endpoints.kubernetes.io/over-capacity";
inline constexpr const char* kManagedByLabel = "endpoints.kubernetes.io/managed-by";
inline constexpr const char* kManagedBy = "endpoint-controller";  // made by this loop, here or upstream

// Of the service's first family; pods on their way out only when it publishes whatever there is.
std::vector<EndpointSubset> subsets_of(const Service& service, const std::vector<Ref<PodView>>& pods);

// At most kAddressesMax addresses stay, ready ones before others, each subset in proportion. Whether some went.
bool truncate(std::vector<EndpointSubset>& subsets);

// `current` (one of the service's name, or a new one) as it is to be: subsets, labels, and whether there were too many.
Endpoints desired(const Service& service, const std::vector<Ref<PodView>>& pods, Endpoints current);

// What they say, as bytes: all but the annotations of others.
std::string essence(const Endpoints& endpoints);

}  // namespace ph::controllers::endpoints
