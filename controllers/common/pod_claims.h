// Which pods name a claim: one index of the pods' informer for all loops that ask.
#pragma once

#include <string>
#include <vector>

#include "controllers/runtime/loop.h"

namespace ph::controllers {

inline constexpr const char* kPodsByClaim = "claim";

// "namespace/name" of all claims that a pod names, or brings for its generic ephemeral volumes.
inline std::vector<std::string> claim_keys(const PodView& pod) {
  std::vector<std::string> out;
  out.reserve(pod.claims.size());
  for (const informers::ClaimView& claim : pod.claims) {
    out.push_back(ObjectKey{std::string(pod.namespace_name.view()), claim.name}.text());
  }
  return out;
}

inline void index_pods_by_claim(Informer<PodView>& pods) { pods.add_index(kPodsByClaim, claim_keys); }

inline std::vector<Ref<PodView>> pods_with_claim(const Informer<PodView>& pods, const ObjectKey& claim) {
  return pods.by_index(kPodsByClaim, claim.text());
}

}  // namespace ph::controllers
