// What an autoscaler's status says. Pure.
#pragma once

#include <string>
#include <vector>

#include "autoscaling/v2.pb.h"
#include "base/time.h"

namespace ph::controllers::horizontal_pod_autoscaler {

using autoscaling::v2::HorizontalPodAutoscalerStatus;

// Sets a condition where it stands, or last; its transition is `now` when it is new or its status another.
void set_condition(HorizontalPodAutoscalerStatus& status, std::string_view type, bool is, std::string reason, std::string message,
                   Time now);

// Whether writing `after` would change nothing.
bool same(const HorizontalPodAutoscalerStatus& before, const HorizontalPodAutoscalerStatus& after);

}  // namespace ph::controllers::horizontal_pod_autoscaler
