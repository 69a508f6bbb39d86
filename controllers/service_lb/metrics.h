// What the loop of load balancers counts.
#pragma once

#include "base/metrics.h"

namespace ph::controllers::service_lb {

struct ServiceFamilies {
  Metrics* in = nullptr;

  Family<Counter> syncs{in,
                        {Stability::Alpha,
                         "service_controller_loadbalancer_sync_total",
                         "How often a load balancer was made or changed, because of its service or of the nodes.",
                         {}}};
  Family<Histogram> host_latency{in,
                                 {Stability::Alpha,
                                  "service_controller_update_loadbalancer_host_latency_seconds",
                                  "How long it took to put other nodes behind a load balancer.",
                                  {},
                                  exponential_buckets(1, 2, 15)}};
};

}  // namespace ph::controllers::service_lb
