// apps/v1 DaemonSet.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(apps::v1::DaemonSet& object) {
  apps::v1::DaemonSetSpec& spec = *object.mutable_spec();
  apps::v1::DaemonSetUpdateStrategy& strategy = *spec.mutable_update_strategy();
  if (strategy.type().empty()) strategy.set_type("RollingUpdate");
  if (strategy.type() == "RollingUpdate") {
    auto& rolling = *strategy.mutable_rolling_update();
    if (!rolling.has_max_unavailable()) rolling.mutable_max_unavailable()->set_int_val(1);
    if (!rolling.has_max_surge()) rolling.mutable_max_surge()->set_int_val(0);
  }
  if (!spec.has_revision_history_limit()) spec.set_revision_history_limit(10);
  default_pod_spec(*spec.mutable_template_()->mutable_spec());
}

}  // namespace ph::api
