#include "controllers/persistent_volume_claim_protection/plan.h"

#include <algorithm>

#include "controllers/common/ownership.h"

namespace ph::controllers::claim_protection {

using informers::ClaimView, informers::PodView;

namespace {

// Its kubelet is done with it, or somebody has deleted it by force: all that was made for it may go.
bool is_shut_down(const PodView& pod) { return pod.deletion && pod.deletion_grace_seconds == 0; }

ObjectKey key_of_claim(const PodView& pod, const ClaimView& claim) {
  return {std::string(pod.namespace_name.view()), claim.name};
}

}  // namespace

bool uses(const PodView& pod, const Claim& claim) {
  if (pod.node_name.empty() || pod.namespace_name != claim.metadata().namespace_()) return false;
  return std::ranges::any_of(pod.claims, [&](const ClaimView& each) {
    if (each.name != claim.metadata().name()) return false;
    if (!each.generic_ephemeral) return true;
    return !is_shut_down(pod) && controller_uid(claim) == pod.uid;
  });
}

std::vector<ObjectKey> let_go(const PodView* before, const PodView* after) {
  if (!before || before->node_name.empty()) return {};
  const bool is_gone = !after || after->uid != before->uid;
  const bool has_shut_down = !is_gone && is_shut_down(*after) && !is_shut_down(*before);
  std::vector<ObjectKey> out;
  for (const ClaimView& claim : before->claims) {
    if (is_gone || (has_shut_down && claim.generic_ephemeral)) out.push_back(key_of_claim(*before, claim));
  }
  return out;
}

}  // namespace ph::controllers::claim_protection
