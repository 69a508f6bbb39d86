#include "apiserver/registry/label_keys.h"

namespace ph::apiserver {

using core::v1::Pod, core::v1::PodAffinityTerm, core::v1::WeightedPodAffinityTerm;

namespace {

using Keys = google::protobuf::RepeatedPtrField<std::string>;
using Labels = google::protobuf::Map<std::string, std::string>;

// A label that the pod does not have demands nothing.
void demand(const Keys& keys, const Labels& labels, const char* operation, meta::v1::LabelSelector& selector) {
  for (const std::string& key : keys) {
    const auto found = labels.find(key);
    if (found == labels.end()) continue;
    auto& added = *selector.add_match_expressions();
    added.set_key(key);
    added.set_operator_(operation);
    added.add_values(found->second);
  }
}

// A term without a selector means nobody, whatever it demands besides.
void merge(PodAffinityTerm& term, const Labels& labels) {
  if (!term.has_label_selector()) return;
  demand(term.match_label_keys(), labels, "In", *term.mutable_label_selector());
  demand(term.mismatch_label_keys(), labels, "NotIn", *term.mutable_label_selector());
}

template <class Affinity>
void merge_affinity(Affinity& affinity, const Labels& labels) {
  for (PodAffinityTerm& term : *affinity.mutable_required_during_scheduling_ignored_during_execution()) merge(term, labels);
  for (WeightedPodAffinityTerm& term : *affinity.mutable_preferred_during_scheduling_ignored_during_execution()) {
    merge(*term.mutable_pod_affinity_term(), labels);
  }
}

}  // namespace

void merge_label_keys(Pod& pod) {
  const Labels& labels = pod.metadata().labels();
  if (pod.spec().affinity().has_pod_affinity()) {
    merge_affinity(*pod.mutable_spec()->mutable_affinity()->mutable_pod_affinity(), labels);
  }
  if (pod.spec().affinity().has_pod_anti_affinity()) {
    merge_affinity(*pod.mutable_spec()->mutable_affinity()->mutable_pod_anti_affinity(), labels);
  }
}

}  // namespace ph::apiserver
