// A pod's resource claims.
#pragma once

#include <string>
#include <vector>

#include "scheduler/framework/assumed.h"

namespace ph::scheduler {

using ResourceClaimRef = informers::Ref<resources::v1::ResourceClaim>;

struct PodResourceClaims {
  std::vector<ResourceClaimRef> claims;  // in the order of the pod's
  std::string problem;                   // why they are not all there; the others are left out then
};
PodResourceClaims resource_claims_of(const Pod& pod, const Assumed<resources::v1::ResourceClaim>& claims);

bool is_reserved_for(const resources::v1::ResourceClaim& claim, std::string_view pod_uid);
// Some pod more can use it together with those that do.
bool can_be_reserved(const resources::v1::ResourceClaim& claim);

}  // namespace ph::scheduler
