// Whom a change of a claim or a volume concerns besides itself. Pure.
#pragma once

#include <vector>

#include "controllers/persistent_volume_binder/names.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers::volume_binder {

// The claim that a volume names; nothing: it names none.
std::optional<ObjectKey> claim_of(const Volume& volume);

// The volume of a claim that is gone.
std::vector<ObjectKey> volumes_left(const Claim* before, const Claim* after);

// Of a change of a volume: the claim that has lost it, the one that is bound to it, and the one that does not know yet that it is to be
// bound to it. `find` gives claims as they are.
using FindClaim = std::function<Ref<Claim>(const ObjectKey&)>;
std::vector<ObjectKey> claims_concerned(const Volume* before, const Volume* after, const FindClaim& find);

}  // namespace ph::controllers::volume_binder
