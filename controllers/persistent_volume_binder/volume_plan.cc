#include "controllers/persistent_volume_binder/volume_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/volumes.h"
#include "controllers/persistent_volume_binder/in_tree.h"
#include "controllers/persistent_volume_binder/writes.h"

namespace ph::controllers::volume_binder {
namespace {

constexpr const char* kWarning = "Warning";

// It names a claim that it was bound to, and not merely one that it is kept for.
bool has_had_claim(const Volume& volume) { return volume.spec().has_claim_ref() && !volume.spec().claim_ref().uid().empty(); }
bool is_its(const Claim* claim, const Volume& volume) {
  return claim && claim->metadata().uid() == volume.spec().claim_ref().uid();
}
bool is_out_of_use(const Volume& volume) { return volume.status().phase() == kReleased || volume.status().phase() == kFailed; }

PhaseStep failed(const char* reason, std::string message) {
  return {.phase = kFailed, .message = message, .told = Told{kWarning, reason, message}};
}

void reclaim(const VolumeSituation& of, VolumePlan& plan) {
  plan.rests = true;
  // The driver that has taken it over has a provisioner of its own.
  if (!annotation(of.volume, kMigratedTo).empty()) return;
  const std::string& policy = of.volume.spec().persistent_volume_reclaim_policy();
  if (policy == "Retain") return;
  if (policy == "Delete") {
    const std::string problem = deletion_problem(of.volume);
    if (!problem.empty()) plan.phases.push_back(failed("VolumeFailedDelete", problem));
  } else if (policy == "Recycle" && !of.users.empty()) {
    plan.rests = false;
    plan.told =
        Told{.reason = "VolumeFailedRecycle", .message = fmt::format("Volume is used by pods: {}", fmt::join(of.users, ","))};
  } else if (policy == "Recycle") {
    plan.phases.push_back(failed("VolumeFailedRecycle", "No recycler plugin found for the volume!"));
  } else {
    plan.phases.push_back(failed("VolumeUnknownReclaimPolicy", "Volume has unrecognized PersistentVolumeReclaimPolicy"));
  }
}

// A volume that has failed stays so for people to see.
VolumePlan release(const VolumeSituation& of) {
  VolumePlan plan;
  if (!is_out_of_use(of.volume)) plan.phases.push_back({.phase = kReleased, .message = {}, .told = {}});
  reclaim(of, plan);
  return plan;
}

// The claim does not know yet. Its own turn, which the volume brings, makes them one, or another volume the claim's.
VolumePlan wait_for_claim(const VolumeSituation& of) {
  VolumePlan plan;
  if (api::has_same_mode(of.volume, *of.claim)) return plan;
  constexpr const char* kReason = "VolumeMismatch";
  plan.told =
      Told{kWarning, kReason,
           fmt::format("Cannot bind PersistentVolume to requested PersistentVolumeClaim \"{}\" due to incompatible volumeMode.",
                       of.claim->metadata().name())};
  plan.told_of_claim =
      Told{kWarning, kReason,
           fmt::format("Cannot bind PersistentVolume \"{}\" to requested PersistentVolumeClaim due to incompatible volumeMode.",
                       of.volume.metadata().name())};
  return plan;
}

}  // namespace

bool seems_released(const Volume& volume, const Claim* claim) {
  return has_had_claim(volume) && !is_its(claim, volume) && !is_out_of_use(volume);
}

VolumePlan plan_volume(const VolumeSituation& of) {
  if (auto told = with_migration(of.volume)) return {.rewritten = std::move(told), .looks_again = true};
  const auto in = [](const char* phase) { return std::vector<PhaseStep>{{.phase = phase, .message = {}, .told = {}}}; };
  if (!has_had_claim(of.volume)) return {.phases = in(kAvailable), .rests = true};
  if (!is_its(of.claim, of.volume)) return release(of);
  const std::string& its_volume = of.claim->spec().volume_name();
  if (its_volume.empty()) return wait_for_claim(of);
  if (its_volume == of.volume.metadata().name()) return {.phases = in(kBound), .rests = true};
  // The claim has got another one.
  const bool was_made_for_it = of.volume.metadata().annotations().contains(kProvisionedBy);
  if (was_made_for_it && of.volume.spec().persistent_volume_reclaim_policy() == "Delete") return release(of);
  return {.rewritten = given_up(of.volume), .phases = in(kAvailable)};
}

}  // namespace ph::controllers::volume_binder
