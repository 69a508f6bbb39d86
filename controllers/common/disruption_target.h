// The condition DisruptionTarget: that a pod ends because somebody ended it, and who. Pure.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "base/time.h"

namespace ph::controllers {

struct Disruption {
  const char *reason, *message;
};

// The pod has it already, and it says the same.
bool is_told(const core::v1::Pod& pod, const Disruption& why);

// What a strategic patch of the pod's status says of its conditions: the condition stands behind those that there are. `at`: since when,
// should it be new.
nlohmann::json disruption_target(const core::v1::Pod& pod, const Disruption& why, Time at);
// That alone, as the body of such a patch, pinned to the UID. Nothing: the pod has been told.
std::optional<std::string> disruption_patch(const core::v1::Pod& pod, const Disruption& why, Time at);

}  // namespace ph::controllers
