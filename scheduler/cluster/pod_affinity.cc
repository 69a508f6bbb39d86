// Upstream: pkg/scheduler/framework (AffinityTerm, PodInfo.Update)
#include "scheduler/cluster/pod_affinity.h"

#include <algorithm>

#include "api/codec.h"
#include "scheduler/cluster/pod_info.h"

namespace ph::scheduler {

using core::v1::Pod, core::v1::PodAffinityTerm;

bool AffinityTerm::matches(const PodInfo& pod, LabelSpan its_namespace) const {
  const bool there =
      std::ranges::find(namespaces, pod.namespace_name) != namespaces.end() || namespace_labels.matches(its_namespace);
  return there && pods.matches(pod.labels);
}

void AffinityTerm::describe(std::string& out) const {
  for (const Interned& name : namespaces) out.append(name.view()).push_back(',');
  namespace_labels.describe(out);
  pods.describe(out);
}

namespace {

AffinityTerm parsed(const Pod& pod, const PodAffinityTerm& term) {
  AffinityTerm out;
  out.topology_key = Interned(term.topology_key());
  for (const std::string& name : term.namespaces()) out.namespaces.emplace_back(name);
  if (term.namespaces().empty() && !term.has_namespace_selector()) out.namespaces.emplace_back(pod.metadata().namespace_());
  if (term.has_namespace_selector()) out.namespace_labels = LabelMatcher::of(term.namespace_selector());
  if (term.has_label_selector()) out.pods = LabelMatcher::of(term.label_selector());
  return out;
}

template <class Terms, class Out>
void add(const Pod& pod, const Terms& terms, std::vector<Out>& out, std::string& error) {
  try {
    for (const auto& term : terms) {
      if constexpr (std::is_same_v<Out, WeightedTerm>) {
        out.push_back({parsed(pod, term.pod_affinity_term()), term.weight()});
      } else {
        out.push_back(parsed(pod, term));
      }
    }
  } catch (const api::DecodeError& e) {
    out.clear();
    if (error.empty()) error = e.what();
  }
}

}  // namespace

std::shared_ptr<const PodAffinity> pod_affinity(const Pod& pod) {
  const auto& affinity = pod.spec().affinity();
  if (!affinity.has_pod_affinity() && !affinity.has_pod_anti_affinity()) return nullptr;
  const auto& near = affinity.pod_affinity();
  const auto& away = affinity.pod_anti_affinity();
  auto out = std::make_shared<PodAffinity>();
  add(pod, near.required_during_scheduling_ignored_during_execution(), out->required, out->error);
  add(pod, away.required_during_scheduling_ignored_during_execution(), out->required_anti, out->error);
  add(pod, near.preferred_during_scheduling_ignored_during_execution(), out->preferred, out->error);
  add(pod, away.preferred_during_scheduling_ignored_during_execution(), out->preferred_anti, out->error);
  return out;
}

}  // namespace ph::scheduler
