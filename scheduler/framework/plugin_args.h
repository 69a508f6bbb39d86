// The arguments of plugins (`pluginConfig` of a profile), as typed values with upstream's defaults.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "base/time.h"

namespace ph::scheduler {

struct WeightedResource {
  std::string name;
  std::int64_t weight = 1;
  bool operator==(const WeightedResource&) const = default;
};

struct UtilizationPoint {
  std::int64_t utilization = 0;  // percent
  std::int64_t score = 0;        // 0..10
  bool operator==(const UtilizationPoint&) const = default;
};

enum class ScoringStrategy { LeastAllocated, MostAllocated, RequestedToCapacityRatio };

struct NodeResourcesFitArgs {
  std::set<std::string, std::less<>> ignored_resources, ignored_resource_groups;
  ScoringStrategy strategy = ScoringStrategy::LeastAllocated;
  std::vector<WeightedResource> resources{{"cpu", 1}, {"memory", 1}};
  std::vector<UtilizationPoint> shape;  // RequestedToCapacityRatio only; ascending utilization
};

struct NodeResourcesBalancedAllocationArgs {
  std::vector<WeightedResource> resources{{"cpu", 1}, {"memory", 1}};
};

struct NodeAffinityArgs {
  core::v1::NodeAffinity added_affinity;  // on top of every pod's own
};

struct PodTopologySpreadArgs {
  bool system_defaults = true;  // the built-in default constraints; else those given
  std::vector<core::v1::TopologySpreadConstraint> default_constraints;
};

struct InterPodAffinityArgs {
  std::int64_t hard_pod_affinity_weight = 1;  // of the required affinity of pods that are placed, in scores
  bool ignore_preferred_terms_of_existing_pods = false;
};

struct VolumeBindingArgs {
  Duration bind_timeout = 10min;
};

struct DynamicResourcesArgs {
  Duration filter_timeout = 10s;  // of one node; zero: none
  Duration binding_timeout = 10min;
};

struct DefaultPreemptionArgs {
  // Of the nodes where it may help, so many are tried at least, and so many in all.
  std::int64_t min_candidate_nodes_percentage = 10, min_candidate_nodes_absolute = 100;
};

// How a flow network prices places (scheduler/flow/policies).
enum class FlowPolicy { Scores, LoadSpreading, Packing, Locality };

struct FlowPlacementArgs {
  FlowPolicy policy = FlowPolicy::Scores;
  Duration batch_window = 10ms;                            // how long the first pod of a batch waits for others
  std::int64_t max_batch = 5000;                           // pods
  Duration solve_time_limit = 500ms;                       // of all solves for one batch
  std::string rack_label = "topology.kubernetes.io/rack";  // of nodes, for Locality
};

struct PluginArgs {
  NodeResourcesFitArgs node_resources_fit;
  NodeResourcesBalancedAllocationArgs node_resources_balanced_allocation;
  NodeAffinityArgs node_affinity;
  PodTopologySpreadArgs pod_topology_spread;
  InterPodAffinityArgs inter_pod_affinity;
  VolumeBindingArgs volume_binding;
  DynamicResourcesArgs dynamic_resources;
  DefaultPreemptionArgs default_preemption;
  FlowPlacementArgs flow_placement;
};

}  // namespace ph::scheduler
