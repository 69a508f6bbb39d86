// A pod's affinity and anti-affinity to other pods, parsed once a pod.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "scheduler/cluster/label_matcher.h"

namespace ph::scheduler {

struct PodInfo;

// Which pods it means, and within which topology.
struct AffinityTerm {
  Interned topology_key;
  std::vector<Interned> namespaces;                         // the pod's own where it names none
  LabelMatcher namespace_labels = LabelMatcher::nothing();  // of further namespaces
  LabelMatcher pods = LabelMatcher::nothing();

  // `its_namespace`: the labels of `pod`'s namespace.
  bool matches(const PodInfo& pod, LabelSpan its_namespace) const;
  // Adds a text that is the same for terms that mean the same pods, whatever the topology.
  void describe(std::string& out) const;
};

struct WeightedTerm {
  AffinityTerm term;
  std::int32_t weight = 0;
};

struct PodAffinity {
  std::vector<AffinityTerm> required, required_anti;
  std::vector<WeightedTerm> preferred, preferred_anti;
  std::string error;  // of the first term that cannot be understood; it and those beside it are left out
};

// Null: the pod has neither.
std::shared_ptr<const PodAffinity> pod_affinity(const core::v1::Pod& pod);

}  // namespace ph::scheduler
