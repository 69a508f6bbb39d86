#include "controllers/garbage_collector/plan.h"

#include <algorithm>

namespace ph::controllers::garbage_collector {
namespace {

Action plan_deleted(const informers::MetadataView& object, const std::vector<Dependent>& dependents) {
  if (object.has_finalizer("orphan")) return {.kind = Action::OrphanDependents};
  if (!object.has_finalizer("foregroundDeletion")) return {};
  if (std::ranges::any_of(dependents, &Dependent::blocks)) return {};
  return {.kind = Action::RemoveForeground};
}

// A user's choice, made when he deleted the object before, stays his choice.
std::string policy_of(const informers::MetadataView& object) {
  if (object.has_finalizer("orphan")) return "Orphan";
  if (object.has_finalizer("foregroundDeletion")) return "Foreground";
  return "Background";
}

}  // namespace

Action plan(const informers::MetadataView& object, const std::vector<Owner>& owners, const std::vector<Dependent>& dependents) {
  if (object.deletion) return plan_deleted(object, dependents);
  if (owners.empty() || (std::ranges::find(owners, Owner::Unknown) != owners.end())) return {};

  std::vector<std::string> leaving;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    if (owners[i] != Owner::Solid) leaving.emplace_back(object.owners[i].uid.view());
  }
  if (leaving.empty()) return {};
  if (leaving.size() < owners.size()) return {.kind = Action::DropOwners, .uids = std::move(leaving)};

  if ((std::ranges::find(owners, Owner::Waiting) != owners.end()) && !dependents.empty()) {
    const bool circle = std::ranges::any_of(dependents, &Dependent::is_waiting);
    return {.kind = circle ? Action::UnblockThenDelete : Action::Delete, .policy = "Foreground"};
  }
  return {.kind = Action::Delete, .policy = policy_of(object)};
}

}  // namespace ph::controllers::garbage_collector
