// /healthz, /livez and /readyz: each a list of checks, all together (?verbose, ?exclude=NAME) or one by one (/readyz/NAME).
// Reference: "Kubernetes API health endpoints".
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

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

// Nothing when the path is none of the three endpoints or their checks. Calls the checks.
std::optional<HttpResponse> answer_health(std::span<const HealthCheck> checks, const HttpRequest& request);
// Every path that is answered.
std::vector<std::string> health_paths(std::span<const HealthCheck> checks);

}  // namespace ph
