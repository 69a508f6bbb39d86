// The version this program says it has.
#pragma once

#include <string>

#include "base/process_metrics.h"

namespace ph::pilothouse {

inline constexpr const char* kVersion = "v1.36.2+pilothouse";

inline std::string user_agent(const std::string& program) { return program + "/" + kVersion; }

// The same, as /version and kubernetes_build_info have it.
BuildInfo build_info();

}  // namespace ph::pilothouse
