// How many replicas a metric asks for: pure functions of what was measured and of the pods. Reference: "Horizontal Pod Autoscaling,
// Algorithm details" in the Kubernetes documentation; KEP-4951 (tolerance).
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/runtime/loop.h"

namespace ph::controllers::horizontal_pod_autoscaler {

using Pods = std::vector<Ref<PodView>>;

// A pod's use of something, in thousandths.
struct Sample {
  std::int64_t value = 0;
  Time taken{};
  Duration window{};  // what it is the average of, up to `taken`
};
using Samples = std::map<std::string, Sample, std::less<>>;  // by pod

// So far from its target a metric may be, as a part of it, without anything being done about it.
struct Tolerance {
  double down = 0.1, up = 0.1;
  bool covers(double ratio) const { return 1 - down <= ratio && ratio <= 1 + up; }
};

// When a pod's readiness says something, and its use of the CPU.
struct Timing {
  Time now{};
  Duration cpu_initialization{}, initial_readiness_delay{};
};

struct Proposal {
  std::int32_t replicas = 0;
  std::int64_t usage = 0;        // thousandths; of pods the average
  std::int32_t utilization = 0;  // percent of what they ask for
};
// Or why there is none, in upstream's words.
using Proposed = std::expected<Proposal, std::string>;

// Of the pods of one workload.
struct Situation {
  const Pods& pods;  // all that its selector selects
  std::int32_t spec_replicas = 0, status_replicas = 0;
  Tolerance tolerance;
  Timing timing;
};

// What each pod asks for of `resource`, in thousandths; of the container only, if one is named.
std::expected<std::map<std::string, std::int64_t, std::less<>>, std::string> requests_of(const Pods& pods,
                                                                                         std::string_view container,
                                                                                         std::string_view resource);

// The use of a resource, as a part of what is asked for.
Proposed for_utilization(const Situation& situation, Samples samples, std::string_view container, std::string_view resource,
                         std::int32_t target_percent);
// A plain number for each pod. `resource` is empty where it is none.
Proposed for_pods(const Situation& situation, Samples samples, std::string_view resource, std::int64_t target);
// One number beside the pods, to be kept where it is.
Proposed for_value(const Situation& situation, std::int64_t value, std::int64_t target);
// One number, of which each pod has a part.
Proposed for_value_per_pod(const Situation& situation, std::int64_t value, std::int64_t target);

}  // namespace ph::controllers::horizontal_pod_autoscaler
