// OwnTerms: what a pod asks of other pods, with all namespaces that it means by name.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/cluster/pod_affinity.h"
#include "scheduler/cluster/pod_info.h"
#include "scheduler/framework/objects.h"

namespace ph::scheduler {

using Terms = std::vector<AffinityTerm>;
using WeightedTerms = std::vector<WeightedTerm>;

// The terms of the pod that is placed name all namespaces they mean: those of pods that are compared need not be looked up then.
// What is not resolved is met by pods of the namespaces it names, and of all where its selector takes one without labels.
inline constexpr LabelSpan kResolved;

bool matches_all(const Terms& terms, const PodInfo& pod);

struct OwnTerms {
  Terms near, away;  // required
  WeightedTerms preferred_near, preferred_away;
  // Texts that are the same for terms that mean the same pods within the same topologies, with the same weights.
  std::string near_claim, away_claim, preferred_claim;
};

// The same for the same affinity, whatever namespaces there are.
std::string affinity_text(const PodAffinity& affinity);

// The terms that have come up lately, resolved. Namespaces are looked through only when they have changed.
class ResolvedTerms {
 public:
  explicit ResolvedTerms(Lister<core::v1::Namespace> namespaces) : namespaces_(std::move(namespaces)) {}

  std::shared_ptr<const OwnTerms> of(const PodAffinity& affinity);

 private:
  static constexpr std::size_t kMost = 64;
  struct Known {
    std::string text;
    std::optional<std::uint64_t> version;  // of the namespaces
    std::shared_ptr<const OwnTerms> terms;
  };

  std::shared_ptr<const OwnTerms> made(const PodAffinity& affinity) const;
  AffinityTerm resolved(const AffinityTerm& term) const;

  Lister<core::v1::Namespace> namespaces_;
  std::list<Known> recent_;  // the last that came up first
};

}  // namespace ph::scheduler
