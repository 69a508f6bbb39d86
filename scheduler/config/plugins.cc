// Upstream: pkg/scheduler/framework/runtime/framework.go (NewFramework, updatePluginList, expandMultiPointPlugins, getScoreWeights)
#include "scheduler/config/plugins.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "scheduler/cluster/snapshot.h"
#include "scheduler/config/arguments.h"
#include "scheduler/config/configuration.h"
#include "scheduler/config/problems.h"
#include "scheduler/config/validation.h"
#include "scheduler/framework/registry.h"

namespace ph::scheduler {

using nlohmann::json;

namespace {

// In the order in which upstream fills them.
constexpr std::array<std::pair<Point, std::string_view>, kPoints> kInterfaces{{{Point::PreFilter, "PreFilterPlugin"},
                                                                               {Point::Filter, "FilterPlugin"},
                                                                               {Point::PostFilter, "PostFilterPlugin"},
                                                                               {Point::Reserve, "ReservePlugin"},
                                                                               {Point::PreScore, "PreScorePlugin"},
                                                                               {Point::Score, "ScorePlugin"},
                                                                               {Point::PreBind, "PreBindPlugin"},
                                                                               {Point::Bind, "BindPlugin"},
                                                                               {Point::PostBind, "PostBindPlugin"},
                                                                               {Point::Permit, "PermitPlugin"},
                                                                               {Point::PreEnqueue, "PreEnqueuePlugin"},
                                                                               {Point::QueueSort, "QueueSortPlugin"}}};

const json& list_of(const json& plugins, std::string_view point, const char* list) {
  static const json none = json::array();
  const auto set = plugins.find(point);
  if (set == plugins.end()) return none;
  const auto found = set->find(list);
  return found == set->end() ? none : *found;
}

bool has(const json& list, std::string_view name) {
  return std::ranges::any_of(list, [&](const json& plugin) { return plugin["name"] == name; });
}

// The plugins that a configuration may name.
using More = std::span<const PluginEntry>;

const PluginEntry* find(const std::string& name, More more) {
  const auto own = std::ranges::find(more, name, &PluginEntry::name);
  return own == more.end() ? find_plugin(name) : &*own;
}

bool can_stand_at(const std::string& name, Point point, More more) {
  static const Snapshot* empty = new Snapshot;
  const PluginEntry* entry = find(name, more);
  if (entry && entry->maker) return entry->maker->stands_at(point);
  return entry && implements(*entry->make({}, {.snapshot = empty}), point);
}

// What is asked for by name must be here.
void check_there(const json& list, std::string_view interface, More more) {
  for (const json& plugin : list) {
    const std::string name = plugin["name"];
    const PluginEntry* entry = find(name, more);
    if (!entry && is_upstream_plugin(name)) {
      throw ConfigurationError(fmt::format("plugin \"{}\" is not available in this scheduler yet", name));
    }
    if (!entry) throw ConfigurationError(fmt::format("{} \"{}\" does not exist", interface, name));
  }
}

[[noreturn]] void refuse_twice(const std::string& name, std::string_view interface) {
  throw ConfigurationError(fmt::format("plugin \"{}\" already registered as \"{}\"", name, interface));
}

// The plugins that a point names itself.
void check_own(const json& own, Point point, std::string_view interface, More more) {
  std::set<std::string> seen;
  for (const json& plugin : own) {
    const std::string name = plugin["name"];
    check_there(json::array({plugin}), interface, more);
    if (!can_stand_at(name, point, more)) {
      throw ConfigurationError(fmt::format("plugin \"{}\" does not extend {} plugin", name, interface));
    }
    if (!seen.insert(name).second) refuse_twice(name, interface);
  }
}

// First the plugins of `multiPoint` whose settings the point overrides, in its order, then the others of `multiPoint`, then those
// that stand at this point only.
std::vector<std::string> expanded(const json& plugins, Point point, std::string_view interface, More more) {
  const std::string where(to_string(point));
  const json &own = list_of(plugins, where, "enabled"), &disabled = list_of(plugins, where, "disabled");
  std::vector<std::string> inherited, out;
  std::set<std::string> overridden;
  if (!has(disabled, "*")) {
    for (const json& plugin : list_of(plugins, "multiPoint", "enabled")) {
      check_there(json::array({plugin}), interface, more);
      const std::string name = plugin["name"];
      if (!can_stand_at(name, point, more) || has(disabled, name)) continue;
      if (has(own, name)) {
        overridden.insert(name);
      } else if (std::ranges::find(inherited, name) != inherited.end()) {
        refuse_twice(name, interface);
      } else {
        inherited.push_back(name);
      }
    }
  }
  for (const bool first : {true, false}) {
    for (const json& plugin : own) {
      const std::string name = plugin["name"];
      if (overridden.contains(name) == first) out.push_back(name);
    }
    if (first) out.insert(out.end(), inherited.begin(), inherited.end());
  }
  return out;
}

void read_weights(const json& plugins, std::map<std::string, int>& out, More more) {
  std::int64_t total = 0;
  for (const std::string_view point : {"score", "multiPoint"}) {
    for (const json& plugin : list_of(plugins, point, "enabled")) {
      const std::string name = plugin["name"];
      if (!can_stand_at(name, Point::Score, more) || out.contains(name)) continue;
      const int weight = plugin["weight"];
      out[name] = weight == 0 ? 1 : weight;
      // As upstream counts: what cannot be represented wraps around.
      const std::int64_t part = std::int64_t{out[name]} * kMaxNodeScore;
      std::int64_t room = 0;
      (void)__builtin_sub_overflow(std::numeric_limits<std::int64_t>::max(), total, &room);
      if (part > room) throw ConfigurationError("score plugins: total score of Score plugins could overflow");
      total += part;
    }
  }
}

void check_fit(const json& plugins, const json& configs) {
  bool needed = false;
  for (const auto& [point, set] : plugins.items()) needed |= has(list_of(plugins, point, "enabled"), "NodeResourcesFit");
  if (!needed) return;
  for (const json& config : configs) {
    if (config["name"] != "NodeResourcesFit") continue;
    Problems problems;
    validate_fit_arguments(config["args"], problems);
    if (!problems.empty()) {
      throw ConfigurationError(fmt::format("initializing plugin \"NodeResourcesFit\": {}", problems.text()));
    }
  }
}

void expand(const json& plugins, ProfileSpec& out, More more) {
  for (const auto& [point, interface] : kInterfaces) {
    check_own(list_of(plugins, to_string(point), "enabled"), point, interface, more);
  }
  for (const auto& [point, interface] : kInterfaces) {
    if (auto names = expanded(plugins, point, interface, more); !names.empty()) out.points[point] = std::move(names);
  }
  const auto sorts = out.points.find(Point::QueueSort);
  if (const std::size_t count = sorts == out.points.end() ? 0 : sorts->second.size(); count != 1) {
    throw ConfigurationError(fmt::format("only one queue sort plugin required for profile with scheduler name \"{}\", but got {}",
                                         out.scheduler_name, count));
  }
  if (!out.points.contains(Point::Bind)) {
    throw ConfigurationError(
        fmt::format("at least one bind plugin is needed for profile with scheduler name \"{}\"", out.scheduler_name));
  }
  read_weights(plugins, out.weights, more);
}

}  // namespace

ProfileSpec read_profile(const json& profile, std::span<const PluginEntry> more) {
  ProfileSpec out;
  out.scheduler_name = profile["schedulerName"];
  if (const auto found = profile.find("percentageOfNodesToScore"); found != profile.end()) {
    out.percentage_of_nodes_to_score = found->get<int>();
  }
  const json& plugins = profile["plugins"];
  try {
    for (const char* point : {"placementGenerate", "placementScore"}) {
      if (!list_of(plugins, point, "enabled").empty()) {
        throw ConfigurationError(fmt::format("the extension point {} is not available in this scheduler yet", point));
      }
    }
    check_fit(plugins, profile["pluginConfig"]);
    expand(plugins, out, more);
  } catch (const ConfigurationError& error) {
    throw ConfigurationError(
        fmt::format("initializing profiles: creating profile for scheduler name {}: {}", out.scheduler_name, error.what()));
  }
  for (const json& config : profile["pluginConfig"]) {
    const std::string name = config["name"];
    read_arguments(name, config["args"], out.args);
    const bool foreign = std::ranges::find(more, name, &PluginEntry::name) != more.end();
    if (foreign && !config["args"].is_null()) out.foreign_args[name] = config["args"].dump();
  }
  return out;
}

}  // namespace ph::scheduler
