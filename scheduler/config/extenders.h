// Extenders in a configuration.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "scheduler/extender/spec.h"
#include "scheduler/framework/profile.h"

namespace ph::scheduler {

// Of a document that has been validated.
ExtenderSpec read_extender(const nlohmann::json& extender);

// Resources that an extender manages and that are not to be counted here: NodeResourcesFit ignores them, in place of
// what its own arguments say.
void apply_ignored_resources(const std::vector<ExtenderSpec>& extenders, std::vector<ProfileSpec>& profiles);

}  // namespace ph::scheduler
