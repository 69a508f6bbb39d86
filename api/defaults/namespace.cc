// v1 Namespace.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(core::v1::Namespace& object) {
  if (object.status().phase().empty()) object.mutable_status()->set_phase("Active");
  // Selectors rely on this label, so that nobody may set another value. A generated name is not known yet.
  meta::v1::ObjectMeta& metadata = *object.mutable_metadata();
  if (!metadata.name().empty()) (*metadata.mutable_labels())["kubernetes.io/metadata.name"] = metadata.name();
}

}  // namespace ph::api
