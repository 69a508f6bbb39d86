// What an elector counts:
//
//   const Gauge leads = ElectionMetrics{metrics}.master_status.with({"kube-scheduler"});
//   leads.set(1);
#pragma once

#include "base/metrics.h"

namespace ph::election {

// By the name of the lease.
struct ElectionMetrics {
  Metrics* in = nullptr;

  // clang-format off
  Family<Gauge> master_status{in, {Stability::Alpha, "leader_election_master_status",
      "Whether this process leads.", {"name"}}};
  Family<Counter> slowpath{in, {Stability::Alpha, "leader_election_slowpath_total",
      "Renewals that had to read the lease again.", {"name"}}};
  // clang-format on
};

}  // namespace ph::election
