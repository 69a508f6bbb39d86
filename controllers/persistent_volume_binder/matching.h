// Which volume a claim gets. Pure.
#pragma once

#include <span>
#include <string>

#include "controllers/persistent_volume_binder/names.h"

namespace ph::controllers::volume_binder {

// The best of `candidates` for a claim that names no volume. Those with the fewest access modes go first, whatever their size: a volume
// that several nodes may write to is not spent on a claim of one. Of these it is the one kept for the claim, or the smallest that fits
// (api/volumes.h). A claim that waits for its first pod (`waits`) gets only what is kept for it: the scheduler chooses among the others.
// Null: there is none. Throws DecodeError for a selector that cannot be.
const Volume* best_match(const Claim& claim, std::span<const Volume* const> candidates, bool waits);

// Why a claim cannot have the volume that it names, in upstream's words. Empty: it can.
std::string mismatch(const Volume& volume, const Claim& claim);

}  // namespace ph::controllers::volume_binder
