// The claims of generic ephemeral volumes. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/kinds.h"
#include "informers/pod_view.h"

namespace ph::controllers::ephemeral_volume {

using Claim = core::v1::PersistentVolumeClaim;
using informers::PodView;

// A volume of the pod that brings its own claim.
struct OwnVolume {
  std::string volume, claim;
};
std::vector<OwnVolume> own_volumes(const PodView& pod);

// "namespace/name" of these claims, for an index.
std::vector<std::string> claim_keys(const PodView& pod);

// The pod is the claim's controller; otherwise it is somebody else's of that name.
bool is_for_pod(const Claim& claim, const PodView& pod);

// As the volume of the pod says. Nothing: it has none such.
std::optional<Claim> claim_of(const core::v1::Pod& pod, const OwnVolume& volume);

}  // namespace ph::controllers::ephemeral_volume
