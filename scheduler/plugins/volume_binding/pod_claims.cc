// Upstream: pkg/scheduler/framework/plugins/volumebinding (binder.go: FindPodVolumes)
#include "scheduler/plugins/volume_binding/pod_claims.h"

#include <algorithm>

namespace ph::scheduler {

using core::v1::Node, core::v1::PersistentVolume;

ReachableVolume::ReachableVolume(VolumeRef of) : volume(std::move(of)) {
  const auto& affinity = volume->spec().node_affinity();
  if (affinity.has_required()) nodes.emplace(affinity.required());
}

bool Provision::allows(const Node& node) const {
  const auto& labels = node.metadata().labels();
  const auto holds = [&](const auto& requirement) {
    const auto found = labels.find(requirement.first);
    return found != labels.end() && std::ranges::find(requirement.second, found->second) != requirement.second.end();
  };
  return topologies.empty() ||
         std::ranges::any_of(topologies, [&](const auto& term) { return !term.empty() && std::ranges::all_of(term, holds); });
}

bool Provision::has_capacity(LabelSpan node) const {
  return !capacity || std::ranges::any_of(*capacity, [&](const LabelMatcher& nodes) { return nodes.matches(node); });
}

namespace {

void check_bound(const PodClaims& claims, const Node& node, VolumeFindings& out) {
  for (const PodClaims::Bound& bound : claims.bound) {
    if (!bound.volume) {
      out.bound_exist = false;
      return;
    }
    if (!bound.volume->reaches(node)) {
      out.bound_reachable = false;
      return;
    }
  }
}

// Claims for which there is no volume are left for provisioning.
std::vector<const DelayedClaim*> match(const std::vector<const DelayedClaim*>& claims, const Node& node, VolumeDecision& out) {
  std::vector<const DelayedClaim*> left;
  std::set<std::string, std::less<>> taken;
  std::vector<api::VolumeChoice> choices;
  for (const DelayedClaim* one : claims) {
    choices.clear();
    for (const ReachableVolume& candidate : *one->candidates) {
      choices.push_back({candidate.volume.get(), candidate.reaches(node)});
    }
    const PersistentVolume* found = api::find_matching_volume(*one->claim, choices, taken);
    if (!found) {
      left.push_back(one);
      continue;
    }
    taken.insert(found->metadata().name());
    const auto candidate =
        std::ranges::find_if(*one->candidates, [&](const ReachableVolume& c) { return c.volume.get() == found; });
    out.bindings.push_back({candidate->volume, one->claim});
  }
  return left;
}

void provision(const std::vector<const DelayedClaim*>& claims, const Node& node, LabelSpan labels, VolumeFindings& out) {
  for (const DelayedClaim* one : claims) {
    if (!one->provision.problem.empty()) {
      out.problem = one->provision.problem;
      return;
    }
    if (!one->provision.possible || !one->provision.allows(node)) {
      out.unbound_satisfied = false;
      return;
    }
    if (!one->provision.has_capacity(labels)) {
      out.enough_storage = false;
      return;
    }
    out.decision.provisions.push_back(one->claim);
  }
}

}  // namespace

VolumeFindings find_volumes(const PodClaims& claims, const Node& node, LabelSpan labels) {
  VolumeFindings out;
  check_bound(claims, node, out);
  std::vector<const DelayedClaim*> to_provision, to_match;
  for (const DelayedClaim& claim : claims.delayed) {
    if (!claim.selected_node) {
      to_match.push_back(&claim);
    } else if (*claim.selected_node == node.metadata().name()) {
      to_provision.push_back(&claim);
    } else {
      out.unbound_satisfied = false;
      return out;
    }
  }
  const auto unmatched = match(to_match, node, out.decision);
  to_provision.insert(to_provision.end(), unmatched.begin(), unmatched.end());
  provision(to_provision, node, labels, out);
  return out;
}

}  // namespace ph::scheduler
