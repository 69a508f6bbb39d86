// What the device taint eviction loop counts.
#pragma once

#include "base/metrics.h"

namespace ph::controllers::device_taint_eviction {

struct EvictionFamilies {
  Metrics* in = nullptr;

  Family<Counter> deletions{in,
                            {Stability::Alpha, "device_taint_eviction_controller_pod_deletions_total",
                             "Pods that were deleted for a taint of their devices."}};
  Family<Histogram> late{in,
                         {Stability::Alpha,
                          "device_taint_eviction_controller_pod_deletion_duration_seconds",
                          "How long after its time was over a pod was deleted.",
                          {},
                          {0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240}}};
};

}  // namespace ph::controllers::device_taint_eviction
