#include "election/options.h"

#include <fmt/format.h>

namespace ph::election {

std::vector<std::string> problems(const ElectionOptions& options) {
  std::vector<std::string> out;
  if (!options.leader_elect) return out;
  const auto positive = [&](Duration value, const char* name) {
    if (value <= Duration::zero()) out.push_back(fmt::format("{} must be greater than zero", name));
  };
  positive(options.lease_duration, "leaseDuration");
  positive(options.renew_deadline, "renewDeadline");
  positive(options.retry_period, "retryPeriod");
  if (options.lease_duration <= options.renew_deadline) {
    out.emplace_back("leaseDuration must be greater than renewDeadline");
  } else if (std::chrono::floor<std::chrono::seconds>(options.lease_duration) <= options.renew_deadline) {
    out.emplace_back("leaseDuration in whole seconds, as the lease states it, must be greater than renewDeadline");
  }
  if (10 * options.renew_deadline <= 12 * options.retry_period) {
    out.emplace_back("renewDeadline must be greater than retryPeriod*JitterFactor");
  }
  if (options.resource_lock != "leases") out.push_back(fmt::format("Invalid lock-type {}", options.resource_lock));
  if (options.resource_name.empty()) out.emplace_back("resourceName is required");
  if (options.resource_namespace.empty()) out.emplace_back("resourceNamespace is required");
  return out;
}

std::string election_identity(const std::string& hostname, Rng& rng) { return hostname + "_" + rng.uuid(); }

}  // namespace ph::election
