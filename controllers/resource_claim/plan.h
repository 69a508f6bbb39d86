// What a claim holds for whom, and what is to be done about it. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "controllers/resource_claim/pod_claims.h"

namespace ph::controllers::resource_claim {

// A claim with devices has it, so that it does not vanish before they are given back.
inline constexpr const char* kFinalizer = "resource.kubernetes.io/delete-protection";

// A pod for which a claim is kept: one it is reserved for, or the one it was made for.
struct PodOfClaim {
  std::string name, uid;
};
std::vector<PodOfClaim> pods_of(const Claim& claim);

// "pod" of the owner that controls it; no name: it was made for none.
PodOfClaim owner_of_claim(const Claim& claim);

struct Steps {
  bool writes_status = false;  // as in `claim`
  bool drops_finalizer = false;
  bool is_abandoned = false;  // it holds nothing and has the finalizer: somebody is about to use it, or has stopped half-way
  bool removes = false;       // the pod it was made for needs it no more
  Claim claim;
};
// `ended`: the UIDs of those of `pods_of` that do not run, or are not there.
Steps steps(const Claim& claim, const std::set<std::string>& ended);

// The pod is to be among those that use the claim, and is not.
bool lacks_reservation(const Claim& claim, const PodView& pod);
void reserve(Claim& claim, const PodView& pod);

}  // namespace ph::controllers::resource_claim
