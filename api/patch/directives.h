// The names by which a strategic merge patch gives orders; what they mean is told in strategic_merge.cc.
#pragma once

#include <string_view>

namespace ph::api {

inline constexpr std::string_view kPatch = "$patch";
inline constexpr std::string_view kRetainKeys = "$retainKeys";
inline constexpr std::string_view kSetElementOrder = "$setElementOrder/";
inline constexpr std::string_view kDeleteFromPrimitives = "$deleteFromPrimitiveList/";

}  // namespace ph::api
