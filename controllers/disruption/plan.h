// What a PodDisruptionBudget says of its pods: pure functions of the budget, the pods it selects, and how many their controllers
// want. Reference: "Disruptions" in the Kubernetes documentation; KEP-3017 (unhealthy pods), KEP-3329 (the condition of pods).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/selector.h"
#include "controllers/runtime/loop.h"
#include "policy/v1.pb.h"

namespace ph::controllers::disruption {

using policy::v1::PodDisruptionBudget;
using policy::v1::PodDisruptionBudgetStatus;

// A pod whose eviction was granted, or that is said to be disrupted, is waited for so long.
inline constexpr Duration kDisruptionTime = 2min;

// An empty selector selects all pods of the namespace; none, or one that we cannot read, selects none.
api::LabelSelector selector_of(const PodDisruptionBudget& budget);

// Whether what it wants depends on how many pods their controllers want, and not only on the pods that are there.
bool asks_controllers(const PodDisruptionBudget& budget);

struct Wanted {
  int expected_pods = 0, desired_healthy = 0;
};
// `pods` there are; `scale`: what their controllers want together, where the budget asks for it.
Wanted wanted(const PodDisruptionBudget& budget, int pods, int scale);

// The pods whose eviction the server has granted.
struct Evicted {
  std::map<std::string, Time> awaited;  // still to be deleted, each since when
  std::vector<Ref<PodView>> overdue;    // that should have been deleted by now
  std::optional<Time> next;             // when the next one is overdue
};
Evicted evicted(const PodDisruptionBudget& budget, const std::vector<Ref<PodView>>& pods, Time now);

// Ready pods that stay.
int healthy(const std::vector<Ref<PodView>>& pods, const Evicted& evicted);

PodDisruptionBudgetStatus status_of(const PodDisruptionBudget& budget, const Wanted& wanted, int healthy, const Evicted& evicted,
                                    Time now);
// When nobody knows how many pods there should be: no disruption is allowed, and the rest stays.
PodDisruptionBudgetStatus failed_status(const PodDisruptionBudget& budget, const std::string& why, Time now);
// Writing `after` would change nothing.
bool has_status(const PodDisruptionBudget& budget, const PodDisruptionBudgetStatus& after);

// When the condition DisruptionTarget of a pod that nobody has deleted is to be taken back; nothing: it stays, or there is none.
std::optional<Time> stale_at(const PodView& pod);
// That it is not disrupted any more: a strategic merge patch of its status, pinned to what was judged.
std::string undisrupted_patch(const PodView& pod, Time now);

}  // namespace ph::controllers::disruption
