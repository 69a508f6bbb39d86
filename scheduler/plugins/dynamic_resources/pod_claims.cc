// Upstream: k8s.io/dynamic-resource-allocation/resourceclaim
#include "scheduler/plugins/dynamic_resources/pod_claims.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace ph::scheduler {

using core::v1::PodResourceClaim, resources::v1::ResourceClaim;

namespace {

constexpr int kMostReservations = 256;

// The name of the claim, and whether it was made for the pod. Empty: none is needed. Nothing: it has not been made yet.
struct Named {
  std::string name;
  bool made_for_pod = false;
};
std::optional<Named> named(const Pod& pod, const PodResourceClaim& claim, std::string& problem) {
  if (claim.has_resource_claim_name()) return Named{claim.resource_claim_name(), false};
  const std::string who = fmt::format("pod \"{}/{}\"", pod.metadata().namespace_(), pod.metadata().name());
  if (!claim.has_resource_claim_template_name()) {
    problem = fmt::format("{}, spec.resourceClaim \"{}\": none of the supported fields are set", who, claim.name());
    return std::nullopt;
  }
  for (const auto& status : pod.status().resource_claim_statuses()) {
    if (status.name() == claim.name()) return Named{status.resource_claim_name(), true};
  }
  problem = fmt::format("{}: ResourceClaim not created yet", who);
  return std::nullopt;
}

bool is_owner(const Pod& pod, const ResourceClaim& claim) {
  return std::ranges::any_of(claim.metadata().owner_references(),
                             [&](const auto& owner) { return owner.controller() && owner.uid() == pod.metadata().uid(); });
}

}  // namespace

PodResourceClaims resource_claims_of(const Pod& pod, const Assumed<ResourceClaim>& claims) {
  PodResourceClaims out;
  const std::string& space = pod.metadata().namespace_();
  for (const PodResourceClaim& wanted : pod.spec().resource_claims()) {
    const auto name = named(pod, wanted, out.problem);
    if (!name) return out;
    if (name->name.empty()) continue;
    const ResourceClaimRef claim = claims.find({space, name->name});
    if (!claim) {
      out.problem = fmt::format("could not find ResourceClaim \"{}/{}\"", space, name->name);
    } else if (claim->metadata().has_deletion_timestamp()) {
      out.problem = fmt::format("resourceclaim \"{}\" is being deleted", name->name);
    } else if (name->made_for_pod && !is_owner(pod, *claim)) {
      out.problem = fmt::format("ResourceClaim {0}/{1} was not created for pod {0}/{2} (pod is not owner)", space, name->name,
                                pod.metadata().name());
    }
    if (!out.problem.empty()) return out;
    out.claims.push_back(claim);
  }
  return out;
}

bool is_reserved_for(const ResourceClaim& claim, std::string_view pod_uid) {
  return std::ranges::any_of(claim.status().reserved_for(), [&](const auto& user) { return user.uid() == pod_uid; });
}

bool can_be_reserved(const ResourceClaim& claim) { return claim.status().reserved_for_size() < kMostReservations; }

}  // namespace ph::scheduler
