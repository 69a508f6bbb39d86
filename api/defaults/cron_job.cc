// batch/v1 CronJob.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(batch::v1::CronJob& object) {
  batch::v1::CronJobSpec& spec = *object.mutable_spec();
  if (spec.concurrency_policy().empty()) spec.set_concurrency_policy("Allow");
  if (!spec.has_suspend()) spec.set_suspend(false);
  if (!spec.has_successful_jobs_history_limit()) spec.set_successful_jobs_history_limit(3);
  if (!spec.has_failed_jobs_history_limit()) spec.set_failed_jobs_history_limit(1);
  default_job_template(*spec.mutable_job_template()->mutable_spec());
}

}  // namespace ph::api
