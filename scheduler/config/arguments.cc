#include "scheduler/config/arguments.h"

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"

namespace ph::scheduler {

using nlohmann::json;

namespace {

std::vector<WeightedResource> resources_of(const json& list) {
  std::vector<WeightedResource> out;
  for (const json& resource : list) out.push_back({resource["name"], resource["weight"]});
  return out;
}

std::set<std::string, std::less<>> names_of(const json& args, const char* list) {
  std::set<std::string, std::less<>> out;
  for (const json& name : args.value(list, json::array())) out.insert(name.get<std::string>());
  return out;
}

void read_fit(const json& args, NodeResourcesFitArgs& out) {
  out.ignored_resources = names_of(args, "ignoredResources");
  out.ignored_resource_groups = names_of(args, "ignoredResourceGroups");
  const json& strategy = args["scoringStrategy"];
  const std::string type = strategy.value("type", "");
  out.strategy = type == "MostAllocated"              ? ScoringStrategy::MostAllocated
                 : type == "RequestedToCapacityRatio" ? ScoringStrategy::RequestedToCapacityRatio
                                                      : ScoringStrategy::LeastAllocated;
  out.resources = resources_of(strategy["resources"]);
  if (!strategy.contains("requestedToCapacityRatio")) return;
  for (const json& point : strategy["requestedToCapacityRatio"].value("shape", json::array())) {
    out.shape.push_back({point["utilization"], point["score"]});
  }
}

void read_spread(const json& args, PodTopologySpreadArgs& out) {
  out.system_defaults = args["defaultingType"] == "System";
  for (const json& constraint : args.value("defaultConstraints", json::array())) {
    api::from_json(constraint, out.default_constraints.emplace_back());
  }
}

Duration duration(const json& text) { return *api::parse_duration(text.get<std::string>()); }

void read_flow(const json& args, FlowPlacementArgs& out) {
  const std::string policy = args["policy"];
  out.policy = policy == "LoadSpreading" ? FlowPolicy::LoadSpreading
               : policy == "Packing"     ? FlowPolicy::Packing
               : policy == "Locality"    ? FlowPolicy::Locality
                                         : FlowPolicy::Scores;
  out.batch_window = duration(args["batchWindow"]);
  out.max_batch = args["maxBatch"];
  out.solve_time_limit = duration(args["solveTimeLimit"]);
  out.rack_label = args["rackLabel"];
}

}  // namespace

void read_arguments(const std::string& plugin, const json& args, PluginArgs& out) {
  if (plugin == "NodeResourcesFit") {
    read_fit(args, out.node_resources_fit);
  } else if (plugin == "NodeResourcesBalancedAllocation") {
    out.node_resources_balanced_allocation.resources = resources_of(args["resources"]);
  } else if (plugin == "NodeAffinity") {
    if (args.contains("addedAffinity")) api::from_json(args["addedAffinity"], out.node_affinity.added_affinity);
  } else if (plugin == "PodTopologySpread") {
    read_spread(args, out.pod_topology_spread);
  } else if (plugin == "InterPodAffinity") {
    out.inter_pod_affinity = {args["hardPodAffinityWeight"], args["ignorePreferredTermsOfExistingPods"]};
  } else if (plugin == "VolumeBinding") {
    out.volume_binding.bind_timeout = std::chrono::seconds(args["bindTimeoutSeconds"].get<std::int64_t>());
  } else if (plugin == "DynamicResources") {
    out.dynamic_resources = {duration(args["filterTimeout"]), duration(args["bindingTimeout"])};
  } else if (plugin == "FlowPlacement") {
    read_flow(args, out.flow_placement);
  } else if (plugin == "DefaultPreemption") {
    out.default_preemption = {args["minCandidateNodesPercentage"], args["minCandidateNodesAbsolute"]};
  }
}

}  // namespace ph::scheduler
