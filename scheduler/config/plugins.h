// The plugins of a profile: what its sets mean at each point, and its plugins' arguments as typed values.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "scheduler/framework/profile.h"

namespace ph::scheduler {

// `profile` of a document that has been validated. Throws ConfigurationError for plugins that do not fit together, as upstream does
// when it makes the profile. `more`: plugins beside those of the registry.
ProfileSpec read_profile(const nlohmann::json& profile, std::span<const PluginEntry> more);

}  // namespace ph::scheduler
