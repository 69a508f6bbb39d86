// v1 ResourceQuota.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(core::v1::ResourceQuota& quota) {
  round_up(*quota.mutable_spec()->mutable_hard());
  round_up(*quota.mutable_status()->mutable_hard());
  round_up(*quota.mutable_status()->mutable_used());
}

}  // namespace ph::api
