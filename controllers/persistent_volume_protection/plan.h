// What keeps a volume from going. Pure.
#pragma once

#include "api/kinds.h"
#include "controllers/common/protection.h"

namespace ph::controllers::volume_protection {

using Volume = core::v1::PersistentVolume;

inline constexpr const char* kFinalizer = "kubernetes.io/pv-protection";

// A claim has it. Who binds and releases volumes says so in their phase.
inline bool is_used(const Volume& volume) { return volume.status().phase() == "Bound"; }

// Something is to be written: it lacks the finalizer, or is deleted, held by it, and not used.
inline Protection step(const Volume& volume) {
  const Protection protection = protection_of(volume.metadata(), kFinalizer);
  return protection == Protection::Leaving && is_used(volume) ? Protection::Fits : protection;
}

}  // namespace ph::controllers::volume_protection
