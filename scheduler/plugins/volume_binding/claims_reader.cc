// Upstream: pkg/scheduler/framework/plugins/volumebinding (podHasPVCs; binder.go: GetPodVolumeClaims, hasEnoughCapacity)
#include "scheduler/plugins/volume_binding/claims_reader.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/quantity.h"
#include "scheduler/cluster/pod_volumes.h"

namespace ph::scheduler {

using core::v1::PersistentVolume, core::v1::PersistentVolumeClaim, core::v1::Volume;
using storage::v1::CSIDriver, storage::v1::CSIStorageCapacity, storage::v1::StorageClass;

namespace {

std::optional<api::Quantity> storage_of(const PersistentVolumeClaim& claim) {
  const auto& requests = claim.spec().resources().requests();
  const auto found = requests.find("storage");
  return found == requests.end() ? std::nullopt : api::Quantity::parse(found->second.string());
}

// The largest volume that can be made where a capacity counts.
std::optional<std::int64_t> largest_volume(const CSIStorageCapacity& capacity) {
  const auto& limit = capacity.has_maximum_volume_size() ? capacity.maximum_volume_size() : capacity.capacity();
  if (!capacity.has_maximum_volume_size() && !capacity.has_capacity()) return std::nullopt;
  const auto quantity = api::Quantity::parse(limit.string());
  return quantity ? std::optional(quantity->value()) : std::nullopt;
}

}  // namespace

ClaimsReader::ClaimsReader(const PluginWorld& world)
    : volumes_(lister_of<PersistentVolume>(world)),
      claims_(lister_of<PersistentVolumeClaim>(world)),
      classes_(lister_of<StorageClass>(world)),
      drivers_(lister_of<CSIDriver>(world)),
      capacities_(lister_of<CSIStorageCapacity>(world)) {}

std::string ClaimsReader::obstacle(const Pod& pod, bool& has_claims) const {
  for (const Volume& volume : pod.spec().volumes()) {
    const std::string name = claim_name(pod, volume);
    const bool ephemeral = volume.volume_source().has_ephemeral();
    if (!ephemeral && !volume.volume_source().has_persistent_volume_claim()) continue;
    has_claims = true;
    const ClaimRef claim = claims_.in_api({pod.metadata().namespace_(), name});
    if (!claim && ephemeral) {
      return fmt::format("waiting for ephemeral volume controller to create the persistentvolumeclaim \"{}\"", name);
    }
    if (!claim) return fmt::format("persistentvolumeclaim \"{}\" not found", name);
    if (claim->status().phase() == "Lost") {
      return fmt::format("persistentvolumeclaim \"{}\" bound to non-existent persistentvolume \"{}\"", name,
                         claim->spec().volume_name());
    }
    if (claim->metadata().has_deletion_timestamp()) return fmt::format("persistentvolumeclaim \"{}\" is being deleted", name);
    if (!ephemeral) continue;
    if (std::string text = not_made_for(pod, *claim); !text.empty()) return text;
  }
  return {};
}

PodClaims ClaimsReader::read(const Pod& pod) const {
  PodClaims out;
  for (const Volume& volume : pod.spec().volumes()) {
    const std::string name = claim_name(pod, volume);
    if (name.empty()) continue;
    const ClaimRef claim = claims_.find({pod.metadata().namespace_(), name});
    if (!claim) throw std::runtime_error(fmt::format("error getting PVC \"{}/{}\"", pod.metadata().namespace_(), name));
    if (api::is_fully_bound(*claim)) {
      const VolumeRef bound = volumes_.find({{}, claim->spec().volume_name()});
      out.bound.push_back({claim, bound ? std::optional<ReachableVolume>(bound) : std::nullopt});
    } else if (claim->spec().volume_name().empty() && is_delayed(*claim)) {
      add_delayed(claim, out);
    } else {
      out.waits_for_others = true;
    }
  }
  return out;
}

bool ClaimsReader::is_delayed(const PersistentVolumeClaim& claim) const {
  const std::string& name = api::class_of(claim);
  const auto storage_class = name.empty() ? nullptr : classes_.find(name);
  if (!storage_class) return false;
  if (!storage_class->has_volume_binding_mode()) {
    throw std::runtime_error(fmt::format("VolumeBindingMode not set for StorageClass \"{}\"", name));
  }
  return storage_class->volume_binding_mode() == "WaitForFirstConsumer";
}

void ClaimsReader::add_delayed(ClaimRef claim, PodClaims& out) const {
  DelayedClaim one{.claim = claim, .selected_node = {}, .candidates = {}, .provision = provision_of(*claim)};
  const auto& annotations = claim->metadata().annotations();
  if (const auto selected = annotations.find(api::kSelectedNode); selected != annotations.end()) {
    one.selected_node = selected->second;
  }
  // Claims of one class have the same candidates.
  for (const DelayedClaim& other : out.delayed) {
    if (api::class_of(*other.claim) == api::class_of(*claim)) one.candidates = other.candidates;
  }
  if (!one.candidates) {
    auto candidates = std::make_shared<std::vector<ReachableVolume>>();
    for (const VolumeRef& volume : volumes_.list()) {
      if (api::class_of(*volume) == api::class_of(*claim)) candidates->emplace_back(volume);
    }
    one.candidates = std::move(candidates);
  }
  const auto size = [](const DelayedClaim& claim) { return storage_of(*claim.claim).value_or(api::Quantity()); };
  out.delayed.insert(std::ranges::upper_bound(out.delayed, size(one), {}, size), std::move(one));
}

Provision ClaimsReader::provision_of(const PersistentVolumeClaim& claim) const {
  Provision out;
  const std::string& name = api::class_of(claim);
  const auto storage_class = classes_.find(name);
  if (!storage_class) {
    out.problem = fmt::format("failed to find storage class \"{}\"", name);
    return out;
  }
  out.possible = !storage_class->provisioner().empty() && storage_class->provisioner() != api::kNoProvisioner;
  for (const auto& term : storage_class->allowed_topologies()) {
    auto& requirements = out.topologies.emplace_back();
    for (const auto& one : term.match_label_expressions()) {
      requirements.emplace_back(one.key(), std::vector<std::string>(one.values().begin(), one.values().end()));
    }
  }
  if (out.possible) out.capacity = capacity_for(claim, *storage_class);
  return out;
}

std::optional<std::vector<LabelMatcher>> ClaimsReader::capacity_for(const PersistentVolumeClaim& claim,
                                                                    const StorageClass& storage_class) const {
  const auto wanted = storage_of(claim);
  const auto driver = drivers_.find(storage_class.provisioner());
  if (!wanted || !driver || !driver->spec().storage_capacity()) return std::nullopt;
  std::vector<LabelMatcher> out;
  for (const auto& capacity : capacities_.list()) {
    if (capacity->storage_class_name() != storage_class.metadata().name() || !capacity->has_node_topology()) continue;
    const auto limit = largest_volume(*capacity);
    if (!limit || *limit < wanted->value()) continue;
    try {
      out.push_back(LabelMatcher::of(capacity->node_topology()));
    } catch (const api::DecodeError&) {
      // No node is known to reach it.
    }
  }
  return out;
}

}  // namespace ph::scheduler
