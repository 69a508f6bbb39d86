// autoscaling/v1 HorizontalPodAutoscaler.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(autoscaling::v1::HorizontalPodAutoscaler& object) {
  auto& spec = *object.mutable_spec();
  if (!spec.has_min_replicas()) spec.set_min_replicas(1);
  // Metrics of version 2 travel in an annotation; with none at all, CPU at 80 % is meant.
  const bool has_metrics = object.metadata().annotations().contains("autoscaling.alpha.kubernetes.io/metrics");
  if (!spec.has_target_cpu_utilization_percentage() && !has_metrics) spec.set_target_cpu_utilization_percentage(80);
}

}  // namespace ph::api
