// Extenders in a configuration.
#pragma once

#include <string>
#include <vector>

#include "scheduler/config/reader.h"
#include "scheduler/extender/spec.h"
#include "scheduler/framework/profile.h"

namespace ph::scheduler {

ExtenderSpec read_extender(const nlohmann::json& extender, const std::string& path, Problems& problems);

// What must hold for all of them together.
void check_extenders(const std::vector<ExtenderSpec>& extenders, Problems& problems);

// Resources that an extender manages and that are not to be counted here: NodeResourcesFit ignores them, in place of
// what its own arguments say.
void apply_ignored_resources(const std::vector<ExtenderSpec>& extenders, std::vector<ProfileSpec>& profiles);

}  // namespace ph::scheduler
