// The metrics APIs as a simulated cluster's components find them: what a test says that pods use.
#pragma once

#include <map>
#include <string>

#include "tests/sim/cluster.h"

namespace ph::sim {

// Answers metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io in front of the server. Outlives the cluster's last request.
class MetricsApi {
 public:
  struct Use {
    std::int64_t milli_cpu = 0;
    std::map<std::string, std::string> labels;  // of the pod: what selectors see
  };
  std::map<std::string, std::map<std::string, Use>> pods;             // by namespace, name
  std::map<std::string, std::int64_t> external;                       // by metric
  std::map<std::string, std::map<std::string, std::int64_t>> custom;  // of pods: by metric, name
  bool is_down = false;

  // Begins to answer.
  void serve(Cluster& cluster);

 private:
  std::optional<HttpResponse> answer(const HttpRequest& request, Time now) const;
};

}  // namespace ph::sim
