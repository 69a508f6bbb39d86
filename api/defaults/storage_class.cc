// storage.k8s.io/v1 StorageClass.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(storage::v1::StorageClass& object) {
  if (!object.has_reclaim_policy()) object.set_reclaim_policy("Delete");
  if (!object.has_volume_binding_mode()) object.set_volume_binding_mode("Immediate");
}

}  // namespace ph::api
