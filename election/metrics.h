// What an election counts. LeaseElection sets the series of its lease when they are looked at.
#pragma once

#include "base/metrics.h"

namespace ph::election {

// By the name of the lease.
struct ElectionMetrics {
  Metrics* in = nullptr;

  Family<Gauge> master_status{in, {Stability::Alpha, "leader_election_master_status", "Whether this process leads.", {"name"}}};
  Family<Total> slowpath{
      in, {Stability::Alpha, "leader_election_slowpath_total", "Renewals that had to read the lease again.", {"name"}}};
  Family<Total> refused{in,
                        {Stability::Alpha,
                         "pilothouse_election_refused_writes_total",
                         "Writes that were not sent, because leadership was not certain.",
                         {"name"}}};
};

}  // namespace ph::election
