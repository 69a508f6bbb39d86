// How fast a workload may follow its metrics: stabilization windows, scaling policies, least and most replicas. Reference: "Horizontal Pod
// Autoscaling, Configurable scaling behavior" in the Kubernetes documentation; KEP-853.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autoscaling/v2.pb.h"
#include "base/time.h"

namespace ph::controllers::horizontal_pod_autoscaler {

using autoscaling::v2::HorizontalPodAutoscaler;

// What was proposed for one autoscaler, and done. It lives as long as the process: upstream's, too, begins anew.
struct History {
  struct Moment {
    std::int32_t replicas = 0;
    Steady at{};
  };
  std::vector<Moment> proposed;      // numbers of replicas, before the windows were looked at
  std::vector<Moment> added, taken;  // by how many, each time

  bool is_new() const { return proposed.empty(); }
};

// How many there may be. `most` may be less than `least`, in what another server has let pass.
struct Range {
  std::int32_t least = 1, most = 1;
};
Range range_of(const HorizontalPodAutoscaler& autoscaler);

struct Paced {
  std::int32_t replicas = 0;
  std::string able_reason, able_message;  // of the condition AbleToScale, which is True
  bool limited = false;                   // the condition ScalingLimited
  std::string limited_reason, limited_message;
};

// What may be done about it that `proposed` replicas are wanted, where `current` are asked for. Notes the proposal. `downscale_window`
// holds where the autoscaler names none.
Paced pace(const HorizontalPodAutoscaler& autoscaler, History& history, std::int32_t current, std::int32_t proposed,
           Duration downscale_window, Steady now);

// Notes that the workload was scaled. Only autoscalers with a behavior ask for it.
void note_scaling(const HorizontalPodAutoscaler& autoscaler, History& history, std::int32_t before, std::int32_t after,
                  Steady now);

}  // namespace ph::controllers::horizontal_pod_autoscaler
