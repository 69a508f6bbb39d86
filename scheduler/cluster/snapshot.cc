#include "scheduler/cluster/snapshot.h"

#include "scheduler/cluster/pod_volumes.h"

namespace ph::scheduler {

void Snapshot::count_claims(const NodeInfo& node, int by) {
  for (const PodRef& pod : node.with_volumes()) {
    for (const PodVolumes::Claim& claim : pod->volumes->claims) {
      if (claim.ephemeral) continue;
      const auto at = used_claims_.try_emplace({pod->namespace_name, claim.name}, 0).first;
      if ((at->second += by) == 0) used_claims_.erase(at);
    }
  }
}

const Snapshot::Lists& Snapshot::lists() const {
  if (are_lists_good_) return lists_;
  lists_ = {};
  for (const NodeInfo* node : order_) {
    if (!node->with_affinity().empty()) lists_.with_affinity.push_back(node);
    if (!node->repelling().empty()) lists_.repelling.push_back(node);
  }
  are_lists_good_ = true;
  return lists_;
}

}  // namespace ph::scheduler
