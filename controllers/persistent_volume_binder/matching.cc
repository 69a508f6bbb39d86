#include "controllers/persistent_volume_binder/matching.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/volumes.h"

namespace ph::controllers::volume_binder {
namespace {

// Volumes of the same access modes, in whatever order they name them.
struct Modes {
  std::size_t number;
  std::string names;
  auto operator<=>(const Modes&) const = default;
};
Modes modes_of(const Volume& volume) {
  std::set<std::string> modes(volume.spec().access_modes().begin(), volume.spec().access_modes().end());
  return {modes.size(), fmt::format("{}", fmt::join(modes, ","))};
}

}  // namespace

const Volume* best_match(const Claim& claim, std::span<const Volume* const> candidates, bool waits) {
  std::map<Modes, std::vector<api::VolumeChoice>> groups;
  for (const Volume* volume : candidates) {
    if (!api::has_access_modes(*volume, claim)) continue;
    if (waits && !api::is_bound_to(*volume, claim)) continue;
    groups[modes_of(*volume)].push_back({.volume = volume});
  }
  for (const auto& [modes, choices] : groups) {
    if (const Volume* found = api::find_matching_volume(claim, choices, {})) return found;
  }
  return nullptr;
}

std::string mismatch(const Volume& volume, const Claim& claim) {
  if (volume.metadata().has_deletion_timestamp())
    return fmt::format("the volume is marked for deletion \"{}\"", volume.metadata().name());
  if (!api::is_large_enough(volume, claim)) return "requested PV is too small";
  if (api::class_of(volume) != api::class_of(claim)) return "storageClassName does not match";
  if (volume.spec().volume_attributes_class_name() != claim.spec().volume_attributes_class_name())
    return "volumeAttributesClassName does not match";
  if (!api::has_same_mode(volume, claim)) return "incompatible volumeMode";
  if (!api::has_access_modes(volume, claim)) return "incompatible accessMode";
  return {};
}

}  // namespace ph::controllers::volume_binder
