// Endpoint slices of a service: which endpoints there should be, and the fewest writes that bring the slices there.
// Reference: "EndpointSlices" in the Kubernetes documentation; KEP-752.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/v1.pb.h"
#include "discovery/v1.pb.h"
#include "informers/pod_view.h"

namespace ph::controllers::endpoint_slice {

inline constexpr const char* kManagedBy = "endpointslice-controller.k8s.io";
inline constexpr const char* kServiceLabel = "kubernetes.io/service-name";
inline constexpr const char* kManagedByLabel = "endpointslice.kubernetes.io/managed-by";

// Finds the zone of a node: "" when it has none, nothing when there is no such node.
using ZoneOf = std::function<std::optional<std::string>(std::string_view node)>;

// The endpoints that share one list of ports, in the order of their pods' names.
struct Group {
  std::vector<discovery::v1::EndpointPort> ports;
  std::vector<discovery::v1::Endpoint> endpoints;
};

struct Desired {
  std::vector<Group> groups;  // one for each distinct list of ports: named target ports may differ between pods
  // Pods on nodes that nobody knows: a slice that names one could never be right again. Left out, unless the service publishes
  // whatever there is.
  std::vector<informers::Ref<informers::PodView>> without_node;
};
// For one address type, without hints.
Desired desired(const core::v1::Service& service, const std::vector<informers::Ref<informers::PodView>>& pods,
                std::string_view address_type, const ZoneOf& zone_of);

// The address types a service has: "IPv4", "IPv6".
std::vector<std::string> address_types(const core::v1::Service& service);

struct Plan {
  std::vector<discovery::v1::EndpointSlice> create, update, remove;
  std::vector<discovery::v1::EndpointSlice> unchanged;
  bool empty() const { return create.empty() && update.empty() && remove.empty(); }
};

// `existing`: the slices of this service and address type that are ours, in the order of their names. An endpoint that
// stays, stays in its slice; what changed is changed in place; new ones fill slices that are written anyway, then one other that
// can take all the rest, then new slices of at most `max_per_slice`, which take the place of slices that would go. A service without
// endpoints keeps one empty slice. Hints are those that endpoints had which are otherwise as they were; new ones have none yet (hints.h).
Plan reconcile(const core::v1::Service& service, std::string_view address_type, std::vector<Group> groups,
               std::vector<discovery::v1::EndpointSlice> existing, int max_per_slice);

}  // namespace ph::controllers::endpoint_slice
