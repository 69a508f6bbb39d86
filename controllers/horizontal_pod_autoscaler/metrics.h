// What the autoscaler counts, under upstream's names.
#pragma once

#include <string_view>

#include "base/metrics.h"

namespace ph::controllers::horizontal_pod_autoscaler {

struct AutoscalerFamilies {
  Metrics* in = nullptr;

  // clang-format off
  Family<Counter> reconciliations{in, {Stability::Beta, "horizontal_pod_autoscaler_controller_reconciliations_total",
      "Looks at an autoscaler, by what was done (scale_up, scale_down, none) and what went wrong (internal, none).",
      {"action", "error"}}};
  Family<Histogram> duration{in, {Stability::Beta, "horizontal_pod_autoscaler_controller_reconciliation_duration_seconds",
      "How long a look at an autoscaler took.", {"action", "error"}, exponential_buckets(0.001, 2, 15)}};
  Family<Counter> computations{in, {Stability::Beta, "horizontal_pod_autoscaler_controller_metric_computation_total",
      "Metrics that were computed, by what each asked for.", {"action", "error", "metric_type"}}};
  Family<Histogram> computation_duration{in, {Stability::Beta,
      "horizontal_pod_autoscaler_controller_metric_computation_duration_seconds",
      "How long a metric took to be read and computed.", {"action", "error", "metric_type"}, exponential_buckets(0.001, 2, 15)}};
  // clang-format on
};

// "scale_up", "scale_down", "none".
inline std::string_view action_text(int before, int after) {
  return after > before ? "scale_up" : after < before ? "scale_down" : "none";
}

}  // namespace ph::controllers::horizontal_pod_autoscaler
