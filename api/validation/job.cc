// batch/v1 Job.
#include <fmt/format.h>

#include "api/internal_form.h"
#include "api/validation/job_parts.h"
#include "api/validation/workloads.h"

namespace ph::api {

using namespace batch::v1;

namespace {

constexpr int kManyCompletions = 100'000, kFailedIndexesMax = 100'000, kParallelIndexedMax = 100'000;
constexpr int kOfManyMax = 10'000;  // failed indexes and pods at a time, of that many completions
constexpr std::size_t kManagerMax = 63;

constexpr const char* kUid = "batch.kubernetes.io/controller-uid";
constexpr const char* kName = "batch.kubernetes.io/job-name";

bool is_indexed(const JobSpec& spec) { return spec.completion_mode() == "Indexed"; }

void check_numbers(const JobSpec& spec, const Path& path, Errors& errors) {
  check_nonnegative(spec.parallelism(), path.member("parallelism"), errors);
  check_nonnegative(spec.completions(), path.member("completions"), errors);
  check_nonnegative(spec.active_deadline_seconds(), path.member("activeDeadlineSeconds"), errors);
  check_nonnegative(spec.backoff_limit(), path.member("backoffLimit"), errors);
  check_nonnegative(spec.ttl_seconds_after_finished(), path.member("ttlSecondsAfterFinished"), errors);
  check_nonnegative(spec.backoff_limit_per_index(), path.member("backoffLimitPerIndex"), errors);
  check_nonnegative(spec.max_failed_indexes(), path.member("maxFailedIndexes"), errors);
  if (spec.has_max_failed_indexes() && !spec.has_backoff_limit_per_index())
    errors.required(path.member("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
  if (!spec.has_managed_by()) return;
  check_prefixed_path(spec.managed_by(), path.member("managedBy"), errors);
  if (spec.managed_by().size() > kManagerMax) errors.too_long(path.member("managedBy"), kManagerMax);
}

// What many indexes are counted by has bounds.
void check_many_indexes(const JobSpec& spec, const Path& path, Errors& errors) {
  if (spec.completions() <= kManyCompletions || !spec.has_backoff_limit_per_index()) return;
  const auto complaint = [] {
    return fmt::format("must be less than or equal to {} when completions are above {} and used with backoff limit per index",
                       kOfManyMax, kManyCompletions);
  };
  const Path failed = path.member("maxFailedIndexes");
  if (!spec.has_max_failed_indexes())
    errors.required(failed, fmt::format("must be specified when completions is above {}", kManyCompletions));
  if (spec.max_failed_indexes() > kOfManyMax) errors.invalid(failed, spec.max_failed_indexes(), complaint());
  if (spec.parallelism() > kOfManyMax) errors.invalid(path.member("parallelism"), spec.parallelism(), complaint());
}

void check_indexed(const JobSpec& spec, const Path& path, Errors& errors) {
  if (!spec.has_completions()) return errors.required(path.member("completions"), "when completion mode is Indexed");
  if (spec.parallelism() > kParallelIndexedMax) {
    errors.invalid(path.member("parallelism"), spec.parallelism(),
                   fmt::format("must be less than or equal to {} when completion mode is Indexed", kParallelIndexedMax));
  }
  const Path failed = path.member("maxFailedIndexes");
  if (spec.has_max_failed_indexes() && spec.max_failed_indexes() > spec.completions())
    errors.invalid(failed, spec.max_failed_indexes(), "must be less than or equal to completions");
  if (spec.max_failed_indexes() > kFailedIndexesMax)
    errors.invalid(failed, spec.max_failed_indexes(), fmt::format("must be less than or equal to {}", kFailedIndexesMax));
  check_many_indexes(spec, path, errors);
}

void check_mode(const JobSpec& spec, const Path& path, Errors& errors) {
  if (spec.has_completion_mode())
    check_one_of(spec.completion_mode(), {"NonIndexed", "Indexed"}, path.member("completionMode"), errors);
  if (is_indexed(spec)) return check_indexed(spec, path, errors);
  if (spec.has_completion_mode() && spec.completion_mode() != "NonIndexed") return;
  constexpr std::string_view kOnlyIndexed = "requires indexed completion mode";
  if (spec.has_backoff_limit_per_index())
    errors.invalid(path.member("backoffLimitPerIndex"), spec.backoff_limit_per_index(), kOnlyIndexed);
  if (spec.has_max_failed_indexes()) errors.invalid(path.member("maxFailedIndexes"), spec.max_failed_indexes(), kOnlyIndexed);
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

void check_spec(const JobSpec& spec, const Path& path, Errors& errors) {
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
  errors.invalid(path.member("template").member("metadata").member("labels"), json_of(labels),
                 "`selector` does not match template `labels`");
}

void check_has_label(const StringMap& labels, const char* key, const std::string& value, const Path& path, Errors& errors) {
  const auto found = labels.find(key);
  const Path at = path.key(key);
  if (found == labels.end()) return errors.required(at, fmt::format("must be '{}'", value));
  if (found->second != value) errors.invalid(at, json_of(labels), fmt::format("must be '{}'", value));
}

// A job that left its selector to the server selects the pods that carry its UID. `prefixed`: by the labels that have a prefix, too.
void check_generated(const Job& job, bool prefixed, Errors& errors) {
  if (job.spec().manual_selector() || !job.spec().has_selector()) return;
  const std::string& uid = job.metadata().uid();
  const std::string& name = job.metadata().name();
  if (uid.empty()) errors.required(Path("metadata").member("uid"));
  const auto& labels = job.spec().template_().metadata().labels();
  const Path at = Path("spec").member("template").member("metadata").member("labels");
  StringMap expected;
  const auto expect = [&](const char* key, const std::string& value) {
    check_has_label(labels, key, value, at, errors);
    expected[key] = value;
  };
  expect("controller-uid", uid);
  expect("job-name", name);
  if (prefixed) {
    expect(kUid, uid);
    expect(kName, name);
  }
  const auto selector = parsed(job.spec().selector());
  if (selector && !selector->matches_map(expected))
    errors.invalid_message(Path("spec").member("selector"), job.spec().selector(), "`selector` not auto-generated");
}

void check_whole(const Job& job, bool prefixed, Errors& errors) {
  check_generated(job, prefixed, errors);
  check_spec(job.spec(), Path("spec"), errors);
  // An index is the end of a pod's name: the longest must still be a name.
  if (!is_indexed(job.spec()) || job.spec().completions() <= 0) return;
  const std::string longest = fmt::format("{}-{}", job.metadata().name(), job.spec().completions() - 1);
  if (check_dns1123_label(longest).empty()) return;
  errors.invalid_text(Path("metadata").member("name"), job.metadata().name(),
                      fmt::format("will not able to create pod with invalid DNS label: {}", longest));
}

// While a job is suspended and has not started, where its pods may go, and what they ask for, can still be chosen.
core::v1::PodSpec with_choices_of(core::v1::PodSpec spec, const core::v1::PodSpec& old) {
  *spec.mutable_node_selector() = old.node_selector();
  *spec.mutable_tolerations() = old.tolerations();
  *spec.mutable_scheduling_gates() = old.scheduling_gates();
  if (old.affinity().has_node_affinity()) {
    *spec.mutable_affinity()->mutable_node_affinity() = old.affinity().node_affinity();
  } else if (spec.has_affinity()) {
    spec.mutable_affinity()->clear_node_affinity();
    const bool others = spec.affinity().has_pod_affinity() || spec.affinity().has_pod_anti_affinity();
    if (!old.has_affinity() && !others) spec.clear_affinity();
  }
  for (int i = 0; i < std::min(spec.containers_size(), old.containers_size()); ++i)
    *spec.mutable_containers(i)->mutable_resources() = old.containers(i).resources();
  for (int i = 0; i < std::min(spec.init_containers_size(), old.init_containers_size()); ++i)
    *spec.mutable_init_containers(i)->mutable_resources() = old.init_containers(i).resources();
  return spec;
}

void check_template_change(const Job& now, const Job& old, const Path& path, Errors& errors) {
  const auto& before = old.spec().template_();
  const auto& after = now.spec().template_();
  if (old.spec().suspend() && !old.status().has_start_time()) {
    if (!same(with_choices_of(after.spec(), before.spec()), before.spec()))
      errors.invalid_message(path.member("spec"), after.spec(), kImmutable);
  } else if (!same(after, before)) {
    errors.invalid_message(path, after, kImmutable);
  }
}

// The completions of an indexed job may follow its parallelism.
void check_completions_change(const JobSpec& now, const JobSpec& old, const Path& path, Errors& errors) {
  if (now.has_completions() == old.has_completions() && now.completions() == old.completions()) return;
  if (!is_indexed(now))
    return errors.invalid(path, now.has_completions() ? std::to_string(now.completions()) : "null", kImmutable);
  if (!now.has_completions() || now.completions() == now.parallelism()) return;
  errors.invalid(path, now.completions(), "can only be modified in tandem with spec.parallelism");
}

// A pointer in Go: null where there is nothing.
void check_fixed(bool there, const Message& now, bool was_there, const Message& old, const Path& path, Errors& errors) {
  if (there != was_there || !same(now, old)) errors.invalid(path, there ? internal_json(now) : "null", kImmutable);
}
void check_fixed(bool there, std::string now, bool was_there, std::string_view old, const Path& path, Errors& errors) {
  if (there != was_there || now != old) errors.invalid(path, there ? now : std::string("null"), kImmutable);
}

}  // namespace

void check_job_template(const JobSpec& spec, const Path& path, Errors& errors) {
  check_numbers(spec, path, errors);
  check_mode(spec, path, errors);
  if (spec.has_pod_failure_policy()) check_failure_policy(spec, path.member("podFailurePolicy"), errors);
  if (spec.has_success_policy()) check_success_policy(spec, path.member("successPolicy"), errors);
  if (spec.has_pod_replacement_policy()) {
    const Path at = path.member("podReplacementPolicy");
    spec.has_pod_failure_policy() ? check_one_of(spec.pod_replacement_policy(), {"Failed"}, at, errors)
                                  : check_one_of(spec.pod_replacement_policy(), {"Failed", "TerminatingOrFailed"}, at, errors);
  }
  check_pod_template(spec.template_(), path.member("template"), errors);
  check_restart_policy(spec, path.member("template").member("spec").member("restartPolicy"), errors);
}

void validate(const Job& job, Errors& errors) { check_whole(job, true, errors); }

// Judged twice: as a job, and as one that another replaces.
void validate_update(const Job& now, const Job& old, Errors& errors) {
  const auto& labels = old.spec().template_().metadata().labels();
  check_whole(now, labels.contains(kUid) && labels.contains(kName), errors);
  const Path path("spec");
  const JobSpec& after = now.spec();
  const JobSpec& before = old.spec();
  check_spec(after, path, errors);
  check_completions_change(after, before, path.member("completions"), errors);
  check_fixed(after.has_selector(), after.selector(), before.has_selector(), before.selector(), path.member("selector"), errors);
  check_template_change(now, old, path.member("template"), errors);
  check_fixed(after.has_completion_mode(), quote(after.completion_mode()), before.has_completion_mode(),
              quote(before.completion_mode()), path.member("completionMode"), errors);
  check_fixed(after.has_pod_failure_policy(), after.pod_failure_policy(), before.has_pod_failure_policy(),
              before.pod_failure_policy(), path.member("podFailurePolicy"), errors);
  check_fixed(after.has_backoff_limit_per_index(), std::to_string(after.backoff_limit_per_index()),
              before.has_backoff_limit_per_index(), std::to_string(before.backoff_limit_per_index()),
              path.member("backoffLimitPerIndex"), errors);
  check_fixed(after.has_managed_by(), quote(after.managed_by()), before.has_managed_by(), quote(before.managed_by()),
              path.member("managedBy"), errors);
  check_fixed(after.has_success_policy(), after.success_policy(), before.has_success_policy(), before.success_policy(),
              path.member("successPolicy"), errors);
}

}  // namespace ph::api
