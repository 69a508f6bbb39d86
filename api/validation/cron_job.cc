// batch/v1 CronJob.
#include <fmt/format.h>

#include "api/validation/cron_schedule.h"
#include "api/validation/time_zones.h"
#include "api/validation/workloads.h"
#include "base/ascii.h"

namespace ph::api {

using batch::v1::CronJob, batch::v1::CronJobSpec;

namespace {

constexpr std::size_t kNameMax = 52;  // a job's name adds eleven characters

void check_time_zone(const std::string& zone, const Path& path, Errors& errors) {
  if (zone.empty()) return errors.invalid_text(path, zone, "timeZone must be nil or non-empty string");
  if (lower_ascii(zone) == "local")
    errors.invalid_text(path, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
  if (zone != "Local" && !is_time_zone(zone)) errors.invalid_text(path, zone, "unknown time zone " + zone);
}

bool names_zone(const CronJobSpec& spec) { return spec.schedule().find("TZ") != std::string::npos; }

// A zone within the schedule is taken from those that have had one there.
void check_schedule(const CronJobSpec& spec, const CronJobSpec* old, const Path& path, Errors& errors) {
  const std::string& text = spec.schedule();
  if (text.empty()) return errors.required(path);
  const auto schedule = parse_schedule(text);
  if (!schedule) {
    errors.invalid_text(path, text, schedule.error());
  } else if (!schedule->zone.empty() && !is_time_zone(schedule->zone)) {
    errors.invalid_text(path, text, fmt::format("provided bad location {0}: unknown time zone {0}", schedule->zone));
  }
  if (!names_zone(spec)) return;
  if (!old || !names_zone(*old)) {
    errors.invalid_text(path, text, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  } else if (spec.has_time_zone()) {
    errors.invalid_text(path, text, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
  }
}

void check_template(const batch::v1::JobSpec& spec, const Path& path, Errors& errors) {
  check_job_template(spec, path, errors);
  if (spec.has_selector()) errors.invalid_message(path.member("selector"), spec.selector(), "`selector` will be auto-generated");
  if (spec.manual_selector()) errors.not_supported_json(path.member("manualSelector"), "true", {"nil", "false"});
}

void check_spec(const CronJobSpec& spec, const CronJobSpec* old, const Path& path, Errors& errors) {
  check_schedule(spec, old, path.member("schedule"), errors);
  check_nonnegative(spec.starting_deadline_seconds(), path.member("startingDeadlineSeconds"), errors);
  const bool same_zone = old && old->has_time_zone() && old->time_zone() == spec.time_zone();
  if (spec.has_time_zone() && !same_zone) check_time_zone(spec.time_zone(), path.member("timeZone"), errors);
  if (spec.concurrency_policy().empty()) {
    errors.required(path.member("concurrencyPolicy"));
  } else {
    check_one_of(spec.concurrency_policy(), {"Allow", "Forbid", "Replace"}, path.member("concurrencyPolicy"), errors);
  }
  check_template(spec.job_template().spec(), path.member("jobTemplate").member("spec"), errors);
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
