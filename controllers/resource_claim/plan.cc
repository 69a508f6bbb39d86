#include "controllers/resource_claim/plan.h"

#include <algorithm>

#include "controllers/common/ownership.h"

namespace ph::controllers::resource_claim {
namespace {

constexpr int kReservationsMost = 256;

bool is_pod(const resources::v1::ResourceClaimConsumerReference& user) {
  return user.api_group().empty() && user.resource() == "pods";
}

bool has_finalizer(const Claim& claim) {
  return std::ranges::find(claim.metadata().finalizers(), kFinalizer) != claim.metadata().finalizers().end();
}

}  // namespace

PodOfClaim owner_of_claim(const Claim& claim) {
  const meta::v1::OwnerReference* owner = controller_of(claim.metadata());
  if (!owner || owner->kind() != "Pod" || owner->api_version() != "v1") return {};
  return {owner->name(), owner->uid()};
}

std::vector<PodOfClaim> pods_of(const Claim& claim) {
  std::vector<PodOfClaim> out;
  for (const auto& user : claim.status().reserved_for()) {
    if (is_pod(user)) out.push_back({user.name(), user.uid()});
  }
  if (const PodOfClaim owner = owner_of_claim(claim); !owner.name.empty()) out.push_back(owner);
  return out;
}

Steps steps(const Claim& claim, const std::set<std::string>& ended) {
  Steps out{.claim = claim};
  auto& status = *out.claim.mutable_status();
  auto& users = *status.mutable_reserved_for();
  // What is no pod is taken off by whoever has put it there.
  users.erase(
      std::remove_if(users.begin(), users.end(), [&](const auto& user) { return is_pod(user) && ended.contains(user.uid()); }),
      users.end());
  const bool had_users = claim.status().reserved_for_size() > 0, is_deleted = claim.metadata().has_deletion_timestamp();
  if (users.empty() && has_finalizer(claim) && (had_users || is_deleted)) {
    status.clear_allocation();
    out.drops_finalizer = true;
  }
  out.writes_status =
      users.size() != claim.status().reserved_for_size() || status.has_allocation() != claim.status().has_allocation();
  out.is_abandoned = !out.drops_finalizer && users.empty() && has_finalizer(claim) && !claim.status().has_allocation();
  const PodOfClaim owner = owner_of_claim(claim);
  out.removes = users.empty() && !is_deleted && !owner.name.empty() && ended.contains(owner.uid);
  return out;
}

bool lacks_reservation(const Claim& claim, const PodView& pod) {
  const auto& users = claim.status().reserved_for();
  if (!claim.status().has_allocation() || users.size() >= kReservationsMost) return false;
  return std::ranges::none_of(users, [&](const auto& user) { return user.uid() == pod.uid; });
}

void reserve(Claim& claim, const PodView& pod) {
  auto& user = *claim.mutable_status()->add_reserved_for();
  user.set_resource("pods");
  user.set_name(pod.name);
  user.set_uid(pod.uid);
}

}  // namespace ph::controllers::resource_claim
