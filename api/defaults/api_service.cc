// apiregistration.k8s.io/v1 APIService.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(apiregistration::v1::APIService& object) {
  if (!object.spec().has_service() || object.spec().service().has_port()) return;
  object.mutable_spec()->mutable_service()->set_port(443);
}

}  // namespace ph::api
