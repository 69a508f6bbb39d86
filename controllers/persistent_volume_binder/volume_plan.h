// What is to be done about a volume. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/persistent_volume_binder/names.h"

namespace ph::controllers::volume_binder {

// The volume would be taken for one whose claim is gone: that is to be certain, for a copy of the claims may be behind.
bool seems_released(const Volume& volume, const Claim* claim);

struct VolumeSituation {
  const Volume& volume;
  const Claim* claim = nullptr;    // of the name that the volume names; null: there is none
  std::vector<std::string> users;  // pods that use that claim, and have not ended
};

// A phase that it comes into, unless it is in it.
struct PhaseStep {
  std::string phase;
  std::string message;
  std::optional<Told> told;
};

// Carried out from top to bottom.
struct VolumePlan {
  std::optional<Volume> rewritten;  // its spec or metadata
  bool looks_again = false;         // … and nothing more: it is to be judged anew as it is then
  std::vector<PhaseStep> phases;
  std::optional<Told> told, told_of_claim;
  bool rests = false;  // until it, or its claim, changes
};
VolumePlan plan_volume(const VolumeSituation& of);

}  // namespace ph::controllers::volume_binder
