// The claims of a StatefulSet's pods: made from templates, one a pod, and owned as the retention policy wants it, so that the
// garbage collector takes those that are to go. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controllers/runtime/loop.h"

namespace ph::controllers::statefulset {

using apps::v1::StatefulSet;
using Claim = core::v1::PersistentVolumeClaim;

std::string claim_name(const StatefulSet& set, const Claim& from, std::int64_t ordinal);
// Those of the pod of that ordinal, in the order of the templates.
std::vector<Claim> claims_of(const StatefulSet& set, std::int64_t ordinal);

// The pod whose claims they are.
struct ClaimingPod {
  std::string name;
  std::string uid;      // empty: it is not there yet
  bool wanted = false;  // its ordinal is within the set's
};

// It is still that of an earlier pod of the name, and goes with it; the pod has to wait for that.
bool is_left_behind(const StatefulSet& set, const Claim& claim, const ClaimingPod& pod);
// Somebody else is its controller: the policy does not hold for it.
bool has_foreign_controller(const StatefulSet& set, const Claim& claim, const ClaimingPod& pod);
// Its owners are what the policy wants.
bool owners_fit(const StatefulSet& set, const Claim& claim, const ClaimingPod& pod);
void fit_owners(const StatefulSet& set, const ClaimingPod& pod, Claim& claim);

}  // namespace ph::controllers::statefulset
