// apps/v1 Deployment.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(apps::v1::Deployment& deployment) {
  apps::v1::DeploymentSpec& spec = *deployment.mutable_spec();
  if (!spec.has_replicas()) spec.set_replicas(1);
  if (!spec.has_revision_history_limit()) spec.set_revision_history_limit(10);
  if (!spec.has_progress_deadline_seconds()) spec.set_progress_deadline_seconds(600);
  apps::v1::DeploymentStrategy& strategy = *spec.mutable_strategy();
  if (strategy.type().empty()) strategy.set_type("RollingUpdate");
  if (strategy.type() == "RollingUpdate") {
    const auto quarter = [](meta::v1::IntOrString& out) {
      out.set_type(1);
      out.set_str_val("25%");
    };
    auto& rolling = *strategy.mutable_rolling_update();
    if (!rolling.has_max_unavailable()) quarter(*rolling.mutable_max_unavailable());
    if (!rolling.has_max_surge()) quarter(*rolling.mutable_max_surge());
  }
  default_pod_spec(*spec.mutable_template_()->mutable_spec());
}

}  // namespace ph::api
