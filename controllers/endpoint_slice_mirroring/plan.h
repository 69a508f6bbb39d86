// The slices that mirror Endpoints which somebody else keeps: pure functions, no I/O.
// Reference: "EndpointSlices: EndpointSlice mirroring" in the Kubernetes documentation; KEP-752.
#pragma once

#include <vector>

#include "core/v1.pb.h"
#include "discovery/v1.pb.h"

namespace ph::controllers::endpoint_slice_mirroring {

using core::v1::Endpoints;
using discovery::v1::EndpointSlice;

inline constexpr const char* kManagedBy = "endpointslicemirroring-controller.k8s.io";

// Not those that say they are not to be, nor what leaders once elected each other with.
bool may_be_mirrored(const Endpoints& endpoints);

struct Plan {
  std::vector<EndpointSlice> create, update, remove;
  int invalid = 0;  // addresses that are none
  int skipped = 0;  // addresses beyond `max_per_subset` of a subset, and invalid ones
};
// One slice for each subset and family, of at most `max_per_subset` addresses. `existing`: all slices that mirror them, in the order
// of their names. What says the right thing stays as it is; slices that would go take what is new.
Plan plan(const Endpoints& endpoints, std::vector<EndpointSlice> existing, int max_per_subset);

}  // namespace ph::controllers::endpoint_slice_mirroring
