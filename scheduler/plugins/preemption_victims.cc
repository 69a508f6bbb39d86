#include "scheduler/plugins/preemption_victims.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "api/sorted.h"

namespace ph::scheduler {

namespace {

// A pod that has not started yet has run for the shortest time.
std::int64_t started(const PodInfo& pod) {
  return pod.start_time == 0 ? std::numeric_limits<std::int64_t>::max() : pod.start_time;
}

}  // namespace

bool more_important(const PodRef& a, const PodRef& b) {
  return a->priority != b->priority ? a->priority > b->priority : started(*a) < started(*b);
}

void DisruptionBudgets::add(const policy::v1::PodDisruptionBudget& budget) {
  Budget out{.namespace_name = budget.metadata().namespace_(), .allowed = budget.status().disruptions_allowed()};
  try {
    if (budget.spec().has_selector()) out.pods = api::LabelSelector::from(budget.spec().selector());
  } catch (const api::DecodeError&) {
    return;  // a selector that means nothing selects nothing
  }
  if (out.pods.empty()) return;  // so does an empty one
  for (const auto* pod : sorted(budget.status().disrupted_pods())) out.disrupted.push_back(pod->first);
  budgets_.push_back(std::move(out));
}

std::vector<bool> DisruptionBudgets::violated_by(std::span<const PodRef> pods) const {
  std::vector<bool> out(pods.size());
  std::vector<std::int64_t> left;
  for (const Budget& budget : budgets_) left.push_back(budget.allowed);
  std::vector<std::pair<std::string_view, std::string_view>> labels;
  for (std::size_t p = 0; p < pods.size(); ++p) {
    const PodInfo& pod = *pods[p];
    if (pod.labels.empty()) continue;
    labels.assign(pod.labels.begin(), pod.labels.end());
    for (std::size_t b = 0; b < budgets_.size(); ++b) {
      const Budget& budget = budgets_[b];
      if (pod.namespace_name != budget.namespace_name || !budget.pods.matches(labels)) continue;
      if (std::ranges::binary_search(budget.disrupted, pod.name)) continue;
      if (--left[b] < 0) out[p] = true;
    }
  }
  return out;
}

namespace {

// A node on which pods are taken away and given back, and the plugins' state with it.
class WhatIf {
 public:
  WhatIf(const Profile& profile, const CycleState& state, const Pod& pod, const NodeInfo& node, const Nominator& nominated)
      : profile_(profile), state_(state.clone()), pod_(pod), node_(node), nominated_(nominated) {}

  Verdict without(const PodRef& other) {
    node_.remove_pod(other->uid);
    return profile_.remove_pod(state_, pod_, *other, node_);
  }
  Verdict with(const PodRef& other) {
    node_.add_pod(other);
    return profile_.add_pod(state_, pod_, *other, node_);
  }
  Verdict fits() const { return profile_.filter(state_, pod_, node_, nominated_); }

 private:
  const Profile& profile_;
  CycleState state_;
  const Pod& pod_;
  NodeInfo node_;
  const Nominator& nominated_;
};

DryRun refused(const Verdict& verdict) {
  DryRun out{.code = verdict.code()};
  for (const std::string_view reason : verdict.reasons()) out.reasons.emplace_back(reason);
  return out;
}

}  // namespace

DryRun select_victims(const Profile& profile, const CycleState& state, const Pod& pod, const NodeInfo& node,
                      const DisruptionBudgets& budgets, const Nominator& nominated) {
  std::vector<PodRef> possible;
  for (const PodRef& other : node.pods()) {
    if (other->priority < state.pod().priority) possible.push_back(other);
  }
  if (possible.empty()) return refused(Verdict::unresolvable("No preemption victims found for incoming pod"));

  WhatIf what_if(profile, state, pod, node, nominated);
  for (const PodRef& other : possible) {
    if (const Verdict verdict = what_if.without(other); !verdict.success()) return refused(verdict);
  }
  // Whether the pod needs one of those that go (affinity) is not looked into, as upstream.
  if (const Verdict verdict = what_if.fits(); !verdict.success()) return refused(verdict);

  // Give back as many as possible: those whose going violates a budget first, and the more important ones before the others.
  std::ranges::stable_sort(possible, more_important);
  const std::vector<bool> violates = budgets.violated_by(possible);
  std::vector<bool> goes(possible.size());
  DryRun out;
  for (const bool violating : {true, false}) {
    for (std::size_t i = 0; i < possible.size(); ++i) {
      if (violates[i] != violating) continue;
      if (const Verdict verdict = what_if.with(possible[i]); !verdict.success()) return refused(verdict);
      if (what_if.fits().success()) continue;
      if (const Verdict verdict = what_if.without(possible[i]); !verdict.success()) return refused(verdict);
      goes[i] = true;
      out.victims.violations += violating;
    }
  }
  for (std::size_t i = 0; i < possible.size(); ++i) {
    if (goes[i]) out.victims.pods.push_back(possible[i]);
  }
  if (out.victims.pods.empty()) {
    return refused(Verdict::error(fmt::format("expected at least one victim pod on node \"{}\"", node.name())));
  }
  return out;
}

}  // namespace ph::scheduler
