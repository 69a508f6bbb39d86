// apps/v1 ReplicaSet.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(apps::v1::ReplicaSet& object) {
  if (!object.spec().has_replicas()) object.mutable_spec()->set_replicas(1);
  default_pod_spec(*object.mutable_spec()->mutable_template_()->mutable_spec());
}

}  // namespace ph::api
