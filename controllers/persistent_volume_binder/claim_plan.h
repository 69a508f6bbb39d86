// What is to be done about a claim. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/persistent_volume_binder/names.h"

namespace ph::controllers::volume_binder {

// What is known of it.
struct ClaimSituation {
  const Claim& claim;
  const Volume* named = nullptr;                // the volume that it names; null: there is none of that name
  std::vector<const Volume*> candidates;        // where it names none: those that it could have
  const StorageClass* its_class = nullptr;      // null: there is none of that name
  const StorageClass* default_class = nullptr;  // null: there is none
  std::vector<std::string> waiting_pods;        // that name the claim, and have no node yet
  bool provisions = true;                       // --enable-dynamic-provisioning
};

// Carried out from top to bottom.
struct ClaimPlan {
  const Volume* volume = nullptr;  // one of the situation's, that the claim is to be bound to, as far as it is not yet
  std::optional<Claim> rewritten;  // its spec or annotations
  bool looks_again = false;        // … and nothing more: it is to be judged anew as it is then
  std::string phase;               // of a claim without a volume; empty: stays as it is
  std::optional<Told> told;
  std::optional<Told> told_of_phase;  // only where it was in another phase before
  std::string problem;                // nothing can be done, for the log

  static ClaimPlan bind(const Volume* volume) { return {.volume = volume}; }
};
ClaimPlan plan_claim(const ClaimSituation& of);

}  // namespace ph::controllers::volume_binder
