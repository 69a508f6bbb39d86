#include "controllers/disruption/plan.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "api/times.h"
#include "controllers/common/amounts.h"
#include "controllers/common/same.h"

namespace ph::controllers::disruption {
namespace {

constexpr const char* kAllowed = "DisruptionAllowed";

// In its place, with the time of its last transition unless the status changes.
void set_allowed(PodDisruptionBudgetStatus& status, bool allowed, std::string reason, std::string message, Time now) {
  auto& conditions = *status.mutable_conditions();
  const auto found = std::ranges::find(conditions, kAllowed, [](const auto& c) -> std::string_view { return c.type(); });
  const bool is_new = found == conditions.end();
  meta::v1::Condition& condition = is_new ? *conditions.Add() : *found;
  const char* const text = allowed ? "True" : "False";
  if (is_new || condition.status() != text) api::set_time(condition.mutable_last_transition_time(), now);
  condition.set_type(kAllowed);
  condition.set_status(text);
  condition.set_reason(std::move(reason));
  condition.set_message(std::move(message));
  condition.set_observed_generation(status.observed_generation());
}

}  // namespace

api::LabelSelector selector_of(const PodDisruptionBudget& budget) {
  if (!budget.spec().has_selector()) return api::LabelSelector::nothing();
  try {
    return api::LabelSelector::from(budget.spec().selector());
  } catch (const api::DecodeError&) {
    return api::LabelSelector::nothing();
  }
}

bool asks_controllers(const PodDisruptionBudget& budget) {
  const auto& spec = budget.spec();
  return spec.has_max_unavailable() || (spec.has_min_available() && spec.min_available().type() != 0);
}

Wanted wanted(const PodDisruptionBudget& budget, int pods, int scale) {
  const auto& spec = budget.spec();
  if (spec.has_max_unavailable()) {
    const std::int64_t left = std::int64_t{scale} - scaled(spec.max_unavailable(), scale, true);
    return {scale, static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()))};
  }
  if (!spec.has_min_available()) return {};
  if (!asks_controllers(budget)) return {pods, spec.min_available().int_val()};
  return {scale, scaled(spec.min_available(), scale, true)};
}

Evicted evicted(const PodDisruptionBudget& budget, const std::vector<Ref<PodView>>& pods, Time now) {
  Evicted out;
  const auto& granted = budget.status().disrupted_pods();
  for (const Ref<PodView>& pod : pods) {
    const auto found = granted.find(pod->name);
    if (found == granted.end() || pod->deletion) continue;
    const Time since = api::to_time(found->second), until = since + kDisruptionTime;
    if (until <= now) {
      out.overdue.push_back(pod);
      continue;
    }
    out.awaited.emplace(pod->name, since);
    out.next = out.next ? std::min(*out.next, until) : until;
  }
  return out;
}

int healthy(const std::vector<Ref<PodView>>& pods, const Evicted& evicted) {
  return static_cast<int>(std::ranges::count_if(
      pods, [&](const Ref<PodView>& pod) { return pod->ready && !pod->deletion && !evicted.awaited.contains(pod->name); }));
}

PodDisruptionBudgetStatus status_of(const PodDisruptionBudget& budget, const Wanted& wanted, int healthy, const Evicted& evicted,
                                    Time now) {
  PodDisruptionBudgetStatus status;
  *status.mutable_conditions() = budget.status().conditions();
  status.set_observed_generation(budget.metadata().generation());
  status.set_expected_pods(wanted.expected_pods);
  status.set_desired_healthy(wanted.desired_healthy);
  status.set_current_healthy(healthy);
  // Of a budget that has no pods yet nothing is known of the first that come.
  const int spare = wanted.expected_pods > 0 ? std::max(0, healthy - wanted.desired_healthy) : 0;
  status.set_disruptions_allowed(spare);
  for (const auto& [pod, since] : evicted.awaited) (*status.mutable_disrupted_pods())[pod] = api::make_time(since);
  set_allowed(status, spare > 0, spare > 0 ? "SufficientPods" : "InsufficientPods", {}, now);
  return status;
}

PodDisruptionBudgetStatus failed_status(const PodDisruptionBudget& budget, const std::string& why, Time now) {
  PodDisruptionBudgetStatus status = budget.status();
  status.set_disruptions_allowed(0);
  set_allowed(status, false, "SyncFailed", why, now);
  return status;
}

bool has_status(const PodDisruptionBudget& budget, const PodDisruptionBudgetStatus& after) {
  return says_same(budget.status(), after);
}

std::optional<Time> stale_at(const PodView& pod) {
  if (!pod.disrupted_since || pod.deletion || pod.finished()) return std::nullopt;
  return *pod.disrupted_since + kDisruptionTime;
}

std::string undisrupted_patch(const PodView& pod, Time now) {
  const nlohmann::json condition = {{"type", "DisruptionTarget"},
                                    {"status", "False"},
                                    {"reason", nullptr},
                                    {"message", nullptr},
                                    {"lastTransitionTime", api::rfc3339(now)},
                                    {"observedGeneration", pod.generation}};
  return nlohmann::json{{"metadata", {{"uid", pod.uid}, {"resourceVersion", to_string(pod.revision)}}},
                        {"status", {{"observedGeneration", pod.generation}, {"conditions", nlohmann::json::array({condition})}}}}
      .dump();
}

}  // namespace ph::controllers::disruption
