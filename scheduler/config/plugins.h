// The plugins of a profile: upstream's default set, what the user enables and disables, and what that means at each
// point.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "scheduler/config/reader.h"
#include "scheduler/framework/profile.h"

namespace ph::scheduler {

struct NamedPlugin {
  std::string name;
  int weight = 0;  // 0: not given
};

struct PluginSet {
  std::vector<NamedPlugin> enabled;
  std::vector<std::string> disabled;  // "*": all that come by default
  bool disables(std::string_view name) const;
};

// `plugins` of a profile.
struct PluginChoice {
  PluginSet multi_point;
  std::map<Point, PluginSet> points;
};

PluginChoice read_plugins(const nlohmann::json& plugins, const std::string& path, Problems& problems);
// Fills in `points` and `weights`.
void expand_plugins(const PluginChoice& choice, const std::string& path, Problems& problems, ProfileSpec& out);

// One entry of `pluginConfig`.
void read_plugin_args(const nlohmann::json& entry, const std::string& path, Problems& problems, PluginArgs& out,
                      std::set<std::string>& seen);

}  // namespace ph::scheduler
