#include "controllers/job/policy.h"

#include <algorithm>

#include <fmt/format.h>

namespace ph::controllers::job {
namespace {

using Container = informers::JobPodView::Container;

Failure::Action action_of(const std::string& name) {
  if (name == "Ignore") return Failure::Action::Ignore;
  if (name == "Count") return Failure::Action::Count;
  if (name == "FailIndex") return Failure::Action::FailIndex;
  return name == "FailJob" ? Failure::Action::FailJob : Failure::Action::None;
}

bool matches(const batch::v1::PodFailurePolicyOnExitCodesRequirement& wanted, const Container& container) {
  if (wanted.has_container_name() && container.name != wanted.container_name()) return false;
  if (!container.ended || container.exit_code == 0) return false;
  const bool listed = std::ranges::find(wanted.values(), container.exit_code) != wanted.values().end();
  return wanted.operator_() == "In" ? listed : wanted.operator_() == "NotIn" && !listed;
}

const Container* matching(const batch::v1::PodFailurePolicyOnExitCodesRequirement& wanted, const informers::JobPodView& pod) {
  for (const auto* containers : {&pod.containers, &pod.init_containers}) {
    const auto found = std::ranges::find_if(*containers, [&](const Container& each) { return matches(wanted, each); });
    if (found != containers->end()) return &*found;
  }
  return nullptr;
}

// The type of the pod's first condition that the rule names; nothing: none.
std::optional<std::string_view> matching(const batch::v1::PodFailurePolicyRule& rule, const informers::JobPodView& pod) {
  for (const auto& [type, status] : pod.conditions) {
    for (const auto& pattern : rule.on_pod_conditions()) {
      if (type == pattern.type() && status == pattern.status()) return type.view();
    }
  }
  return std::nullopt;
}

// Why the rule matches; nothing: it does not.
std::optional<std::string> reason(const batch::v1::PodFailurePolicyRule& rule, const PodView& pod) {
  if (rule.has_on_exit_codes()) {
    const Container* container = matching(rule.on_exit_codes(), *pod.job);
    if (!container) return std::nullopt;
    return fmt::format("Container {} for pod {}/{} failed with exit code {}", container->name.view(), pod.namespace_name.view(),
                       pod.name, container->exit_code);
  }
  const auto type = matching(rule, *pod.job);
  if (!type) return std::nullopt;
  return fmt::format("Pod {}/{} has condition {}", pod.namespace_name.view(), pod.name, *type);
}

}  // namespace

Failure judge_failure(const Job& job, const PodView& pod) {
  if (!job.spec().has_pod_failure_policy() || !pod.job) return {};
  int index = 0;
  for (const auto& rule : job.spec().pod_failure_policy().rules()) {
    if (const auto why = reason(rule, pod)) {
      return {action_of(rule.action()), fmt::format("{} matching {} rule at index {}", *why, rule.action(), index)};
    }
    ++index;
  }
  return {};
}

std::optional<std::string> met_success_rule(const Job& job, const Indexes& succeeded) {
  if (succeeded.total() == 0) return std::nullopt;
  int index = 0;
  for (const auto& rule : job.spec().success_policy().rules()) {
    int wanted = rule.succeeded_count(), have = succeeded.total();
    if (rule.has_succeeded_indexes()) {
      const Indexes named = Indexes::parse(rule.succeeded_indexes(), completions(job));
      have = succeeded.common(named);
      if (!rule.has_succeeded_count()) wanted = named.total();
    }
    const bool says_something = rule.has_succeeded_indexes() || rule.has_succeeded_count();
    if (says_something && have >= wanted) return fmt::format("Matched rules at index {}", index);
    ++index;
  }
  return std::nullopt;
}

}  // namespace ph::controllers::job
