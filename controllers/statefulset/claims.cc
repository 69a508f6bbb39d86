#include "controllers/statefulset/claims.h"

#include <algorithm>

#include "api/sorted.h"
#include "controllers/common/ownership.h"

namespace ph::controllers::statefulset {
namespace {

using meta::v1::OwnerReference;

// Whether claims are deleted: with the set, and with a pod that scaling down takes.
struct Policy {
  bool when_deleted = false, when_scaled = false;
  bool retains_all() const { return !when_deleted && !when_scaled; }
};
Policy policy_of(const StatefulSet& set) {
  const auto& policy = set.spec().persistent_volume_claim_retention_policy();
  return {.when_deleted = policy.when_deleted() == "Delete", .when_scaled = policy.when_scaled() == "Delete"};
}

Owner owner_of(const StatefulSet& set, const ClaimingPod& pod) {
  return {.resource = api::Scheme::builtin().resource(api::schema_of<core::v1::Pod>()),
          .key = {set.metadata().namespace_(), pod.name},
          .uid = pod.uid};
}

// The owner's name, whether it is that one or another that had it.
bool names(const OwnerReference& reference, const Owner& owner) {
  const auto& kind = owner.resource->kind;
  return reference.api_version() == kind.api_version() && reference.kind() == kind.kind && reference.name() == owner.key.name;
}
bool names_another(const Claim& claim, const Owner& owner) {
  const auto& references = claim.metadata().owner_references();
  const auto found = std::ranges::find_if(references, [&](const OwnerReference& each) { return names(each, owner); });
  return found != references.end() && found->uid() != owner.uid;
}
bool is_owned_by(const Claim& claim, const std::string& uid) {
  return std::ranges::any_of(claim.metadata().owner_references(), [&](const OwnerReference& each) { return each.uid() == uid; });
}

// Who is to be its controller.
bool set_controls(const Policy& policy, const ClaimingPod& pod) {
  return policy.when_deleted && !(policy.when_scaled && !pod.wanted);
}
bool pod_controls(const Policy& policy, const ClaimingPod& pod) { return policy.when_scaled && !pod.wanted; }

}  // namespace

std::string claim_name(const StatefulSet& set, const Claim& from, std::int64_t ordinal) {
  return from.metadata().name() + "-" + set.metadata().name() + "-" + std::to_string(ordinal);
}

std::vector<Claim> claims_of(const StatefulSet& set, std::int64_t ordinal) {
  std::vector<Claim> out;
  for (const Claim& from : set.spec().volume_claim_templates()) {
    Claim& claim = out.emplace_back(from);
    claim.mutable_metadata()->set_name(claim_name(set, from, ordinal));
    claim.mutable_metadata()->set_namespace_(set.metadata().namespace_());
    for (const auto& [key, value] : in_any_order(set.spec().selector().match_labels()))
      (*claim.mutable_metadata()->mutable_labels())[key] = value;
  }
  return out;
}

bool is_left_behind(const StatefulSet& set, const Claim& claim, const ClaimingPod& pod) {
  return policy_of(set).when_scaled && names_another(claim, owner_of(set, pod));
}

bool has_foreign_controller(const StatefulSet& set, const Claim& claim, const ClaimingPod& pod) {
  if (policy_of(set).retains_all()) return false;
  const Owner ours[] = {controllers::owner_of(set), owner_of(set, pod)};
  return std::ranges::any_of(claim.metadata().owner_references(), [&](const OwnerReference& each) {
    const auto named = std::ranges::find_if(ours, [&](const Owner& owner) { return names(each, owner); });
    // One that had the name before is another.
    return named == std::end(ours) ? each.controller() : each.uid() != named->uid;
  });
}

bool owners_fit(const StatefulSet& set, const Claim& claim, const ClaimingPod& pod) {
  if (names_another(claim, controllers::owner_of(set)) || names_another(claim, owner_of(set, pod))) return false;
  const bool of_set = is_owned_by(claim, set.metadata().uid()), of_pod = is_owned_by(claim, pod.uid);
  if (has_foreign_controller(set, claim, pod)) return !of_set && !of_pod;
  const auto& references = claim.metadata().owner_references();
  const auto ours = std::ranges::find_if(
      references, [&](const OwnerReference& each) { return each.uid() == set.metadata().uid() || each.uid() == pod.uid; });
  if (ours != references.end() && !ours->controller()) return false;
  const Policy policy = policy_of(set);
  return of_set == set_controls(policy, pod) && of_pod == pod_controls(policy, pod);
}

void fit_owners(const StatefulSet& set, const ClaimingPod& pod, Claim& claim) {
  const bool foreign = has_foreign_controller(set, claim, pod);
  const Owner set_owner = controllers::owner_of(set), pod_owner = owner_of(set, pod);
  auto& references = *claim.mutable_metadata()->mutable_owner_references();
  for (int i = references.size() - 1; i >= 0; --i) {
    if (names(references[i], set_owner) || names(references[i], pod_owner)) references.DeleteSubrange(i, 1);
  }
  if (foreign) return;
  const Policy policy = policy_of(set);
  if (set_controls(policy, pod)) *references.Add() = controller_reference(set_owner);
  if (pod_controls(policy, pod)) *references.Add() = controller_reference(pod_owner);
}

}  // namespace ph::controllers::statefulset
