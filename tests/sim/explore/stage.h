// A fixed run of one loop: what users do, and nothing that is drawn, so that two runs of it differ by their faults alone.
#pragma once

#include <span>
#include <string_view>

#include "tests/sim/cluster.h"
#include "tests/sim/metrics_api.h"

namespace ph::sim::explore {

class Stage {
 public:
  explicit Stage(const Setup& setup) : cluster(setup) {}
  MetricsApi metrics;  // outlives the cluster, which asks it
  Cluster cluster;

  // Until nothing but heartbeats has been written for so long, and as long at least: what is told of nodes counts as heartbeats.
  void settle(Duration quiet = 90s) {
    cluster.advance(quiet);
    rests_ = cluster.run_until_quiet(4h, quiet) && rests_;
  }
  bool rests() const { return rests_; }

 private:
  bool rests_ = true;
};

struct Scenario {
  std::string_view loop;  // as registry.def has it: the alias, or the name where there is none
  std::string_view what;  // when a loop has several
  Setup (*setup)();       // the loops wait until `play` begins
  void (*play)(Stage&);
  // A kind of which a crash may make one more be made, because upstream's loop would make it, too: why stands by the scenario.
  std::string_view remade = {};
};

// One of each loop at least.
std::span<const Scenario> cloud_scenarios();
std::span<const Scenario> workload_scenarios();
std::span<const Scenario> service_scenarios();
std::span<const Scenario> cluster_scenarios();
std::span<const Scenario> storage_scenarios();

}  // namespace ph::sim::explore
