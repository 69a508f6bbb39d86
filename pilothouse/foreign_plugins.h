// Scheduler plugins from shared objects: where they are loaded. The one place that does.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scheduler/foreign/foreign_plugin.h"

namespace ph::pilothouse {

// Outlives all schedulers that use them. What has been loaded stays loaded until the process ends: nobody knows what a plugin has left
// behind (threads, handlers).
class ForeignPlugins {
 public:
  ForeignPlugins() = default;
  // Throws scheduler::ForeignPluginError for the first that cannot be taken.
  explicit ForeignPlugins(std::span<const std::string> files);

  std::span<const scheduler::PluginEntry> entries() const { return entries_; }
  // Those of them that stand in no profile.
  std::vector<std::string> idle_in(const std::vector<scheduler::ProfileSpec>& profiles) const;

 private:
  std::vector<std::unique_ptr<const scheduler::ForeignPlugin>> plugins_;
  std::vector<scheduler::PluginEntry> entries_;
};

}  // namespace ph::pilothouse
