// What upstream refuses of a document that has its defaults, in its order and words.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "scheduler/config/problems.h"

namespace ph::scheduler {

void validate(const nlohmann::json& document, Problems& problems);
// The arguments of a plugin that has some; those of NodeResourcesFit only the plugin itself judges.
void validate_arguments(const std::string& plugin, const nlohmann::json& args, const std::string& path, Problems& problems);
void validate_fit_arguments(const nlohmann::json& args, Problems& problems);

}  // namespace ph::scheduler
