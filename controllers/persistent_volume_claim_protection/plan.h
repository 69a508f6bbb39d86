// Which pods keep a claim from going. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/kinds.h"
#include "controllers/common/protection.h"
#include "informers/pod_view.h"

namespace ph::controllers::claim_protection {

using Claim = core::v1::PersistentVolumeClaim;

inline constexpr const char* kFinalizer = "kubernetes.io/pvc-protection";

// The claim's bytes may be in use for the pod: it has a node, whose kubelet starts no pod with a claim that is being deleted, but
// does not stop those that it knows. One that has ended may still be mounted there.
bool uses(const informers::PodView& pod, const Claim& claim);

// The claims that a pod names, of which some need it no more after this change of it (`before` null: it is new; `after` null: it is
// gone). Nothing while it goes on using them, or never has.
std::vector<ObjectKey> let_go(const informers::PodView* before, const informers::PodView* after);

}  // namespace ph::controllers::claim_protection
