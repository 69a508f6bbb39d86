// The plugins there are.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "scheduler/framework/plugin.h"
#include "scheduler/framework/profile.h"

namespace ph::scheduler {

// Makes plugins that are not compiled in.
class PluginMaker {
 public:
  virtual ~PluginMaker() = default;
  // As those that it makes.
  virtual bool stands_at(Point point) const = 0;
  // Throws std::invalid_argument for arguments that it cannot have.
  virtual std::unique_ptr<Plugin> make(const PluginArgs& args, const PluginWorld& world) const = 0;
};

struct PluginEntry {
  std::string_view name;
  std::unique_ptr<Plugin> (*entry)(const PluginArgs& args, const PluginWorld& world);
  int weight;                          // of its scores in the default profile; 0 where it has none
  bool by_default = true;              // in the default profile
  const PluginMaker* maker = nullptr;  // in the place of `entry`

  std::unique_ptr<Plugin> make(const PluginArgs& args, const PluginWorld& world) const {
    auto plugin = maker ? maker->make(args, world) : entry(args, world);
    plugin->name_ = name;
    return plugin;
  }
};

// In the order of the default profile.
std::span<const PluginEntry> plugin_registry();
// Null: unknown.
const PluginEntry* find_plugin(std::string_view name);
// Names of upstream's in-tree plugins, those included that are not here.
bool is_upstream_plugin(std::string_view name);

}  // namespace ph::scheduler
