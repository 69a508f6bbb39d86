// What the node lifecycle loop counts.
#pragma once

#include "base/metrics.h"
#include "controllers/node_lifecycle/evictions.h"

namespace ph::controllers::node_lifecycle {

struct NodeFamilies {
  Metrics* in = nullptr;

  Family<Counter> evictions{
      in, {Stability::Stable, "node_collector_evictions_total", "Nodes that were given up: their pods are evicted.", {"zone"}}};
  Family<Gauge> health{in, {Stability::Alpha, "node_collector_zone_health", "How many of a hundred nodes are ready.", {"zone"}}};
  Family<Gauge> size{in, {Stability::Alpha, "node_collector_zone_size", "Nodes of the zone.", {"zone"}}};
  Family<Gauge> unhealthy{in,
                          {Stability::Alpha, "node_collector_unhealthy_nodes_in_zone", "Nodes that are not ready.", {"zone"}}};
  Family<Histogram> all_duration{in,
                                 {Stability::Alpha,
                                  "node_collector_update_all_nodes_health_duration_seconds",
                                  "How long it takes to look at all nodes once.",
                                  {},
                                  exponential_buckets(0.01, 4, 8)}};
};

class NodeMetrics {
 public:
  explicit NodeMetrics(Metrics* metrics) : families_{metrics} {}

  void show(const ZoneCounts& counts) {
    for (const auto& [zone, count] : shown_) {
      if (!counts.contains(zone)) set(zone, 0, 0);
    }
    for (const auto& [zone, count] : counts) set(zone, count.size(), count.not_ready);
    shown_ = counts;
  }
  void given_up(const std::string& zone) const { families_.evictions.with({zone}).add(); }
  void looked(Duration took) const { families_.all_duration.with({}).observe(took); }

 private:
  void set(const std::string& zone, std::size_t size, std::size_t unhealthy) const {
    const double ready = size == 0 ? 1 : static_cast<double>(size - unhealthy) / static_cast<double>(size);
    families_.size.with({zone}).set(static_cast<double>(size));
    families_.unhealthy.with({zone}).set(static_cast<double>(unhealthy));
    families_.health.with({zone}).set(100 * ready);
    families_.evictions.with({zone});  // zero, before there is one
  }

  const NodeFamilies families_;
  ZoneCounts shown_;
};

}  // namespace ph::controllers::node_lifecycle
