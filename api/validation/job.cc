// batch/v1 Job.
#include <charconv>

#include <fmt/format.h>

#include "api/validation/workloads.h"

namespace ph::api {

using namespace batch::v1;

namespace {

constexpr int kParallelIndexedMax = 100'000;
constexpr int kRulesMax = 20;

bool is_indexed(const JobSpec& spec) { return spec.completion_mode() == "Indexed"; }

void check_numbers(const JobSpec& spec, const Path& path, Errors& errors) {
  check_nonnegative(spec.parallelism(), path.member("parallelism"), errors);
  check_nonnegative(spec.completions(), path.member("completions"), errors);
  check_nonnegative(spec.active_deadline_seconds(), path.member("activeDeadlineSeconds"), errors);
  check_nonnegative(spec.backoff_limit(), path.member("backoffLimit"), errors);
  check_nonnegative(spec.ttl_seconds_after_finished(), path.member("ttlSecondsAfterFinished"), errors);
  check_nonnegative(spec.backoff_limit_per_index(), path.member("backoffLimitPerIndex"), errors);
  check_nonnegative(spec.max_failed_indexes(), path.member("maxFailedIndexes"), errors);
  if (spec.has_max_failed_indexes()) {
    if (spec.has_completions() && spec.max_failed_indexes() > spec.completions()) {
      errors.invalid(path.member("maxFailedIndexes"), spec.max_failed_indexes(), "must be less than or equal to completions");
    }
    if (!spec.has_backoff_limit_per_index())
      errors.required(path.member("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
  }
  if (spec.has_managed_by()) {
    check_qualified(spec.managed_by(), path.member("managedBy"), errors);
    if (spec.managed_by().size() > 63) errors.too_long(path.member("managedBy"), 63);
  }
}

void check_mode(const JobSpec& spec, const Path& path, Errors& errors) {
  if (spec.has_completion_mode()) {
    check_one_of(spec.completion_mode(), {"Indexed", "NonIndexed"}, path.member("completionMode"), errors);
  }
  if (!is_indexed(spec)) {
    if (spec.has_backoff_limit_per_index()) {
      errors.invalid(path.member("backoffLimitPerIndex"), spec.backoff_limit_per_index(), "requires indexed completion mode");
    }
    return;
  }
  if (!spec.has_completions()) errors.required(path.member("completions"), "when completion mode is Indexed");
  if (spec.parallelism() > kParallelIndexedMax) {
    errors.invalid(path.member("parallelism"), spec.parallelism(),
                   fmt::format("must be less than or equal to {} when completion mode is Indexed", kParallelIndexedMax));
  }
}

void check_exit_codes(const PodFailurePolicyOnExitCodesRequirement& codes, const core::v1::PodSpec& pod, const Path& path,
                      Errors& errors) {
  check_one_of(codes.operator_(), {"In", "NotIn"}, path.member("operator"), errors);
  if (codes.has_container_name()) {
    const auto named = [&](const auto& container) { return container.name() == codes.container_name(); };
    if (std::ranges::none_of(pod.containers(), named) && std::ranges::none_of(pod.init_containers(), named)) {
      errors.invalid_text(path.member("containerName"), codes.container_name(),
                          "must be one of the container or initContainer names in the pod template");
    }
  }
  const Path values = path.member("values");
  if (codes.values().empty()) errors.invalid(values, "[]", "at least one value is required");
  if (codes.values_size() > 255) errors.too_many(values, codes.values_size(), 255);
  std::set<int> seen;
  for (int i = 0; i < codes.values_size(); ++i) {
    const int code = codes.values(i);
    if (codes.operator_() == "In" && code == 0) errors.invalid(values.index(i), code, "must not be 0 for the In operator");
    if (!seen.insert(code).second) errors.duplicate_json(values.index(i), std::to_string(code));
    if (i > 0 && code < codes.values(i - 1)) return errors.invalid(values, "", "must be ordered");
  }
}

void check_failure_policy(const JobSpec& spec, const Path& path, Errors& errors) {
  if (spec.pod_failure_policy().rules_size() > kRulesMax)
    errors.too_many(path.member("rules"), spec.pod_failure_policy().rules_size(), kRulesMax);
  for (int i = 0; i < spec.pod_failure_policy().rules_size(); ++i) {
    const PodFailurePolicyRule& rule = spec.pod_failure_policy().rules(i);
    const Path at = path.member("rules").index(i);
    if (rule.action().empty()) {
      errors.required(at.member("action"), "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
    } else {
      check_one_of(rule.action(), {"Count", "FailIndex", "FailJob", "Ignore"}, at.member("action"), errors);
      if (rule.action() == "FailIndex" && !spec.has_backoff_limit_per_index()) {
        errors.invalid_text(at.member("action"), rule.action(), "requires the backoffLimitPerIndex to be set");
      }
    }
    if (rule.has_on_exit_codes())
      check_exit_codes(rule.on_exit_codes(), spec.template_().spec(), at.member("onExitCodes"), errors);
    for (int c = 0; c < rule.on_pod_conditions_size(); ++c) {
      const auto& pattern = rule.on_pod_conditions(c);
      const Path where = at.member("onPodConditions").index(c);
      check_qualified(pattern.type(), where.member("type"), errors);
      check_one_of(pattern.status(), {"False", "True", "Unknown"}, where.member("status"), errors);
    }
    const bool both = rule.has_on_exit_codes() && !rule.on_pod_conditions().empty();
    const bool neither = !rule.has_on_exit_codes() && rule.on_pod_conditions().empty();
    if (both) errors.invalid_message(at, rule, "specifying both OnExitCodes and OnPodConditions is not supported");
    if (neither) errors.invalid_message(at, rule, "specifying one of OnExitCodes and OnPodConditions is required");
  }
}

void check_success_policy(const JobSpec& spec, const Path& path, Errors& errors) {
  if (!is_indexed(spec)) errors.invalid_message(path, spec.success_policy(), "requires indexed completion mode");
  const auto& rules = spec.success_policy().rules();
  if (rules.empty())
    errors.required(path.member("rules"), "at least one rules must be specified when the successPolicy is specified");
  if (rules.size() > kRulesMax) errors.too_many(path.member("rules"), rules.size(), kRulesMax);
  for (int i = 0; i < rules.size(); ++i) {
    const Path at = path.member("rules").index(i);
    if (!rules[i].has_succeeded_count() && !rules[i].has_succeeded_indexes()) {
      errors.required(at, "at least one of succeededCount or succeededIndexes must be specified");
    }
    if (!rules[i].has_succeeded_count()) continue;
    check_nonnegative(rules[i].succeeded_count(), at.member("succeededCount"), errors);
    if (spec.has_completions() && rules[i].succeeded_count() > spec.completions()) {
      errors.invalid(at.member("succeededCount"), rules[i].succeeded_count(),
                     fmt::format("must be less than or equal to {} (the number of specified completions)", spec.completions()));
    }
  }
}

void check_restart_policy(const JobSpec& spec, const Path& path, Errors& errors) {
  const std::string& policy = spec.template_().spec().restart_policy();
  if (policy == "Always" || policy.empty()) {
    errors.required(path, "valid values: \"OnFailure\", \"Never\"");
  } else if (policy != "OnFailure" && policy != "Never") {
    errors.not_supported(path, policy, {"OnFailure", "Never"});
  } else if (spec.has_pod_failure_policy() && policy != "Never") {
    errors.invalid_text(path, policy, "only \"Never\" is supported when podFailurePolicy is specified");
  }
}

// While a job is suspended and has not started, where its pods may go can still be chosen.
core::v1::PodTemplateSpec with_directives_of(core::v1::PodTemplateSpec now, const core::v1::PodTemplateSpec& old) {
  *now.mutable_metadata()->mutable_labels() = old.metadata().labels();
  *now.mutable_metadata()->mutable_annotations() = old.metadata().annotations();
  core::v1::PodSpec& spec = *now.mutable_spec();
  *spec.mutable_node_selector() = old.spec().node_selector();
  *spec.mutable_tolerations() = old.spec().tolerations();
  *spec.mutable_scheduling_gates() = old.spec().scheduling_gates();
  spec.clear_affinity();
  if (old.spec().has_affinity()) *spec.mutable_affinity() = old.spec().affinity();
  for (int i = 0; i < std::min(spec.containers_size(), old.spec().containers_size()); ++i) {
    *spec.mutable_containers(i)->mutable_resources() = old.spec().containers(i).resources();
  }
  for (int i = 0; i < std::min(spec.init_containers_size(), old.spec().init_containers_size()); ++i) {
    *spec.mutable_init_containers(i)->mutable_resources() = old.spec().init_containers(i).resources();
  }
  return now;
}

bool has_condition(const Job& job, std::string_view type) {
  return std::ranges::any_of(job.status().conditions(),
                             [&](const JobCondition& c) { return c.type() == type && c.status() == "True"; });
}

void check_template_change(const Job& now, const Job& old, const Path& path, Errors& errors) {
  const bool may_choose = old.spec().suspend() && !old.status().has_start_time();
  const auto& before = old.spec().template_();
  const auto& after = now.spec().template_();
  if (!same(may_choose ? with_directives_of(after, before) : after, before)) errors.invalid_message(path, after, kImmutable);
}

// The completions of an indexed job may follow its parallelism.
void check_completions_change(const JobSpec& now, const JobSpec& old, const Path& path, Errors& errors) {
  if (now.has_completions() == old.has_completions() && now.completions() == old.completions()) return;
  if (!is_indexed(now) || !now.has_completions() || !old.has_completions()) {
    return errors.invalid(path, now.has_completions() ? std::to_string(now.completions()) : "null", kImmutable);
  }
  if (now.completions() == now.parallelism()) return;
  errors.invalid(path, now.completions(), fmt::format("can only be modified in tandem with {}", "spec.parallelism"));
}

}  // namespace

void check_job_template(const JobSpec& spec, const Path& path, Errors& errors) {
  check_numbers(spec, path, errors);
  check_mode(spec, path, errors);
  if (spec.has_pod_failure_policy()) check_failure_policy(spec, path.member("podFailurePolicy"), errors);
  if (spec.has_success_policy()) check_success_policy(spec, path.member("successPolicy"), errors);
  if (spec.has_pod_replacement_policy()) {
    if (spec.has_pod_failure_policy() && spec.pod_replacement_policy() != "Failed") {
      errors.not_supported(path.member("podReplacementPolicy"), spec.pod_replacement_policy(), {"Failed"});
    } else {
      check_one_of(spec.pod_replacement_policy(), {"Failed", "TerminatingOrFailed"}, path.member("podReplacementPolicy"), errors);
    }
  }
  check_pod_template(spec.template_(), path.member("template"), errors);
  check_restart_policy(spec, path.member("template").member("spec").member("restartPolicy"), errors);
}

static void check_spec(const JobSpec& spec, const Path& path, Errors& errors) {
  check_job_template(spec, path, errors);
  if (!spec.has_selector()) {
    errors.required(path.member("selector"));
  } else {
    check_label_selector(spec.selector(), path.member("selector"), errors);
  }
  // What is not there selects nothing.
  const auto selector = spec.has_selector() ? parsed(spec.selector()) : LabelSelector::nothing();
  const auto& labels = spec.template_().metadata().labels();
  if (!selector || selector->matches_map(labels)) return;
  errors.invalid(path.member("template").member("metadata").member("labels"), labels.empty() ? "null" : json_of(labels),
                 "`selector` does not match template `labels`");
}

void validate(const Job& job, Errors& errors) {
  // An index is the end of a pod's name: the longest must still be a name.
  if (is_indexed(job.spec()) && job.spec().completions() > 0) {
    const std::string longest = fmt::format("{}-{}", job.metadata().name(), job.spec().completions() - 1);
    for (const std::string& complaint : check_dns1123_label(longest)) {
      errors.invalid_text(Path("metadata").member("name"), job.metadata().name(),
                          fmt::format("will not able to create pod with invalid DNS label: {}. {}", longest, complaint));
    }
  }
  check_spec(job.spec(), Path("spec"), errors);
}

void validate_update(const Job& now, const Job& old, Errors& errors) {
  const Path path("spec");
  check_spec(now.spec(), path, errors);
  check_completions_change(now.spec(), old.spec(), path.member("completions"), errors);
  if (now.spec().has_selector() != old.spec().has_selector() || !same(now.spec().selector(), old.spec().selector())) {
    errors.invalid(path.member("selector"), now.spec().has_selector() ? encode_json(now.spec().selector()) : "null", kImmutable);
  }
  check_template_change(now, old, path.member("template"), errors);
  check_immutable(now.spec().completion_mode(), old.spec().completion_mode(), path.member("completionMode"), errors);
  if (now.spec().has_pod_failure_policy() != old.spec().has_pod_failure_policy() ||
      !same(now.spec().pod_failure_policy(), old.spec().pod_failure_policy())) {
    errors.invalid_message(path.member("podFailurePolicy"), now.spec().pod_failure_policy(), kImmutable);
  }
  if (now.spec().has_backoff_limit_per_index() != old.spec().has_backoff_limit_per_index() ||
      now.spec().backoff_limit_per_index() != old.spec().backoff_limit_per_index()) {
    errors.invalid(path.member("backoffLimitPerIndex"), now.spec().backoff_limit_per_index(), kImmutable);
  }
  check_immutable(now.spec().managed_by(), old.spec().managed_by(), path.member("managedBy"), errors);
  check_immutable(now.spec().success_policy(), old.spec().success_policy(), path.member("successPolicy"), errors);
}

void validate_status(const Job& now, const Job& old, Errors& errors) {
  const JobStatus& status = now.status();
  const Path path("status");
  check_nonnegative(status.active(), path.member("active"), errors);
  check_nonnegative(status.succeeded(), path.member("succeeded"), errors);
  check_nonnegative(status.failed(), path.member("failed"), errors);
  check_nonnegative(status.ready(), path.member("ready"), errors);
  check_nonnegative(status.terminating(), path.member("terminating"), errors);
  const Path conditions = path.member("conditions");
  if (has_condition(now, "Complete") && has_condition(now, "Failed")) {
    errors.invalid(conditions, "", "cannot set Complete=True and Failed=true conditions");
  }
  for (const char* type : {"Complete", "Failed"}) {
    if (has_condition(old, type) && !has_condition(now, type)) {
      errors.invalid(conditions, "", fmt::format("cannot disable the terminal {}=True condition", type));
    }
  }
  if (status.has_completion_time() && !has_condition(now, "Complete")) {
    errors.invalid(path.member("completionTime"), "", "cannot set completionTime when there is no Complete=True condition");
  }
  if (old.status().succeeded() > status.succeeded() && !is_indexed(now.spec())) {
    errors.invalid(path.member("succeeded"), status.succeeded(), "cannot decrease the succeeded counter");
  }
  if (old.status().failed() > status.failed() && !has_condition(now, "Complete") && !has_condition(now, "Failed")) {
    errors.invalid(path.member("failed"), status.failed(), "cannot decrease the failed counter");
  }
}

}  // namespace ph::api
