// The version this program says it has.
#pragma once

#include <string>

namespace ph::pilothouse {

inline constexpr const char* kVersion = "v1.36.2+pilothouse";

inline std::string user_agent(const std::string& program) { return program + "/" + kVersion; }

}  // namespace ph::pilothouse
