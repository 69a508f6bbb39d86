// What health checks have answered. Upstream shows these apart from all others, at /metrics/slis, where they may be looked at
// every few seconds: give them a Metrics of their own.
#pragma once

#include "base/metrics.h"

namespace ph {

struct HealthMetrics {
  Metrics* in = nullptr;

  Family<Gauge> check{in, {Stability::Stable, "kubernetes_healthcheck", "Whether a health check was well when it was last asked.", {"name", "type"}}};
  Family<Counter> checks{in, {Stability::Stable, "kubernetes_healthchecks_total", "Answers of health checks.", {"name", "status", "type"}}};

  // `type`: healthz, livez or readyz.
  void answered(std::string_view name, std::string_view type, bool well) const {
    check.with({name, type}).set(well ? 1 : 0);
    checks.with({name, well ? "success" : "error", type}).add();
  }
};

}  // namespace ph
