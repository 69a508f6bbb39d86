#include "scheduler/framework/registry.h"

#include <algorithm>
#include <array>

namespace ph::scheduler {

#define PLUGIN(name, entry, weight) std::unique_ptr<Plugin> entry(const PluginArgs&, const PluginWorld&);
#define ON_REQUEST(name, entry, weight) PLUGIN(name, entry, weight)
#include "scheduler/plugins/registry.def"
#undef ON_REQUEST
#undef PLUGIN

namespace {

constexpr PluginEntry kPlugins[] = {
#define PLUGIN(name, entry, weight) {name, &entry, weight},
#define ON_REQUEST(name, entry, weight) {name, &entry, weight, false},
#include "scheduler/plugins/registry.def"
#undef ON_REQUEST
#undef PLUGIN
};

constexpr bool names_are_unique(std::span<const PluginEntry> all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (all[i].name == all[j].name) return false;
    }
  }
  return true;
}
static_assert(names_are_unique(kPlugins));

constexpr std::array<std::string_view, 23> kUpstream{"DefaultBinder",
                                                     "DefaultPreemption",
                                                     "DynamicResources",
                                                     "GangScheduling",
                                                     "ImageLocality",
                                                     "InterPodAffinity",
                                                     "NodeAffinity",
                                                     "NodeDeclaredFeatures",
                                                     "NodeName",
                                                     "NodePorts",
                                                     "NodeResourcesBalancedAllocation",
                                                     "NodeResourcesFit",
                                                     "NodeUnschedulable",
                                                     "NodeVolumeLimits",
                                                     "PodGroupPodsCount",
                                                     "PodTopologySpread",
                                                     "PrioritySort",
                                                     "SchedulingGates",
                                                     "TaintToleration",
                                                     "TopologyPlacementGenerator",
                                                     "VolumeBinding",
                                                     "VolumeRestrictions",
                                                     "VolumeZone"};

}  // namespace

std::span<const PluginEntry> plugin_registry() { return kPlugins; }

const PluginEntry* find_plugin(std::string_view name) {
  const auto found = std::ranges::find(kPlugins, name, &PluginEntry::name);
  return found == std::end(kPlugins) ? nullptr : found;
}

bool is_upstream_plugin(std::string_view name) { return std::ranges::find(kUpstream, name) != kUpstream.end(); }

}  // namespace ph::scheduler
