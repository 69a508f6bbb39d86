// v1 PersistentVolume.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(core::v1::PersistentVolume& volume) {
  if (volume.status().phase().empty()) volume.mutable_status()->set_phase("Pending");
  core::v1::PersistentVolumeSpec& spec = *volume.mutable_spec();
  if (spec.persistent_volume_reclaim_policy().empty()) spec.set_persistent_volume_reclaim_policy("Retain");
  default_persistent_volume_spec(spec);
}

}  // namespace ph::api
