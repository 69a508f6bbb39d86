#include "controllers/namespace/content.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/times.h"

namespace ph::controllers::namespaces {
namespace {

using core::v1::NamespaceStatus;

bool set_condition(NamespaceStatus* status, const char* type, bool holds, const char* reason, const std::string& message,
                   Time now) {
  core::v1::NamespaceCondition* condition = nullptr;
  for (auto& each : *status->mutable_conditions()) {
    if (each.type() == type) condition = &each;
  }
  const char* value = holds ? "True" : "False";
  if (condition && condition->status() == value && condition->reason() == reason && condition->message() == message) return false;
  if (!condition) {
    condition = status->add_conditions();
    condition->set_type(type);
  }
  if (condition->status() != value) api::set_time(condition->mutable_last_transition_time(), now);
  condition->set_status(value);
  condition->set_reason(reason);
  condition->set_message(message);
  return true;
}

std::string listed(const char* introduction, const std::map<std::string, int>& counts, const char* form) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts) parts.push_back(fmt::format(fmt::runtime(form), name, count));
  return fmt::format("{}: {}", introduction, fmt::join(parts, ", "));
}

}  // namespace

std::string undiscovered(const informers::Discovery& discovery) {
  if (discovery.failures.empty()) return {};
  return fmt::format("Discovery failed for some groups, {} failing: {}", discovery.failures.size(), discovery.complaint());
}

bool set_conditions(NamespaceStatus* status, const Remaining& remaining, Time now) {
  bool changed =
      remaining.undiscovered.empty()
          ? set_condition(status, "NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
                          "All resources successfully discovered", now)
          : set_condition(status, "NamespaceDeletionDiscoveryFailure", true, "DiscoveryFailed", remaining.undiscovered, now);
  changed |= set_condition(status, "NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
                           "All legacy kube types successfully parsed", now);
  if (remaining.failures.empty()) {
    changed |= set_condition(status, "NamespaceDeletionContentFailure", false, "ContentDeleted",
                             "All content successfully deleted, may be waiting on finalization", now);
  } else {
    changed |= set_condition(status, "NamespaceDeletionContentFailure", true, "ContentDeletionFailed",
                             fmt::format("Failed to delete all resource types, {} remaining: {}", remaining.failures.size(),
                                         fmt::join(remaining.failures, ", ")),
                             now);
  }
  if (remaining.none()) {
    changed |=
        set_condition(status, "NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed", now);
  } else {
    changed |= set_condition(status, "NamespaceContentRemaining", true, "SomeResourcesRemain",
                             listed("Some resources are remaining", remaining.objects, "{} has {} resource instances"), now);
  }
  if (remaining.finalizers.empty()) {
    changed |= set_condition(status, "NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers",
                             "All content-preserving finalizers finished", now);
  } else {
    changed |= set_condition(
        status, "NamespaceFinalizersRemaining", true, "SomeFinalizersRemain",
        listed("Some content in the namespace has finalizers remaining", remaining.finalizers, "{} in {} resource instances"),
        now);
  }
  return changed;
}

}  // namespace ph::controllers::namespaces
