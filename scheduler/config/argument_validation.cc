// Upstream: pkg/scheduler/apis/config/validation/validation_pluginargs.go
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/names.h"
#include "api/node_selector.h"
#include "api/times.h"
#include "scheduler/config/validation.h"

namespace ph::scheduler {

using nlohmann::json;

namespace {

bool within(const json& value, std::int64_t least, std::int64_t most) { return value >= least && value <= most; }

void check_preemption(const json& args, const std::string& path, Problems& problems) {
  const json &percentage = args["minCandidateNodesPercentage"], &absolute = args["minCandidateNodesAbsolute"];
  const std::string percentage_path = path + ".minCandidateNodesPercentage", absolute_path = path + ".minCandidateNodesAbsolute";
  if (!within(percentage, 0, 100)) problems.invalid(percentage_path, percentage, "not in valid range [0, 100]");
  if (absolute < 0) problems.invalid(absolute_path, absolute, "not in valid range [0, inf)");
  if (percentage == 0 && absolute == 0) {
    problems.invalid(percentage_path, percentage, "cannot be zero at the same time as minCandidateNodesAbsolute");
    problems.invalid(absolute_path, absolute, "cannot be zero at the same time as minCandidateNodesPercentage");
  }
}

void check_dynamic(const json& args, const std::string& path, Problems& problems) {
  const auto negative = [&](const char* name) { return *api::parse_duration(args[name].get<std::string>()) < Duration::zero(); };
  if (negative("filterTimeout")) problems.invalid(path + ".filterTimeout", args["filterTimeout"], "must be zero or positive");
  if (*api::parse_duration(args["bindingTimeout"].get<std::string>()) < 1s) {
    problems.invalid(path + ".bindingTimeout", args["bindingTimeout"], "must be at least 1 second");
  }
}

void check_flow(const json& args, const std::string& path, Problems& problems) {
  const std::string policy = args["policy"];
  static constexpr std::initializer_list<std::string_view> policies{"LoadSpreading", "Locality", "Packing", "Scores"};
  if (std::ranges::find(policies, policy) == policies.end()) problems.unsupported(path + ".policy", policy, policies);
  if (!within(args["maxBatch"], 1, 100'000)) {
    problems.invalid(path + ".maxBatch", args["maxBatch"], "not in valid range [1, 100000]");
  }
  for (const char* name : {"batchWindow", "solveTimeLimit"}) {
    const Duration duration = *api::parse_duration(args[name].get<std::string>());
    if (duration < Duration::zero() || duration > 1min) {
      problems.invalid(path + "." + name, args[name], "must be between zero and one minute");
    }
  }
  const std::string label = args["rackLabel"];
  for (const std::string& fault : api::check_qualified_name(label)) problems.invalid(path + ".rackLabel", label, fault);
}

void check_added_affinity(const json& args, const std::string& path, Problems& problems) {
  if (!args.contains("addedAffinity")) return;
  core::v1::NodeAffinity affinity;
  api::from_json(args["addedAffinity"], affinity);
  const std::string at = path + ".addedAffinity";
  const api::NodeTerms required(affinity.required_during_scheduling_ignored_during_execution());
  const api::PreferredNodes preferred(affinity.preferred_during_scheduling_ignored_during_execution());
  for (const auto& error : required.errors(at + ".requiredDuringSchedulingIgnoredDuringExecution")) problems.add(error);
  for (const auto& error : preferred.errors(at + ".preferredDuringSchedulingIgnoredDuringExecution")) problems.add(error);
}

void check_balanced(const json& args, const std::string& path, Problems& problems) {
  std::set<std::string> names;
  const json& resources = args["resources"];
  for (std::size_t i = 0; i < resources.size(); ++i) {
    const std::string at = fmt::format("{}.resources[{}]", path, i), name = resources[i]["name"];
    if (!names.insert(name).second) problems.duplicate(at + ".name", name);
    if (resources[i]["weight"] != 1) {
      problems.invalid(at + ".weight", resources[i]["weight"], "must be 1");
    }
  }
}

void check_constraint(const json& constraint, const std::string& path, Problems& problems) {
  const json& skew = constraint.value("maxSkew", json(0));
  if (skew <= 0) problems.invalid(path + ".maxSkew", skew, "not in valid range (0, inf)");
  const std::string key = constraint.value("topologyKey", "");
  if (key.empty()) {
    problems.required(path + ".topologyKey", "can not be empty");
  } else {
    for (const std::string& fault : api::check_qualified_name(key)) problems.invalid(path + ".topologyKey", key, fault);
  }
  const std::string action = constraint.value("whenUnsatisfiable", "");
  if (action.empty()) {
    problems.required(path + ".whenUnsatisfiable", "can not be empty");
  } else if (action != "DoNotSchedule" && action != "ScheduleAnyway") {
    problems.unsupported(path + ".whenUnsatisfiable", action, {"DoNotSchedule", "ScheduleAnyway"});
  }
  if (constraint.contains("labelSelector") && !constraint["labelSelector"].is_null()) {
    problems.forbidden(path + ".labelSelector", "constraint must not define a selector, as they deduced for each pod");
  }
}

void check_spread(const json& args, const std::string& path, Problems& problems) {
  const std::string type = args["defaultingType"];
  const json constraints = args.value("defaultConstraints", json::array());
  if (type != "System" && type != "List") {
    problems.unsupported(path + ".defaultingType", type, {"System", "List"});
  } else if (type == "System" && !constraints.empty()) {
    problems.invalid(path + ".defaultingType", type, "when .defaultConstraints are not empty");
  }
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    const std::string at = fmt::format("{}.defaultConstraints[{}]", path, i);
    check_constraint(constraints[i], at, problems);
    const std::string key = constraints[i].value("topologyKey", ""), action = constraints[i].value("whenUnsatisfiable", "");
    if (!seen.emplace(key, action).second) problems.duplicate(at, fmt::format("{{{}, {}}}", key, action));
  }
}

void check_volume_binding(const json& args, const std::string& path, Problems& problems) {
  if (args["bindTimeoutSeconds"] < 0) {
    problems.invalid(path + ".bindTimeoutSeconds", args["bindTimeoutSeconds"],
                     "invalid BindTimeoutSeconds, should not be a negative value");
  }
  if (!args.contains("shape")) return;
  std::string shown;
  for (const json& point : args["shape"]) {
    shown += fmt::format("{}{{\"Utilization\":{},\"Score\":{}}}", shown.empty() ? "" : ",", point["utilization"].dump(),
                         point["score"].dump());
  }
  problems.add(
      fmt::format("{}.shape: Invalid value: [{}]: unexpected field `shape`, remove it or turn on the feature gate "
                  "StorageCapacityScoring",
                  path, shown));
}

}  // namespace

void validate_arguments(const std::string& plugin, const json& args, const std::string& path, Problems& problems) {
  if (plugin == "DefaultPreemption") check_preemption(args, path, problems);
  if (plugin == "DynamicResources") check_dynamic(args, path, problems);
  if (plugin == "FlowPlacement") check_flow(args, path, problems);
  if (plugin == "InterPodAffinity" && !within(args["hardPodAffinityWeight"], 0, 100)) {
    problems.invalid(path + ".hardPodAffinityWeight", args["hardPodAffinityWeight"], "not in valid range [0, 100]");
  }
  if (plugin == "NodeAffinity") check_added_affinity(args, path, problems);
  if (plugin == "NodeResourcesBalancedAllocation") check_balanced(args, path, problems);
  if (plugin == "PodTopologySpread") check_spread(args, path, problems);
  if (plugin == "VolumeBinding") check_volume_binding(args, path, problems);
}

// -- NodeResourcesFit

namespace {

void check_ignored(const json& args, Problems& problems) {
  const json resources = args.value("ignoredResources", json::array());
  for (std::size_t i = 0; i < resources.size(); ++i) {
    const std::string name = resources[i];
    for (const std::string& fault : api::check_qualified_name(name)) {
      problems.invalid(fmt::format("ignoredResources[{}]", i), name, fault);
    }
  }
  const json groups = args.value("ignoredResourceGroups", json::array());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::string path = fmt::format("ignoredResourceGroups[{}]", i), name = groups[i];
    if (name.find('/') != name.npos) {
      problems.invalid(path, name, "resource group name can't contain '/'");
    }
    for (const std::string& fault : api::check_qualified_name(name)) problems.invalid(path, name, fault);
  }
}

void check_shape(const json& ratio, Problems& problems) {
  const std::string path = "scoringStrategy.requestedToCapacityRatio.shape";
  const json shape = ratio.value("shape", json::array());
  if (shape.empty()) return problems.required(path, "at least one point must be specified");
  for (std::size_t i = 1; i < shape.size(); ++i) {
    if (shape[i - 1]["utilization"] < shape[i]["utilization"]) continue;
    problems.invalid(fmt::format("{}[{}].utilization", path, i), shape[i]["utilization"],
                     "values must be sorted in increasing order");
    break;
  }
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", path, i);
    if (!within(shape[i]["utilization"], 0, 100)) {
      problems.invalid(at + ".utilization", shape[i]["utilization"], "not in valid range [0, 100]");
    }
    if (!within(shape[i]["score"], 0, 10)) problems.invalid(at + ".score", shape[i]["score"], "not in valid range [0, 10]");
  }
}

void check_strategy(const json& strategy, Problems& problems) {
  const std::string type = strategy.value("type", "");
  const bool by_ratio = type == "RequestedToCapacityRatio";
  if (!by_ratio && type != "LeastAllocated" && type != "MostAllocated") {
    return problems.unsupported("scoringStrategy.type", type, {"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"});
  }
  const json& resources = strategy["resources"];
  for (std::size_t i = 0; i < resources.size(); ++i) {
    if (within(resources[i]["weight"], 1, 100)) continue;
    problems.invalid(fmt::format("scoringStrategy.resources[{}].weight", i), resources[i]["weight"],
                     fmt::format("resource weight of {} not in valid range (0, 100]", resources[i]["name"].get<std::string>()));
  }
  const bool has_ratio = strategy.contains("requestedToCapacityRatio");
  if (by_ratio && has_ratio) return check_shape(strategy["requestedToCapacityRatio"], problems);
  if (by_ratio) {
    problems.required("scoringStrategy.requestedToCapacityRatio", "must be specified when type is RequestedToCapacityRatio");
  } else if (has_ratio) {
    problems.forbidden("scoringStrategy.requestedToCapacityRatio", "must be nil when type is not RequestedToCapacityRatio");
  }
}

}  // namespace

void validate_fit_arguments(const json& args, Problems& problems) {
  check_ignored(args, problems);
  check_strategy(args["scoringStrategy"], problems);
}

}  // namespace ph::scheduler
