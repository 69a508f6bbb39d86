// Plugins' arguments as typed values.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "scheduler/framework/plugin_args.h"

namespace ph::scheduler {

// `args` have their shape and defaults, and have been validated. Those of unknown plugins are nobody's.
void read_arguments(const std::string& plugin, const nlohmann::json& args, PluginArgs& out);

}  // namespace ph::scheduler
