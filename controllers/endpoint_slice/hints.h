// Which zones and nodes an endpoint is for. Pure. Reference: "Topology Aware Routing" and "Traffic distribution" in the Kubernetes
// documentation; KEP-2433, KEP-4444, KEP-3015.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/endpoint_slice/plan.h"
#include "informers/node_view.h"

namespace ph::controllers::endpoint_slice {

// What matters of a node.
struct NodeFacts {
  bool counts = false;  // it is ready, and no control plane's
  std::string zone;
  std::int64_t milli_cpu = 0;  // that pods may have
  bool operator==(const NodeFacts&) const = default;
};
NodeFacts facts_of(const informers::NodeView& node);

// Of each zone, its part of all CPUs. Empty: of some node it is not known where it is or what it has, or there are not two zones.
using ZoneShares = std::map<std::string, double>;
ZoneShares zone_shares(const std::vector<NodeFacts>& nodes);

// The annotation service.kubernetes.io/topology-mode (or its older name) asks for it.
bool wants_zone_hints(const core::v1::Service& service);

struct Told {
  bool is_warning = true;
  std::string reason, message;
};
struct Hinted {
  bool done = false;                   // false: no endpoint has hints
  std::map<std::string, int> by_zone;  // endpoints that are for it
  Told told;                           // why not
};
// Gives every ready endpoint a zone, so that zones have endpoints according to their shares, or none at all. Slices that would not be
// written keep theirs as long as they fit.
Hinted hint_by_zones(Plan& plan, const ZoneShares& shares, std::string_view address_type);
// The zone or node it is in, as the service's traffic distribution has it; else none.
void hint_by_distribution(Plan& plan, const core::v1::Service& service);

// The zones that the ready endpoints of slices are for.
std::map<std::string, int> hints_by_zone(const std::vector<discovery::v1::EndpointSlice>& slices);
// A zone has too few endpoints for its share now: what was hinted has to be thought over.
bool is_overloaded(const std::map<std::string, int>& by_zone, const ZoneShares& shares);

// What is said when hints come, and when they go since they are not asked for any more.
Told hints_enabled(std::string_view address_type);
Told hints_disabled(std::string_view address_type);

}  // namespace ph::controllers::endpoint_slice
