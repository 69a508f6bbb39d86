// Upstream: pkg/scheduler/apis/config/v1/default_plugins.go, pkg/scheduler/framework/runtime (expandMultiPointPlugins)
#include "scheduler/config/plugins.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/node_selector.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/registry.h"

namespace ph::scheduler {

using nlohmann::json;

bool PluginSet::disables(std::string_view name) const {
  return std::ranges::any_of(disabled, [&](const std::string& d) { return d == name || d == "*"; });
}

namespace {

const NamedPlugin* find(const std::vector<NamedPlugin>& list, std::string_view name) {
  const auto found = std::ranges::find(list, name, &NamedPlugin::name);
  return found == list.end() ? nullptr : &*found;
}

// A plugin that is asked for by name must be here. Disabling one that is not is fine: it does not run.
void check_known(const std::string& name, const std::string& path, bool enabling, Problems& problems) {
  const PluginEntry* entry = find_plugin(name);
  if ((entry && !(enabling && entry->stand_in)) || (!enabling && (name == "*" || is_upstream_plugin(name)))) return;
  if (is_upstream_plugin(name)) {
    problems.add(path, fmt::format("plugin \"{}\" is not available in this scheduler yet", name));
  } else {
    problems.add(path, fmt::format("plugin \"{}\" does not exist", name));
  }
}

PluginSet read_set(const json& set, const std::string& path, Problems& problems) {
  PluginSet out;
  Reader reader(set, path, problems);
  for (const bool enabling : {true, false}) {
    for (const auto& [item, item_path] : reader.items(enabling ? "enabled" : "disabled")) {
      Reader plugin(*item, item_path, problems);
      NamedPlugin named;
      plugin.read("name", named.name);
      plugin.read("weight", named.weight);
      check_known(named.name, item_path, enabling, problems);
      if (enabling && find(out.enabled, named.name)) {
        problems.add(item_path, fmt::format("plugin \"{}\" already registered", named.name));
      } else if (enabling) {
        out.enabled.push_back(std::move(named));
      } else {
        out.disabled.push_back(std::move(named.name));
      }
    }
  }
  return out;
}

PluginSet default_multi_point() {
  PluginSet out;
  for (const PluginEntry& entry : plugin_registry()) out.enabled.push_back({std::string(entry.name), entry.weight});
  return out;
}

// The defaults in their order, each with the user's own settings where there are any; then what the user adds.
std::vector<NamedPlugin> merged(const PluginSet& defaults, const PluginSet& custom) {
  std::vector<NamedPlugin> out;
  for (const NamedPlugin& plugin : defaults.enabled) {
    if (custom.disables(plugin.name)) continue;
    const NamedPlugin* own = find(custom.enabled, plugin.name);
    out.push_back(own ? *own : plugin);
  }
  for (const NamedPlugin& plugin : custom.enabled) {
    if (!find(out, plugin.name)) out.push_back(plugin);
  }
  return out;
}

bool can_stand_at(const std::string& name, Point point) {
  static const Snapshot* empty = new Snapshot;
  const PluginEntry* entry = find_plugin(name);
  return entry && implements(*entry->make({}, {.snapshot = empty}), point);
}

// First the plugins of `multiPoint` whose settings this point overrides, then the others of `multiPoint`, then those
// that stand at this point only.
std::vector<NamedPlugin> at_point(Point point, const std::vector<NamedPlugin>& multi_point, const PluginSet& own) {
  std::vector<NamedPlugin> inherited, out;
  for (const NamedPlugin& plugin : multi_point) {
    if (can_stand_at(plugin.name, point) && !own.disables(plugin.name)) inherited.push_back(plugin);
  }
  for (const NamedPlugin& plugin : own.enabled) {
    if (find(inherited, plugin.name)) out.push_back(plugin);
  }
  for (const NamedPlugin& plugin : inherited) {
    if (!find(own.enabled, plugin.name)) out.push_back(plugin);
  }
  for (const NamedPlugin& plugin : own.enabled) {
    if (!find(inherited, plugin.name)) out.push_back(plugin);
  }
  return out;
}

}  // namespace

PluginChoice read_plugins(const json& plugins, const std::string& path, Problems& problems) {
  PluginChoice out;
  Reader reader(plugins, path, problems);
  if (const json* set = reader.take("multiPoint")) out.multi_point = read_set(*set, reader.path("multiPoint"), problems);
  for (int i = 0; i < kPoints; ++i) {
    const Point point = static_cast<Point>(i);
    const std::string name(to_string(point));
    if (const json* set = reader.take(name.c_str())) out.points[point] = read_set(*set, reader.path(name), problems);
  }
  // Upstream's points for whole groups of pods: nothing stands there by default, and nothing here can.
  for (const char* name : {"placementGenerate", "placementScore"}) {
    const json* set = reader.take(name);
    if (set && !read_set(*set, reader.path(name), problems).enabled.empty()) {
      problems.add(reader.path(name), "this extension point is not available in this scheduler yet");
    }
  }
  return out;
}

void expand_plugins(const PluginChoice& choice, const std::string& path, Problems& problems, ProfileSpec& out) {
  const std::vector<NamedPlugin> multi_point = merged(default_multi_point(), choice.multi_point);
  for (int i = 0; i < kPoints; ++i) {
    const Point point = static_cast<Point>(i);
    const auto own = choice.points.find(point);
    const PluginSet set = own == choice.points.end() ? PluginSet{} : own->second;
    for (const NamedPlugin& plugin : at_point(point, multi_point, set)) {
      if (!can_stand_at(plugin.name, point)) {
        if (find_plugin(plugin.name)) {
          problems.add(path, fmt::format("plugin \"{}\" does not extend {} plugin", plugin.name, to_string(point)));
        }
        continue;
      }
      out.points[point].push_back(plugin.name);
      if (point == Point::Score) out.weights[plugin.name] = std::max(plugin.weight, 1);
    }
  }
}

// -- Arguments

namespace {

std::vector<WeightedResource> read_resources(Reader& reader, Problems& problems) {
  std::vector<WeightedResource> out;
  for (const auto& [item, path] : reader.items("resources")) {
    Reader resource(*item, path, problems);
    WeightedResource one{.weight = 0};
    resource.read("name", one.name);
    resource.read("weight", one.weight);
    if (one.weight == 0) one.weight = 1;
    if (one.weight < 1 || one.weight > 100) {
      problems.add(path + ".weight",
                   fmt::format("Invalid value: {}: resource weight of {} not in valid range [1, 100]", one.weight, one.name));
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<UtilizationPoint> read_shape(const json& param, const std::string& path, Problems& problems) {
  std::vector<UtilizationPoint> out;
  Reader reader(param, path, problems);
  for (const auto& [item, item_path] : reader.items("shape")) {
    Reader point(*item, item_path, problems);
    UtilizationPoint one;
    point.read("utilization", one.utilization);
    point.read("score", one.score);
    if (one.utilization < 0 || one.utilization > 100) problems.add(item_path + ".utilization", "not in valid range [0, 100]");
    if (!out.empty() && one.utilization <= out.back().utilization) {
      problems.add(item_path + ".utilization", "utilization values must be sorted in increasing order");
    }
    if (one.score < 0 || one.score > 10) problems.add(item_path + ".score", "not in valid range [0, 10]");
    out.push_back(one);
  }
  if (out.empty()) problems.add(path + ".shape", "Required value: at least one point must be specified");
  return out;
}

void read_strategy(const json& strategy, const std::string& path, Problems& problems, NodeResourcesFitArgs& out) {
  Reader reader(strategy, path, problems);
  std::string type = "LeastAllocated";
  reader.read("type", type);
  if (type == "LeastAllocated") {
    out.strategy = ScoringStrategy::LeastAllocated;
  } else if (type == "MostAllocated") {
    out.strategy = ScoringStrategy::MostAllocated;
  } else if (type == "RequestedToCapacityRatio") {
    out.strategy = ScoringStrategy::RequestedToCapacityRatio;
  } else {
    problems.add(path + ".type",
                 fmt::format("Unsupported value: \"{}\": supported values: \"LeastAllocated\", \"MostAllocated\", "
                             "\"RequestedToCapacityRatio\"",
                             type));
  }
  if (auto resources = read_resources(reader, problems); !resources.empty()) out.resources = std::move(resources);
  const json* ratio = reader.take("requestedToCapacityRatio");
  if (out.strategy == ScoringStrategy::RequestedToCapacityRatio) {
    out.shape = read_shape(ratio ? *ratio : json(), path + ".requestedToCapacityRatio", problems);
  }
}

void read_strings(Reader& reader, const char* name, std::set<std::string, std::less<>>& out) {
  for (const auto& [item, path] : reader.items(name)) {
    if (item->is_string()) {
      out.insert(item->get<std::string>());
    } else {
      reader.problems().add(path, "must be a string");
    }
  }
}

void read_fit(Reader& reader, Problems& problems, NodeResourcesFitArgs& out) {
  read_strings(reader, "ignoredResources", out.ignored_resources);
  read_strings(reader, "ignoredResourceGroups", out.ignored_resource_groups);
  for (const std::string& group : out.ignored_resource_groups) {
    if (group.find('/') != group.npos) {
      problems.add(reader.path("ignoredResourceGroups"), "Invalid value: resource group name can't contain '/'");
    }
  }
  if (const json* strategy = reader.take("scoringStrategy")) {
    read_strategy(*strategy, reader.path("scoringStrategy"), problems, out);
  }
}

void read_affinity(Reader& reader, Problems& problems, NodeAffinityArgs& out) {
  const json* added = reader.take("addedAffinity");
  if (!added) return;
  try {
    api::from_json(*added, out.added_affinity, {.unknown = api::Unknown::Strict});
  } catch (const api::DecodeError& error) {
    return problems.add(reader.path("addedAffinity"), error.what());
  }
  // It concerns every pod, so a term that means nothing is refused here.
  const std::string path = reader.path("addedAffinity");
  const api::NodeTerms required(out.added_affinity.required_during_scheduling_ignored_during_execution());
  const api::PreferredNodes preferred(out.added_affinity.preferred_during_scheduling_ignored_during_execution());
  for (const auto& error : required.errors(path + ".requiredDuringSchedulingIgnoredDuringExecution")) problems.add("", error);
  for (const auto& error : preferred.errors(path + ".preferredDuringSchedulingIgnoredDuringExecution")) problems.add("", error);
}

}  // namespace

void read_plugin_args(const json& entry, const std::string& path, Problems& problems, PluginArgs& out,
                      std::set<std::string>& seen) {
  Reader reader(entry, path, problems);
  std::string name;
  reader.read("name", name);
  const json* args = reader.take("args");
  if (!seen.insert(name).second) return problems.add(path, fmt::format("repeated config for plugin {}", name));
  check_known(name, path, true, problems);
  if (!find_plugin(name) || !args) return;

  Reader fields(*args, path + ".args", problems);
  std::string kind = name + "Args", version = "kubescheduler.config.k8s.io/v1";
  fields.read("kind", kind);
  fields.read("apiVersion", version);
  if (kind != name + "Args" || version != "kubescheduler.config.k8s.io/v1") {
    problems.add(path + ".args", fmt::format("no kind \"{}\" is registered for version \"{}\"", kind, version));
  }
  if (name == "NodeResourcesFit") {
    read_fit(fields, problems, out.node_resources_fit);
  } else if (name == "NodeResourcesBalancedAllocation") {
    auto resources = read_resources(fields, problems);
    if (!resources.empty()) out.node_resources_balanced_allocation.resources = std::move(resources);
  } else if (name == "NodeAffinity") {
    read_affinity(fields, problems, out.node_affinity);
  }
}

}  // namespace ph::scheduler
