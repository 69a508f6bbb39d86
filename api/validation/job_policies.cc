// batch/v1 Job: when failed pods end it, and which pods make it a success.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/validation/job_indexes.h"
#include "api/validation/job_parts.h"

namespace ph::api {

using namespace batch::v1;

namespace {

constexpr int kRulesMax = 20, kConditionsMax = 20, kExitCodesMax = 255;
constexpr std::size_t kIndexesBytesMax = 64 * 1024;

void check_exit_values(const PodFailurePolicyOnExitCodesRequirement& codes, const Path& path, Errors& errors) {
  const auto shown = [&] {
    return codes.values().empty() ? std::string("null") : fmt::format("[{}]", fmt::join(codes.values(), ","));
  };
  if (codes.values().empty()) errors.invalid(path, shown(), "at least one value is required");
  if (codes.values_size() > kExitCodesMax) errors.too_many(path, static_cast<std::size_t>(codes.values_size()), kExitCodesMax);
  std::set<int> seen;
  bool ordered = true;
  for (int i = 0; i < codes.values_size(); ++i) {
    const int code = codes.values(i);
    if (codes.operator_() == "In" && code == 0) errors.invalid(path.index(i), code, "must not be 0 for the In operator");
    if (!seen.insert(code).second) errors.duplicate_json(path.index(i), std::to_string(code));
    ordered &= i == 0 || codes.values(i - 1) <= code;
  }
  if (!ordered) errors.invalid(path, shown(), "must be ordered");
}

void check_exit_codes(const PodFailurePolicyOnExitCodesRequirement& codes, const core::v1::PodSpec& pod, const Path& path,
                      Errors& errors) {
  if (codes.operator_().empty()) {
    errors.required(path.member("operator"), R"(valid values: ["In" "NotIn"])");
  } else {
    check_one_of(codes.operator_(), {"In", "NotIn"}, path.member("operator"), errors);
  }
  if (codes.has_container_name()) {
    const auto named = [&](const auto& container) { return container.name() == codes.container_name(); };
    if (std::ranges::none_of(pod.containers(), named) && std::ranges::none_of(pod.init_containers(), named)) {
      errors.invalid_text(path.member("containerName"), codes.container_name(),
                          "must be one of the container or initContainer names in the pod template");
    }
  }
  check_exit_values(codes, path.member("values"), errors);
}

void check_conditions(const PodFailurePolicyRule& rule, const Path& path, Errors& errors) {
  if (rule.on_pod_conditions_size() > kConditionsMax)
    errors.too_many(path, static_cast<std::size_t>(rule.on_pod_conditions_size()), kConditionsMax);
  for (int i = 0; i < rule.on_pod_conditions_size(); ++i) {
    const PodFailurePolicyOnPodConditionsPattern& pattern = rule.on_pod_conditions(i);
    const Path at = path.index(i), status = at.member("status");
    check_qualified(pattern.type(), at.member("type"), errors);
    if (pattern.status().empty()) {
      errors.required(status, R"(valid values: ["False" "True" "Unknown"])");
    } else {
      check_one_of(pattern.status(), {"False", "True", "Unknown"}, status, errors);
    }
  }
}

void check_action(const std::string& action, bool counts_indexes, const Path& path, Errors& errors) {
  if (action.empty()) return errors.required(path, R"(valid values: ["Count" "FailIndex" "FailJob" "Ignore"])");
  check_one_of(action, {"Count", "FailIndex", "FailJob", "Ignore"}, path, errors);
  if (action == "FailIndex" && !counts_indexes) errors.invalid_text(path, action, "requires the backoffLimitPerIndex to be set");
}

void check_success_rule(const SuccessPolicyRule& rule, int completions, const Path& path, Errors& errors) {
  if (!rule.has_succeeded_count() && !rule.has_succeeded_indexes())
    errors.required(path, "at least one of succeededCount or succeededIndexes must be specified");
  std::int64_t indexes = 0;
  if (rule.has_succeeded_indexes()) {
    const Path at = path.member("succeededIndexes");
    if (rule.succeeded_indexes().size() > kIndexesBytesMax) errors.too_long(at, kIndexesBytesMax);
    if (const auto ranges = read_indexes(rule.succeeded_indexes(), completions)) {
      for (const IndexRange& range : *ranges) indexes += range.last - range.first + 1;
    } else {
      errors.invalid_text(at, rule.succeeded_indexes(), "error parsing succeededIndexes: " + ranges.error());
    }
  }
  if (!rule.has_succeeded_count()) return;
  const Path at = path.member("succeededCount");
  const int count = rule.succeeded_count();
  check_nonnegative(count, at, errors);
  if (count > completions)
    errors.invalid(at, count, fmt::format("must be less than or equal to {} (the number of specified completions)", completions));
  if (rule.has_succeeded_indexes() && count > indexes) {
    errors.invalid(
        at, count,
        fmt::format("must be less than or equal to {} (the number of indexes in the specified succeededIndexes field)", indexes));
  }
}

}  // namespace

void check_failure_policy(const JobSpec& spec, const Path& path, Errors& errors) {
  const auto& rules = spec.pod_failure_policy().rules();
  if (rules.size() > kRulesMax) errors.too_many(path.member("rules"), static_cast<std::size_t>(rules.size()), kRulesMax);
  for (int i = 0; i < rules.size(); ++i) {
    const Path at = path.member("rules").index(i);
    check_action(rules[i].action(), spec.has_backoff_limit_per_index(), at.member("action"), errors);
    if (rules[i].has_on_exit_codes())
      check_exit_codes(rules[i].on_exit_codes(), spec.template_().spec(), at.member("onExitCodes"), errors);
    check_conditions(rules[i], at.member("onPodConditions"), errors);
    const bool codes = rules[i].has_on_exit_codes(), conditions = !rules[i].on_pod_conditions().empty();
    if (codes && conditions) errors.invalid(at, "", "specifying both OnExitCodes and OnPodConditions is not supported");
    if (!codes && !conditions) errors.invalid(at, "", "specifying one of OnExitCodes and OnPodConditions is required");
  }
}

void check_success_policy(const JobSpec& spec, const Path& path, Errors& errors) {
  if (spec.completion_mode() != "Indexed")
    return errors.invalid_message(path, spec.success_policy(), "requires indexed completion mode");
  const auto& rules = spec.success_policy().rules();
  if (rules.empty())
    errors.required(path.member("rules"), "at least one rules must be specified when the successPolicy is specified");
  if (rules.size() > kRulesMax) errors.too_many(path.member("rules"), static_cast<std::size_t>(rules.size()), kRulesMax);
  for (int i = 0; i < rules.size(); ++i) check_success_rule(rules[i], spec.completions(), path.member("rules").index(i), errors);
}

}  // namespace ph::api
