// What is measured: metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io, read through the API server. Reference:
// k8s.io/metrics; "Support for metrics APIs" in the Kubernetes documentation.
#pragma once

#include <string>

#include "api/selector.h"
#include "controllers/horizontal_pod_autoscaler/metric.h"
#include "controllers/horizontal_pod_autoscaler/targets.h"

namespace ph::controllers::horizontal_pod_autoscaler {

// Belongs to its loop. What it is made with outlives it.
class Measuring {
 public:
  Measuring(Client& client, const Clock& clock, Targets& targets) : client_(client), clock_(clock), targets_(targets) {}

  // `pods` selects the workload's. What the servers refuse is an answer; throws when they cannot be reached.
  Task<Measured> measure(MetricSpec metric, std::string namespace_name, std::string pods);

 private:
  Task<Measured> measure_resource(std::string resource, std::string container, std::string namespace_name, std::string pods);
  Task<Measured> measure_pods(autoscaling::v2::MetricIdentifier metric, std::string namespace_name, std::string pods);
  Task<Measured> measure_object(autoscaling::v2::ObjectMetricSource source, std::string namespace_name);
  Task<Measured> measure_external(autoscaling::v2::MetricIdentifier metric, std::string namespace_name);

  // A document, or why there is none in `failure`. `resource` and `name` are what messages call it.
  Task<std::string> read(std::string path, std::string resource, std::string name, std::string& failure);
  // "/apis/custom.metrics.k8s.io/v1beta2", the version that the server prefers of those known here.
  Task<std::string> custom_root(std::string& failure);

  Client& client_;
  const Clock& clock_;
  Targets& targets_;
  std::string custom_root_;  // as it was last asked for; empty: not known
  Steady custom_asked_{};
};

}  // namespace ph::controllers::horizontal_pod_autoscaler
