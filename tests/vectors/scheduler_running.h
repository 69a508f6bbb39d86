// A running scheduler in a simulated cluster, led through the steps of its rows.
#pragma once

#include <map>
#include <string>

#include "base/metrics.h"
#include "tests/sim/cluster.h"
#include "tests/vectors/cluster_calls.h"
#include "tests/vectors/match.h"

namespace ph::vectors {

class RunningScheduler {
 public:
  // Throws std::invalid_argument for a configuration it cannot have. `refusal`: what the extender that refuses says.
  RunningScheduler(const Json& config, const std::string& refusal);

  // One step: `[verb, object, ...]`. False: its kind is not served.
  bool take(const Json& step);
  void pass(double seconds);
  void pass_until(Steady moment);
  // To a moment that is so far from a whole second of the scheduler's clock: its backoffs end at those.
  void pass_to_phase(Duration after_a_whole_second);
  // Of the scheduler's clock.
  Steady now();

  // name → conditions without times, nominatedNodeName, nodeName, terminating.
  Json pods();
  // In order of time, as the rows have them.
  Json events();
  // With the UIDs of pods that `pods` has shown by their names.
  Json get(const Json& named);

  // Since the beginning: attempts for which a node was chosen or not, and moves into the queue by event.
  int attempts();
  std::map<std::string, int> moves();

 private:
  std::map<std::string, double> metric(const std::string& name);
  Json uids_masked(const Json& document);

  Metrics metrics_;
  sim::Cluster cluster_;
  ClusterCalls user_;
  std::map<std::string, std::string> uids_;  // of pods → name
};

}  // namespace ph::vectors
