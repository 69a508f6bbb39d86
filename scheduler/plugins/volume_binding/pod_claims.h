// What a pod's claims demand of a node: which volumes it must reach, which it could be given, and which could be made for it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/node_selector.h"
#include "api/volumes.h"
#include "scheduler/cluster/label_matcher.h"
#include "scheduler/framework/assumed.h"

namespace ph::scheduler {

using VolumeRef = informers::Ref<core::v1::PersistentVolume>;
using ClaimRef = informers::Ref<core::v1::PersistentVolumeClaim>;

// A volume, and the nodes that can reach it.
struct ReachableVolume {
  VolumeRef volume;
  std::optional<api::NodeTerms> nodes;  // absent: all

  explicit ReachableVolume(VolumeRef of);
  bool reaches(const core::v1::Node& node) const { return !nodes || nodes->matches(node); }
};

// A volume that is made when its first pod comes.
struct Provision {
  std::string problem;    // nobody can say whether it can be made: the attempt fails
  bool possible = false;  // there is somebody who makes volumes of its class
  std::vector<std::vector<std::pair<std::string, std::vector<std::string>>>>
      topologies;  // allowedTopologies: any of these; none: all
  // Where there is enough storage left; absent: nobody counts.
  std::optional<std::vector<LabelMatcher>> capacity;

  bool allows(const core::v1::Node& node) const;
  bool has_capacity(LabelSpan node) const;
};

// A claim without a volume that waits for its first pod.
struct DelayedClaim {
  ClaimRef claim;
  std::optional<std::string> selected_node;  // it was decided on before
  std::shared_ptr<const std::vector<ReachableVolume>> candidates;
  Provision provision;
};

struct PodClaims {
  struct Bound {
    ClaimRef claim;
    std::optional<ReachableVolume> volume;  // absent: it is gone
  };
  std::vector<Bound> bound;
  std::vector<DelayedClaim> delayed;  // the smallest first
  bool waits_for_others = false;      // some claim is to be bound by somebody else, and is not
};

// What is decided for a pod on a node.
struct VolumeDecision {
  struct Binding {
    VolumeRef volume;
    ClaimRef claim;
  };
  std::vector<Binding> bindings;
  std::vector<ClaimRef> provisions;
};

// What is wrong with a node for a pod's claims.
struct VolumeFindings {
  bool bound_reachable = true, bound_exist = true, unbound_satisfied = true, enough_storage = true;
  std::string problem;  // the attempt fails
  VolumeDecision decision;

  bool fits() const { return bound_reachable && bound_exist && unbound_satisfied && enough_storage && problem.empty(); }
};
VolumeFindings find_volumes(const PodClaims& claims, const core::v1::Node& node, LabelSpan labels);

}  // namespace ph::scheduler
