// Topology spread constraints, as the plugin works with them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "api/node_selector.h"
#include "scheduler/cluster/label_matcher.h"
#include "scheduler/cluster/node_info.h"
#include "scheduler/framework/objects.h"

namespace ph::scheduler {

struct SpreadConstraint {
  std::int32_t max_skew = 1;
  std::int32_t min_domains = 1;
  Interned topology_key;
  LabelMatcher pods = LabelMatcher::nothing();
  bool honors_affinity = true;  // nodeAffinityPolicy: only nodes that the pod's selectors allow count
  bool honors_taints = false;   // nodeTaintsPolicy: only nodes whose taints it tolerates do

  // Whether a pod counts: one of the namespace that is not on its way out.
  bool counts(const PodInfo& pod, const Interned& namespace_name) const;
  // A text for the claim above.
  std::string claim(const Interned& namespace_name) const;
};

using SpreadConstraints = std::vector<SpreadConstraint>;

// Those of the pod's own with this `whenUnsatisfiable`. Throws api::DecodeError for a selector that cannot be.
SpreadConstraints own_constraints(const Pod& pod, std::string_view when);

// Which nodes count for a constraint of a pod.
class NodeInclusion {
 public:
  explicit NodeInclusion(const Pod& pod) : pod_(pod), required_(pod.spec()) {}
  bool includes(const SpreadConstraint& constraint, const core::v1::Node& node) const;

 private:
  const Pod& pod_;
  api::RequiredNodes required_;
};

// The node has a value for each constraint's topology key.
bool has_all_topologies(const NodeInfo& node, std::span<const SpreadConstraint> constraints);
bool has_all_topologies(const core::v1::Node& node, std::span<const SpreadConstraint> constraints);

// Constraints of pods that have none themselves: the profile's, on the pods that are behind the same services and controller.
class DefaultConstraints {
 public:
  DefaultConstraints(const PodTopologySpreadArgs& args, const PluginWorld& world);
  // None when nothing selects the pod.
  SpreadConstraints of(const Pod& pod, std::string_view when) const;
  // There are some with this `whenUnsatisfiable`, whether they mean a pod or not.
  bool has(std::string_view when) const;
  // The built-in ones, which want no topology that a node does not have.
  bool are_systems() const { return systems_; }

 private:
  LabelMatcher selector_of(const Pod& pod) const;

  std::vector<core::v1::TopologySpreadConstraint> constraints_;
  bool systems_;
  Lister<core::v1::Service> services_;
  Lister<core::v1::ReplicationController> replication_controllers_;
  Lister<apps::v1::ReplicaSet> replica_sets_;
  Lister<apps::v1::StatefulSet> stateful_sets_;
};

}  // namespace ph::scheduler
