// The version this program says it has.
#pragma once

namespace ph::pilothouse {

inline constexpr const char* kVersion = "v1.36.2+pilothouse";

}  // namespace ph::pilothouse
