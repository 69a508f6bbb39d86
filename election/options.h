// Options of leader election; names and defaults are those of upstream's --leader-elect… flags and `leaderElection` configs.
#pragma once

#include <string>
#include <vector>

#include "base/rng.h"
#include "base/time.h"

namespace ph::election {

struct ElectionOptions {
  bool leader_elect = true;              // --leader-elect; false: the daemon works without a lease, and no election is made
  Duration lease_duration = 15s;         // --leader-elect-lease-duration: how long others leave an unrenewed lease alone
  Duration renew_deadline = 10s;         // --leader-elect-renew-deadline: a leader that has not renewed for so long stops
  Duration retry_period = 2s;            // --leader-elect-retry-period: between two tries
  std::string resource_lock = "leases";  // --leader-elect-resource-lock: nothing else is supported
  std::string resource_name;             // --leader-elect-resource-name, e.g. "kube-controller-manager"
  std::string resource_namespace = "kube-system";  // --leader-elect-resource-namespace
  bool release_on_exit = true;                     // not a flag: `stop` hands the lease back

  // How long one request may take: below the renew deadline, so that another can follow it on a fresh connection.
  Duration attempt_timeout() const { return renew_deadline / 2; }
};

// What is wrong with the options, one sentence each in upstream's words; empty when they can be used. Options that do not
// elect are always fine.
std::vector<std::string> problems(const ElectionOptions& options);

// Upstream's form of a candidate's name: "<hostname>_<uuid>".
std::string election_identity(const std::string& hostname, Rng& rng);

}  // namespace ph::election
