// batch/v1 CronJob.
#include "api/validation/cron_schedule.h"
#include "api/validation/workloads.h"

namespace ph::api {

using batch::v1::CronJob, batch::v1::CronJobSpec;

namespace {

constexpr std::size_t kNameMax = 52;  // a job's name adds eleven characters

void check_time_zone(const CronJobSpec& spec, const Path& path, Errors& errors) {
  if (!spec.has_time_zone()) return;
  const std::string& zone = spec.time_zone();
  if (zone.empty()) return errors.invalid_text(path, zone, "timeZone must be nil or non-empty string");
  std::string lower = zone;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower == "local") {
    errors.invalid_text(path, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
  } else if (zone.find("..") != std::string::npos || zone.starts_with('/') || zone.find('\\') != std::string::npos) {
    errors.invalid_text(path, zone, "time: invalid location name");
  }
}

void check_schedule(const CronJobSpec& spec, const Path& path, Errors& errors) {
  if (spec.schedule().empty()) return errors.required(path);
  if (const auto problem = schedule_problem(spec.schedule())) errors.invalid_text(path, spec.schedule(), *problem);
}

void check_spec(const CronJobSpec& spec, const CronJobSpec* old, const Path& path, Errors& errors) {
  check_schedule(spec, path.member("schedule"), errors);
  check_nonnegative(spec.starting_deadline_seconds(), path.member("startingDeadlineSeconds"), errors);
  if (spec.schedule().find("TZ") != std::string::npos && (!old || old->schedule() != spec.schedule())) {
    errors.invalid_text(path.member("schedule"), spec.schedule(),
                        "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  }
  check_time_zone(spec, path.member("timeZone"), errors);
  if (spec.concurrency_policy().empty()) {
    errors.required(path.member("concurrencyPolicy"));
  } else {
    check_one_of(spec.concurrency_policy(), {"Allow", "Forbid", "Replace"}, path.member("concurrencyPolicy"), errors);
  }
  const Path job = path.member("jobTemplate");
  check_job_template(spec.job_template().spec(), job.member("spec"), errors);
  if (spec.job_template().spec().manual_selector())
    errors.not_supported(job.member("spec").member("manualSelector"), "true", {"nil", "false"});
  check_nonnegative(spec.successful_jobs_history_limit(), path.member("successfulJobsHistoryLimit"), errors);
  check_nonnegative(spec.failed_jobs_history_limit(), path.member("failedJobsHistoryLimit"), errors);
}

}  // namespace

void validate(const CronJob& object, Errors& errors) {
  if (object.metadata().name().size() > kNameMax) {
    errors.invalid_text(Path("metadata").member("name"), object.metadata().name(), "must be no more than 52 characters");
  }
  check_spec(object.spec(), nullptr, Path("spec"), errors);
}

void validate_update(const CronJob& now, const CronJob& old, Errors& errors) {
  check_spec(now.spec(), &old.spec(), Path("spec"), errors);
}

}  // namespace ph::api
