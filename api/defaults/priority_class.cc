// scheduling.k8s.io/v1 PriorityClass.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(scheduling::v1::PriorityClass& object) {
  if (!object.has_preemption_policy()) object.set_preemption_policy("PreemptLowerPriority");
}

}  // namespace ph::api
