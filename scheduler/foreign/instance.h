// A plugin from a shared object as one profile has it: `self`, and calls across the border. No call throws but where it says so, whatever
// the plugin does; what it writes is brought into a form that an event can hold.
#pragma once

#include <optional>
#include <string>

#include "scheduler/foreign/shown.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler::foreign {

class Instance {
 public:
  // `table` has been checked, and outlives this. Throws std::invalid_argument: it cannot be made with these arguments.
  Instance(const ph_plugin& table, const std::string& name, const std::string& arguments);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  const ph_plugin& table() const { return table_; }
  bool keepable() const { return (table_.flags & PH_PLUGIN_KEEPABLE) != 0 && (table_.reads_of_pod & PH_POD_NAME) == 0; }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node);
  // Throws std::runtime_error, with the plugin's name, when it fails.
  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node);

 private:
  const ph_pod& shown(const CycleState& state, const Pod& pod);

  const ph_plugin& table_;
  const std::string& name_;
  void* self_ = nullptr;
  std::optional<ShownPod> pod_;  // the last one: a plugin is asked about one pod and many nodes
  ShownNode node_;
};

}  // namespace ph::scheduler::foreign
