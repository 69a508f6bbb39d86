// The rows of jobs and cron jobs.
#include <fmt/format.h>

#include "api/saturating.h"
#include "api/times.h"
#include "apiserver/tables/printers/cells.h"

namespace ph::apiserver {

using batch::v1::CronJob;
using batch::v1::Job;

namespace {

constexpr Column kJobColumns[] = {{"Name", "string", "name"},  {"Status", "string"},
                                  {"Completions", "string"},   {"Duration", "string"},
                                  {"Age", "string"},           {"Containers", "string", "", 1},
                                  {"Images", "string", "", 1}, {"Selector", "string", "", 1}};

bool has_condition(const Job& job, std::string_view type) {
  return std::ranges::any_of(job.status().conditions(), [&](const auto& c) { return c.type() == type && c.status() == "True"; });
}

std::string status_of(const Job& job) {
  if (has_condition(job, "Complete")) return "Complete";
  if (has_condition(job, "Failed")) return "Failed";
  if (job.metadata().has_deletion_timestamp()) return "Terminating";
  for (const char* type : {"Suspended", "FailureTarget", "SuccessCriteriaMet"}) {
    if (has_condition(job, type)) return type;
  }
  return "Running";
}

std::string completions(const Job& job) {
  const int succeeded = job.status().succeeded();
  if (job.spec().has_completions()) return fmt::format("{}/{}", succeeded, job.spec().completions());
  if (job.spec().parallelism() > 1) return fmt::format("{}/1 of {}", succeeded, job.spec().parallelism());
  return fmt::format("{}/1", succeeded);
}

std::string duration(const Job& job, Time now) {
  if (!job.status().has_start_time()) return "";
  const Time end = job.status().has_completion_time() ? api::to_time(job.status().completion_time()) : now;
  return api::human_duration(api::elapsed(api::to_time(job.status().start_time()), end));
}

void print_job(const Job& job, Time now, Row& row) {
  row.cells = {job.metadata().name(),
               status_of(job),
               completions(job),
               duration(job, now),
               age(job.metadata().creation_timestamp(), now),
               container_names(job.spec().template_().spec()),
               container_images(job.spec().template_().spec()),
               selector_text(job.spec().selector())};
}

constexpr Column kCronJobColumns[] = {
    {"Name", "string", "name"},  {"Schedule", "string"},       {"Timezone", "string"}, {"Suspend", "boolean"},
    {"Active", "integer"},       {"Last Schedule", "string"},  {"Age", "string"},      {"Containers", "string", "", 1},
    {"Images", "string", "", 1}, {"Selector", "string", "", 1}};

void print_cron_job(const CronJob& job, Time now, Row& row) {
  const auto& spec = job.spec();
  const std::string suspend = !spec.has_suspend() ? std::string(kUnset) : spec.suspend() ? "True" : "False";
  row.cells = {job.metadata().name(),
               spec.schedule(),
               spec.has_time_zone() ? spec.time_zone() : std::string(kNone),
               suspend,
               std::int64_t{job.status().active_size()},
               job.status().has_last_schedule_time() ? age(job.status().last_schedule_time(), now) : std::string(kNone),
               age(job.metadata().creation_timestamp(), now),
               container_names(spec.job_template().spec().template_().spec()),
               container_images(spec.job_template().spec().template_().spec()),
               selector_text(spec.job_template().spec().selector())};
}

}  // namespace

extern const Printer kJobPrinter = printer_of<Job, print_job>(kJobColumns);
extern const Printer kCronJobPrinter = printer_of<CronJob, print_cron_job>(kCronJobColumns);

}  // namespace ph::apiserver
