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

  // name → conditions without times, nominatedNodeName, nodeName, terminating.
  Json pods();
  // In order of time, as the rows have them.
  Json events();
  Json get(const Json& named);

  // Since the beginning: attempts, and moves into the queue by event.
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
