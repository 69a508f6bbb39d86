// Upstream: pkg/scheduler/apis/config/validation/validation.go, component-base/config/validation
#include "scheduler/config/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "api/names.h"
#include "api/times.h"
#include "scheduler/cluster/resource.h"
#include "scheduler/config/document.h"

namespace ph::scheduler {

using nlohmann::json;

namespace {

Duration duration(const json& object, const char* name) { return *api::parse_duration(object.at(name).get<std::string>()); }

void validate_election(const json& election, Problems& problems) {
  if (!election["leaderElect"].get<bool>()) return;
  for (const char* name : {"leaseDuration", "renewDeadline", "retryPeriod"}) {
    if (duration(election, name) > Duration::zero()) continue;
    problems.invalid(fmt::format("leaderElection.{}", name), election[name], "must be greater than zero");
  }
  // The values told are those of the other field, as upstream's.
  if (duration(election, "leaseDuration") <= duration(election, "renewDeadline")) {
    problems.invalid("leaderElection.leaseDuration", election["renewDeadline"], "must be greater than `RenewDeadline`");
  }
  if (duration(election, "renewDeadline") <= duration(election, "retryPeriod")) {
    problems.invalid("leaderElection.renewDeadline", election["retryPeriod"], "must be greater than `RetryPeriod`");
  }
  if (election["resourceLock"] != "leases") {
    problems.invalid("leaderElection.resourceLock", election["resourceLock"], "resourceLock value must be \"leases\"");
  }
}

void validate_percentage(const std::string& path, const json& object, Problems& problems) {
  const auto found = object.find("percentageOfNodesToScore");
  if (found == object.end() || (*found >= 0 && *found <= 100)) return;
  problems.invalid(path + "percentageOfNodesToScore", *found, "not in valid range [0-100]");
}

// The version that a plugin was removed in; none: it may be there.
bool is_removed(std::string_view plugin) {
  static constexpr std::array<std::string_view, 4> kRemoved{"AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"};
  return std::ranges::find(kRemoved, plugin) != kRemoved.end();
}

bool refuse_removed(const std::string& path, const std::string& plugin, Problems& problems) {
  if (!is_removed(plugin)) return false;
  problems.invalid(
      path, plugin,
      fmt::format("was invalid in version \"v1\" (KubeSchedulerConfiguration is version \"{}\")", kConfigurationVersion));
  return true;
}

void validate_profile(const json& profile, const std::string& path, Problems& problems) {
  if (profile.value("schedulerName", "").empty()) problems.required(path + ".schedulerName");
  validate_percentage(path + ".", profile, problems);
  for (const auto& [point, set] : profile["plugins"].items()) {
    if (point == "multiPoint" || !set.contains("enabled")) continue;
    for (std::size_t i = 0; i < set["enabled"].size(); ++i) {
      refuse_removed(fmt::format("{}.plugins.{}.enabled[{}]", path, point, i), set["enabled"][i]["name"], problems);
    }
  }
  std::set<std::string> seen;
  const json& configs = profile["pluginConfig"];
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const std::string at = fmt::format("{}.pluginConfig[{}]", path, i), name = configs[i].value("name", "");
    if (!seen.insert(name).second) problems.duplicate(at, name);
    if (!refuse_removed(at, name, problems)) validate_arguments(name, configs[i].value("args", json()), at + ".args", problems);
  }
}

// As the internal types are told: without names of their own.
json internal_set(const json& set) {
  json out = {{"Enabled", nullptr}, {"Disabled", nullptr}};
  for (const auto& [from, to] : {std::pair("enabled", "Enabled"), std::pair("disabled", "Disabled")}) {
    if (!set.contains(from)) continue;
    for (const json& plugin : set[from]) out[to].push_back({{"Name", plugin["name"]}, {"Weight", plugin["weight"]}});
  }
  return out;
}

void validate_queue_sorts(const json& profiles, Problems& problems) {
  const json& first = profiles[0]["plugins"]["queueSort"];
  if (first.contains("enabled") && first["enabled"].size() > 1) {
    problems.invalid("profiles[0].plugins.queueSort.Enabled", first["enabled"].size(),
                     "only one queue sort plugin can be enabled");
  }
  for (std::size_t i = 1; i < profiles.size(); ++i) {
    const json& other = profiles[i]["plugins"]["queueSort"];
    if (other == first) continue;
    problems.invalid(fmt::format("profiles[{}].plugins.queueSort", i), internal_set(other),
                     "queueSort must be the same for all profiles");
  }
}

void validate_profiles(const json& profiles, Problems& problems) {
  std::map<std::string, std::size_t> names;
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    const std::string path = fmt::format("profiles[{}]", i);
    validate_profile(profiles[i], path, problems);
    // Upstream tells a path where the value should be, and a path is told as nothing.
    if (!names.emplace(profiles[i].value("schedulerName", ""), i).second)
      problems.duplicate(path + ".schedulerName", json::object());
  }
  validate_queue_sorts(profiles, problems);
}

void validate_extenders(const json& extenders, Problems& problems) {
  std::set<std::string> managed;
  std::size_t binders = 0;
  for (std::size_t i = 0; i < extenders.size(); ++i) {
    const json& extender = extenders[i];
    const std::string path = fmt::format("extenders[{}]", i);
    const std::int64_t weight = extender.value("weight", std::int64_t{0});
    if (extender.contains("prioritizeVerb") && weight <= 0) {
      problems.invalid(path + ".weight", weight, "must have a positive weight applied to it");
    }
    binders += extender.contains("bindVerb");
    const json resources = extender.value("managedResources", json::array());
    for (std::size_t j = 0; j < resources.size(); ++j) {
      const std::string at = fmt::format("{}.managedResources[{}].name", path, j), name = resources[j]["name"];
      const auto faults = api::check_qualified_name(name);
      for (const std::string& fault : faults) problems.invalid(at, name, fault);
      if (faults.empty() && !is_extended_resource(name)) problems.invalid(at, name, "is an invalid extended resource name");
      if (!managed.insert(name).second) problems.invalid(at, name, "duplicate extender managed resource name");
    }
  }
  if (binders > 1) {
    problems.invalid("extenders", fmt::format("found {} extenders implementing bind", binders),
                     "only one extender can implement bind");
  }
}

}  // namespace

void validate(const json& document, Problems& problems) {
  if (document["clientConnection"]["burst"] < 0) {
    problems.invalid("clientConnection.burst", document["clientConnection"]["burst"], "must be non-negative");
  }
  validate_election(document["leaderElection"], problems);
  if (document["parallelism"] <= 0) {
    problems.invalid("parallelism", document["parallelism"], "should be an integer value greater than zero");
  }
  validate_profiles(document["profiles"], problems);
  validate_percentage({}, document, problems);
  const json &initial = document["podInitialBackoffSeconds"], &most = document["podMaxBackoffSeconds"];
  if (initial <= 0) problems.invalid("podInitialBackoffSeconds", initial, "must be greater than 0");
  if (most < initial) {
    problems.invalid("podMaxBackoffSeconds", most, "must be greater than or equal to PodInitialBackoffSeconds");
  }
  if (document.contains("extenders")) validate_extenders(document["extenders"], problems);
}

}  // namespace ph::scheduler
