// v1 PersistentVolumeClaim.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(core::v1::PersistentVolumeClaim& claim) {
  if (claim.status().phase().empty()) claim.mutable_status()->set_phase("Pending");
  default_claim_spec(*claim.mutable_spec());
  round_up(*claim.mutable_status()->mutable_capacity());
  round_up(*claim.mutable_status()->mutable_allocated_resources());
}

}  // namespace ph::api
