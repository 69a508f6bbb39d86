#include "controllers/replicaset/plan.h"

#include <algorithm>

#include "api/selector.h"
#include "api/times.h"
#include "controllers/common/conditions.h"

namespace ph::controllers::replicaset {
namespace {

Duration min_ready(const ReplicaSet& set) { return std::chrono::seconds(set.spec().min_ready_seconds()); }

void set_failure(ReplicaSetStatus& status, const std::optional<Failure>& failure, Time now) {
  if (!failure) return drop_condition(status, "ReplicaFailure");
  // The first failure stays until one reconcile goes well.
  if (find_condition(status, "ReplicaFailure")) return;
  apps::v1::ReplicaSetCondition condition;
  condition.set_type("ReplicaFailure");
  condition.set_status("True");
  api::set_time(condition.mutable_last_transition_time(), now);
  condition.set_reason(failure->surplus < 0 ? "FailedCreate" : "FailedDelete");
  condition.set_message(failure->message);
  set_condition(status, std::move(condition));
}

}  // namespace

int wanted_replicas(const ReplicaSet& set) { return set.spec().has_replicas() ? set.spec().replicas() : 1; }

int surplus(const ReplicaSet& set, const Observed& observed) {
  if (set.metadata().has_deletion_timestamp()) return 0;
  const std::int64_t beyond = static_cast<std::int64_t>(observed.active.size()) - wanted_replicas(set);
  return static_cast<int>(std::clamp<std::int64_t>(beyond, -kBurst, kBurst));
}

ReplicaSetStatus status_of(const ReplicaSet& set, const Observed& observed, const std::optional<Failure>& failure, Time now) {
  ReplicaSetStatus status = set.status();
  const auto from_template = api::LabelSelector::from_map(set.spec().template_().metadata().labels());
  const auto count = [&](auto holds) {
    return static_cast<int>(std::ranges::count_if(observed.active, [&](const Ref<PodView>& pod) { return holds(*pod); }));
  };
  status.set_replicas(static_cast<int>(observed.active.size()));
  status.set_fully_labeled_replicas(count(PodSelection(from_template)));
  status.set_ready_replicas(count([](const PodView& pod) { return pod.ready; }));
  status.set_available_replicas(count([&](const PodView& pod) {
    const auto from = available_from(pod, min_ready(set));
    return from && *from <= now;
  }));
  status.set_terminating_replicas(static_cast<int>(observed.terminating.size()));
  status.set_observed_generation(set.metadata().generation());
  set_failure(status, failure, now);
  return status;
}

std::optional<Time> next_available(const ReplicaSet& set, const Observed& observed, Time now) {
  std::optional<Time> next;
  for (const Ref<PodView>& pod : observed.active) {
    const auto from = available_from(*pod, min_ready(set));
    if (!from || *from <= now) continue;
    next = next ? std::min(*next, *from) : *from;
  }
  return next;
}

}  // namespace ph::controllers::replicaset
