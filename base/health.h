// /healthz, /livez and /readyz: each a list of checks, all together (?verbose, ?exclude=NAME) or one by one (/readyz/NAME).
// Reference: "Kubernetes API health endpoints". What checks have answered can be counted; upstream shows that apart from all
// other metrics, at /metrics/slis, where it may be looked at every few seconds: give HealthMetrics a Metrics of their own.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/transport.h"

namespace ph {

struct HealthCheck {
  std::string name;                                     // may hold slashes: poststarthook/rbac/bootstrap-roles
  std::function<std::optional<std::string>()> problem;  // nothing when all is well; called where requests are answered
  bool ready_only = false;                              // asked by /readyz alone
  bool live_only = false;                               // asked by /healthz and /livez alone
};

// A check that never fails.
HealthCheck healthy(std::string name);

struct HealthMetrics {
  Metrics* in = nullptr;

  Family<Gauge> check{
      in,
      {Stability::Stable, "kubernetes_healthcheck", "Whether a health check was well when it was last asked.", {"name", "type"}}};
  Family<Counter> checks{
      in, {Stability::Stable, "kubernetes_healthchecks_total", "Answers of health checks.", {"name", "status", "type"}}};
};

// Nothing when the path is none of the three endpoints or their checks. Calls the checks. `counted` may be null.
std::optional<HttpResponse> answer_health(std::span<const HealthCheck> checks, const HttpRequest& request,
                                          const HealthMetrics* counted = nullptr);
// Every path that is answered.
std::vector<std::string> health_paths(std::span<const HealthCheck> checks);

}  // namespace ph
