// Upstream: component-helpers/storage/volume
#include "api/volumes.h"

#include <algorithm>
#include <optional>

#include "api/quantity.h"
#include "api/selector.h"

namespace ph::api {

using core::v1::PersistentVolume, core::v1::PersistentVolumeClaim;

namespace {

constexpr const char* kClassOfOld = "volume.beta.kubernetes.io/storage-class";

template <class T>
const std::string& class_or_annotation(const T& object) {
  const auto found = object.metadata().annotations().find(kClassOfOld);
  return found == object.metadata().annotations().end() ? object.spec().storage_class_name() : found->second;
}

template <class Map>
Quantity storage_of(const Map& amounts) {
  const auto found = amounts.find("storage");
  if (found == amounts.end()) return {};
  return Quantity::parse(found->second.string()).value_or(Quantity());
}

template <class Spec>
std::string_view mode_of(const Spec& spec) {
  return spec.has_volume_mode() ? std::string_view(spec.volume_mode()) : "Filesystem";
}

}  // namespace

const std::string& class_of(const PersistentVolumeClaim& claim) { return class_or_annotation(claim); }
const std::string& class_of(const PersistentVolume& volume) { return class_or_annotation(volume); }

bool is_bound_to(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  if (!volume.spec().has_claim_ref()) return false;
  const auto& ref = volume.spec().claim_ref();
  if (ref.name() != claim.metadata().name() || ref.namespace_() != claim.metadata().namespace_()) return false;
  return ref.uid().empty() || ref.uid() == claim.metadata().uid();
}

bool is_fully_bound(const PersistentVolumeClaim& claim) {
  return !claim.spec().volume_name().empty() && claim.metadata().annotations().contains(kBindCompleted);
}

bool is_large_enough(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  return !(storage_of(volume.spec().capacity()) < storage_of(claim.spec().resources().requests()));
}

bool has_same_mode(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  return mode_of(volume.spec()) == mode_of(claim.spec());
}

bool has_access_modes(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto& offered = volume.spec().access_modes();
  return std::ranges::all_of(claim.spec().access_modes(),
                             [&](const std::string& mode) { return std::ranges::find(offered, mode) != offered.end(); });
}

const PersistentVolume* find_matching_volume(const PersistentVolumeClaim& claim, std::span<const VolumeChoice> choices,
                                             const std::set<std::string, std::less<>>& taken) {
  const Quantity wanted = storage_of(claim.spec().resources().requests());
  std::optional<LabelSelector> selector;
  if (claim.spec().has_selector()) selector = LabelSelector::from(claim.spec().selector());
  const PersistentVolume* smallest = nullptr;
  Quantity its_size;
  // All are looked at: the one that is kept for the claim may be the last.
  for (const auto& [volume, reachable] : choices) {
    const auto& spec = volume->spec();
    if (taken.contains(volume->metadata().name())) continue;
    const bool kept = is_bound_to(*volume, claim);
    if (spec.has_claim_ref() && !kept) continue;
    const Quantity size = storage_of(spec.capacity());
    if (size < wanted || mode_of(spec) != mode_of(claim.spec())) continue;
    if (spec.volume_attributes_class_name() != claim.spec().volume_attributes_class_name()) continue;
    if (volume->metadata().has_deletion_timestamp()) continue;
    if (kept) return reachable ? volume : nullptr;
    if (volume->status().phase() != "Available" || !reachable) continue;
    if (selector && !selector->matches_map(volume->metadata().labels())) continue;
    if (class_of(*volume) != class_of(claim) || !has_access_modes(*volume, claim)) continue;
    if (!smallest || size < its_size) {
      smallest = volume;
      its_size = size;
    }
  }
  return smallest;
}

}  // namespace ph::api
