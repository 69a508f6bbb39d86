// What a claim that asks for more than it has is told. Pure.
#pragma once

#include <optional>
#include <string>

#include "api/kinds.h"

namespace ph::controllers::volume_expander {

using Claim = core::v1::PersistentVolumeClaim;
using Volume = core::v1::PersistentVolume;

// Of a claim: the driver whose resizer is to let its volume grow.
inline constexpr const char* kResizer = "volume.kubernetes.io/storage-resizer";

// A change that brings the claim: it is bound, and is new or asks for more than before. `before` null: it is new; `after` null: it is gone.
bool asks_for_more(const Claim* before, const Claim* after);

struct Expansion {
  std::string message;  // of the event ExternalExpanding
  std::string resizer;  // a driver, where it is not the volume's own; empty: it need not be said
};
// `volume`: the one that the claim names. Nothing: the claim has what it asks for.
std::optional<Expansion> plan(const Claim& claim, const Volume& volume);

}  // namespace ph::controllers::volume_expander
