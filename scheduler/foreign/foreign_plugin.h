// ForeignPlugin: a scheduler plugin that came as a shared object (plugin_abi.h), as the scheduler takes any other. Who loads it, and from
// where, is the program's business (pilothouse/foreign_plugins.h).
#pragma once

#include <stdexcept>
#include <string>

#include "scheduler/foreign/plugin_abi.h"
#include "scheduler/framework/registry.h"

namespace ph::scheduler {

// Why a shared object is not taken, in words for whoever named it.
class ForeignPluginError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ForeignPlugin final : private PluginMaker {
 public:
  // `table`: what the object's entry has returned; stays as long as this. `object`: what it is called in refusals.
  explicit ForeignPlugin(const ph_plugin* table, const std::string& object);
  ForeignPlugin(const ForeignPlugin&) = delete;
  ForeignPlugin& operator=(const ForeignPlugin&) = delete;

  const std::string& name() const { return name_; }
  // For SchedulerWorld::plugins and Configuration::parse. This outlives all schedulers that are given it.
  PluginEntry entry() const;

 private:
  bool stands_at(Point point) const override;
  std::unique_ptr<Plugin> make(const PluginArgs& args, const PluginWorld& world) const override;

  const ph_plugin* const table_;
  std::string name_;
};

}  // namespace ph::scheduler
