// The conditions of an object's status, of any kind that has a type, status, reason and lastTransitionTime in each
// (upstream: SetDeploymentCondition, SetCondition of replica sets, and their like). Pure.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>

namespace ph::controllers {

// The condition of that type; null: there is none. Valid until the status changes.
template <class Status>
auto find_condition(const Status& status, std::string_view type) -> decltype(&*status.conditions().begin()) {
  const auto& conditions = status.conditions();
  const auto found = std::ranges::find(conditions, type, [](const auto& c) -> std::string_view { return c.type(); });
  return found == conditions.end() ? nullptr : &*found;
}

template <class Status>
void drop_condition(Status& status, std::string_view type) {
  auto& conditions = *status.mutable_conditions();
  for (int i = conditions.size() - 1; i >= 0; --i) {
    if (conditions[i].type() == type) conditions.DeleteSubrange(i, 1);
  }
}

// Puts `fresh` last, in place of the one of its type; one of the same status keeps the time of its last transition. A condition of
// the same status and reason stays as it is, with its times, its message and its place.
template <class Status, class Condition>
void set_condition(Status& status, Condition fresh) {
  if (const Condition* old = find_condition(status, fresh.type()); old && old->status() == fresh.status()) {
    if (old->reason() == fresh.reason()) return;
    *fresh.mutable_last_transition_time() = old->last_transition_time();
  }
  drop_condition(status, fresh.type());
  *status.add_conditions() = std::move(fresh);
}

}  // namespace ph::controllers
