// /healthz, /livez and /readyz: each a list of checks, all together (?verbose, ?exclude=NAME) or one by one (/readyz/NAME).
// Reference: "Kubernetes API health endpoints".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/extensions.h"

namespace ph::apiserver {

struct HealthCheck {
  std::string name;                                     // may hold slashes: poststarthook/rbac/bootstrap-roles
  std::function<std::optional<std::string>()> problem;  // nothing when all is well; called on the server's executor
  bool ready_only = false;                              // asked by /readyz alone
  bool live_only = false;                               // asked by /healthz and /livez alone
};

// A check that never fails.
HealthCheck healthy(std::string name);

class HealthHandler final : public PathHandler {
 public:
  explicit HealthHandler(std::vector<HealthCheck> checks) : checks_(std::move(checks)) {}

  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity& user) override;
  // Every path that is answered here.
  std::vector<std::string> paths() const;

 private:
  std::vector<HealthCheck> checks_;
};

}  // namespace ph::apiserver
