// autoscaling/v1 and v2 HorizontalPodAutoscaler.
#include "api/autoscaler.h"
#include "api/convert.h"
#include "api/defaults/defaults.h"

namespace ph::api {

namespace v2 = autoscaling::v2;

namespace {

struct Policy {
  const char* type;
  std::int32_t value;
};

void default_rules(v2::HPAScalingRules& rules, std::initializer_list<Policy> policies) {
  if (!rules.has_select_policy()) rules.set_select_policy("Max");
  if (!rules.policies().empty()) return;
  for (const Policy& policy : policies) {
    v2::HPAScalingPolicy& one = *rules.add_policies();
    one.set_type(policy.type);
    one.set_value(policy.value);
    one.set_period_seconds(15);
  }
}

}  // namespace

void set_defaults(autoscaling::v1::HorizontalPodAutoscaler& object) {
  auto& spec = *object.mutable_spec();
  if (!spec.has_min_replicas()) spec.set_min_replicas(1);
  // Metrics of version 2 travel in an annotation; with none at all, the CPU is meant.
  const bool has_metrics = object.metadata().annotations().contains(kAutoscalerMetrics);
  if (!spec.has_target_cpu_utilization_percentage() && !has_metrics)
    spec.set_target_cpu_utilization_percentage(kImplicitCpuUtilization);
}

void set_defaults(v2::HorizontalPodAutoscaler& object) {
  v2::HorizontalPodAutoscalerSpec& spec = *object.mutable_spec();
  if (!spec.has_min_replicas()) spec.set_min_replicas(1);
  if (spec.metrics().empty()) *spec.add_metrics() = cpu_utilization(kImplicitCpuUtilization);
  if (!spec.has_behavior()) return;
  v2::HPAScalingRules& up = *spec.mutable_behavior()->mutable_scale_up();
  if (!up.has_stabilization_window_seconds()) up.set_stabilization_window_seconds(0);
  default_rules(up, {{"Pods", 4}, {"Percent", 100}});
  // How long a lower count must last is left to the loop.
  default_rules(*spec.mutable_behavior()->mutable_scale_down(), {{"Percent", 100}});
}

}  // namespace ph::api
