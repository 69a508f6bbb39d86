// batch/v1 Job.
#include "api/defaults/defaults.h"

namespace ph::api {

using namespace batch::v1;

void default_job_template(JobSpec& spec) {
  if (spec.has_pod_failure_policy()) {
    for (PodFailurePolicyRule& rule : *spec.mutable_pod_failure_policy()->mutable_rules()) {
      for (auto& pattern : *rule.mutable_on_pod_conditions()) {
        if (pattern.status().empty()) pattern.set_status("True");
      }
    }
  }
  default_pod_spec(*spec.mutable_template_()->mutable_spec());
}

void set_defaults(Job& job) {
  JobSpec& spec = *job.mutable_spec();
  if (!spec.has_completions() && !spec.has_parallelism()) spec.set_completions(1);
  if (!spec.has_parallelism()) spec.set_parallelism(1);
  constexpr int kNoLimit = 2147483647;  // with a limit per index, only that one counts
  if (!spec.has_backoff_limit()) spec.set_backoff_limit(spec.has_backoff_limit_per_index() ? kNoLimit : 6);
  const auto& labels = spec.template_().metadata().labels();
  if (job.metadata().labels().empty() && !labels.empty()) *job.mutable_metadata()->mutable_labels() = labels;
  if (!spec.has_completion_mode()) spec.set_completion_mode("NonIndexed");
  if (!spec.has_suspend()) spec.set_suspend(false);
  if (!spec.has_pod_replacement_policy()) {
    spec.set_pod_replacement_policy(spec.has_pod_failure_policy() ? "Failed" : "TerminatingOrFailed");
  }
  if (!spec.has_manual_selector()) spec.set_manual_selector(false);
  default_job_template(spec);
}

}  // namespace ph::api
