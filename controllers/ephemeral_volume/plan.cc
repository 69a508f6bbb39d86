#include "controllers/ephemeral_volume/plan.h"

#include <algorithm>

#include "controllers/common/ownership.h"

namespace ph::controllers::ephemeral_volume {

std::vector<OwnVolume> own_volumes(const PodView& pod) {
  std::vector<OwnVolume> out;
  for (const informers::ClaimView& claim : pod.claims) {
    if (claim.generic_ephemeral) out.push_back({.volume = claim.name.substr(pod.name.size() + 1), .claim = claim.name});
  }
  return out;
}

std::vector<std::string> claim_keys(const PodView& pod) {
  std::vector<std::string> out;
  for (const OwnVolume& each : own_volumes(pod)) out.push_back(std::string(pod.namespace_name.view()) + "/" + each.claim);
  return out;
}

bool is_for_pod(const Claim& claim, const PodView& pod) { return controller_uid(claim) == pod.uid; }

std::optional<Claim> claim_of(const core::v1::Pod& pod, const OwnVolume& volume) {
  const auto& all = pod.spec().volumes();
  const auto found = std::ranges::find_if(
      all, [&](const auto& each) { return each.name() == volume.volume && each.volume_source().has_ephemeral(); });
  if (found == all.end()) return std::nullopt;
  const core::v1::PersistentVolumeClaimTemplate& from = found->volume_source().ephemeral().volume_claim_template();
  Claim out;
  auto& metadata = *out.mutable_metadata();
  metadata.set_namespace_(pod.metadata().namespace_());
  metadata.set_name(volume.claim);
  *metadata.mutable_labels() = from.metadata().labels();
  *metadata.mutable_annotations() = from.metadata().annotations();
  auto& owner = *metadata.add_owner_references();
  owner.set_api_version("v1");
  owner.set_kind("Pod");
  owner.set_name(pod.metadata().name());
  owner.set_uid(pod.metadata().uid());
  owner.set_controller(true);
  owner.set_block_owner_deletion(true);
  *out.mutable_spec() = from.spec();
  return out;
}

}  // namespace ph::controllers::ephemeral_volume
