// What the pod garbage collector counts.
#pragma once

#include "base/metrics.h"

namespace ph::controllers::pod_gc {

struct PodGcFamilies {
  Metrics* in = nullptr;

  Family<Counter> removed{in,
                          {Stability::Alpha,
                           "pod_gc_collector_force_delete_pods_total",
                           "Pods that were removed without grace, by why: terminated, out-of-service, orphaned, unscheduled.",
                           {"namespace", "reason"}}};
  Family<Counter> failed{in,
                         {Stability::Alpha,
                          "pod_gc_collector_force_delete_pod_errors_total",
                          "Pods that could not be removed, or not be set to Failed before.",
                          {"namespace", "reason"}}};
};

}  // namespace ph::controllers::pod_gc
