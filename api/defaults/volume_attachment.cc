// storage.k8s.io/v1 VolumeAttachment.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(storage::v1::VolumeAttachment& attachment) {
  if (!attachment.spec().source().has_inline_volume_spec()) return;
  default_persistent_volume_spec(*attachment.mutable_spec()->mutable_source()->mutable_inline_volume_spec());
}

}  // namespace ph::api
