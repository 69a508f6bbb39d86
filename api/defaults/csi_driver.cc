// storage.k8s.io/v1 CSIDriver.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(storage::v1::CSIDriver& driver) {
  storage::v1::CSIDriverSpec& spec = *driver.mutable_spec();
  if (!spec.has_attach_required()) spec.set_attach_required(true);
  if (!spec.has_pod_info_on_mount()) spec.set_pod_info_on_mount(false);
  if (!spec.has_storage_capacity()) spec.set_storage_capacity(false);
  if (!spec.has_fs_group_policy()) spec.set_fs_group_policy("ReadWriteOnceWithFSType");
  if (spec.volume_lifecycle_modes().empty()) spec.add_volume_lifecycle_modes("Persistent");
  if (!spec.has_requires_republish()) spec.set_requires_republish(false);
  if (!spec.has_se_linux_mount()) spec.set_se_linux_mount(false);
}

}  // namespace ph::api
