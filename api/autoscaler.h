// What an autoscaler means that says nothing of metrics.
#pragma once

#include <cstdint>

namespace ph::api {

// Percent of the CPU that the pods ask for.
inline constexpr std::int32_t kImplicitCpuUtilization = 80;

}  // namespace ph::api
