// v1 PodTemplate.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(core::v1::PodTemplate& object) { default_pod_spec(*object.mutable_template_()->mutable_spec()); }

}  // namespace ph::api
