// The quality of service a pod gets by its requests and limits. Reference: "Pod Quality of Service Classes".
#pragma once

#include <string>

#include "api/kinds.h"

namespace ph::apiserver {

// "Guaranteed", "Burstable" or "BestEffort".
std::string qos_class(const core::v1::Pod& pod);

}  // namespace ph::apiserver
