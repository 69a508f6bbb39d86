#include "controllers/cron_job/plan.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "api/saturating.h"
#include "api/times.h"
#include "controllers/common/ownership.h"

namespace ph::controllers::cron_job {
namespace {

constexpr const char* kScheduledTimestamp = "batch.kubernetes.io/cronjob-scheduled-timestamp";
constexpr std::int64_t kManyMissed = 100;
constexpr Duration kLate = 100ms;  // a timer may be early, a look must not

Seconds in_seconds(Time time) { return std::chrono::floor<std::chrono::seconds>(time); }

// Complete or Failed; nothing: it has not finished.
const batch::v1::JobCondition* end_of(const Job& job) {
  const auto is_end = [](const batch::v1::JobCondition& each) {
    return each.status() == "True" && (each.type() == "Complete" || each.type() == "Failed");
  };
  const auto found = std::ranges::find_if(job.status().conditions(), is_end);
  return found == job.status().conditions().end() ? nullptr : &*found;
}

bool is_active(const CronJobStatus& status, const std::string& uid) {
  return std::ranges::any_of(status.active(), [&](const core::v1::ObjectReference& each) { return each.uid() == uid; });
}

void note_success(const Job& job, CronJobStatus& status) {
  if (!job.status().has_completion_time()) return;
  const Time at = api::to_time(job.status().completion_time());
  if (status.has_last_successful_time() && at <= api::to_time(status.last_successful_time())) return;
  *status.mutable_last_successful_time() = job.status().completion_time();
}

// Of `jobs`, all ended alike, those beyond the newest `limit`.
void outlive(Jobs jobs, std::int32_t limit, Jobs& out) {
  const std::int64_t surplus = static_cast<std::int64_t>(jobs.size()) - std::max(limit, 0);
  if (surplus <= 0) return;
  const auto age = [](const Ref<Job>& job) {
    const Time start = job->status().has_start_time() ? api::to_time(job->status().start_time()) : Time::max();
    return std::pair(start, std::string_view(job->metadata().name()));
  };
  std::ranges::sort(jobs, {}, age);
  out.insert(out.end(), jobs.begin(), jobs.begin() + surplus);
}

Seconds last_run(const CronJob& cron, const CronJobStatus& status) {
  const auto& time = status.has_last_schedule_time() ? status.last_schedule_time() : cron.metadata().creation_timestamp();
  return in_seconds(api::to_time(time));
}

std::optional<std::chrono::seconds> starting_deadline(const CronJob& cron) {
  constexpr std::int64_t kCenturies = 250LL * 366 * 86400;  // beyond what a Time holds
  if (!cron.spec().has_starting_deadline_seconds() || cron.spec().starting_deadline_seconds() > kCenturies) return std::nullopt;
  return std::chrono::seconds(cron.spec().starting_deadline_seconds());
}

struct Missed : Due {
  bool any = false;  // something was due, though it may not be found
};

Missed missed_since(Seconds earliest, const Timetable& table, Seconds now) {
  Missed out;
  const auto next = [&](Seconds after) { return next_time(table.schedule, table.zone, after); };
  const auto first = next(earliest);
  if (first && now < *first) return out;
  const auto second = first ? next(*first) : std::nullopt;
  out.impossible = !second;
  if (!second) return out;
  if (now < *second) {
    out.at = first;
    return out;
  }
  const std::int64_t gap = (*second - *first).count();
  const std::int64_t missed = (now - *first).count() / gap + 1;
  out.any = true;
  out.many = missed > kManyMissed;
  // Begins one gap early: where gaps differ the estimate may be late.
  const Seconds from = *first + std::chrono::seconds((missed - 2) * gap);
  for (auto at = next(from); at && *at <= now; at = next(*at)) out.at = at;
  return out;
}

std::string rfc3339_in(const Zone& zone, Seconds at) {
  const std::chrono::seconds offset = zone.at(at).offset;
  std::string out = api::rfc3339(Time(at + offset));
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(offset).count();
  if (minutes == 0) return out;
  out.pop_back();
  return fmt::format("{}{}{:02}:{:02}", out, minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
}

}  // namespace

void drop_active(CronJobStatus& status, const std::string& uid) {
  auto& active = *status.mutable_active();
  for (int i = active.size() - 1; i >= 0; --i) {
    if (active[i].uid() == uid) active.DeleteSubrange(i, 1);
  }
}

Review review(const CronJob& cron, const Jobs& jobs) {
  Review out{.status = cron.status()};
  Jobs complete, failed;
  std::set<std::string> ours, leaving;
  for (const Ref<Job>& job : jobs) {
    ours.insert(job->metadata().uid());
    const batch::v1::JobCondition* end = end_of(*job);
    if (end && !job->metadata().has_deletion_timestamp()) (end->type() == "Complete" ? complete : failed).push_back(job);
  }
  if (cron.spec().has_successful_jobs_history_limit())
    outlive(std::move(complete), cron.spec().successful_jobs_history_limit(), out.outlived);
  if (cron.spec().has_failed_jobs_history_limit())
    outlive(std::move(failed), cron.spec().failed_jobs_history_limit(), out.outlived);
  for (const Ref<Job>& job : out.outlived) leaving.insert(job->metadata().uid());

  for (const Ref<Job>& job : jobs) {
    const std::string& uid = job->metadata().uid();
    const batch::v1::JobCondition* end = end_of(*job);
    const bool active = is_active(out.status, uid);
    if (!end && !active) {
      out.events.push_back(
          {true, "UnexpectedJob", "Saw a job that the controller did not create or forgot: " + job->metadata().name()});
    }
    if (end && active) {
      drop_active(out.status, uid);
      // Of one that goes at once its deletion is told.
      if (!leaving.contains(uid)) {
        out.events.push_back(
            {false, "SawCompletedJob", fmt::format("Saw completed job: {}, condition: {}", job->metadata().name(), end->type())});
      }
    }
    if (end && end->type() == "Complete") note_success(*job, out.status);
  }
  for (const core::v1::ObjectReference& each : out.status.active()) {
    if (!ours.contains(each.uid())) out.missing.push_back(each);
  }
  return out;
}

Due due(const CronJob& cron, const CronJobStatus& status, const Timetable& table, Time now) {
  Seconds earliest = last_run(cron, status);
  // What is too late is not looked for.
  if (const auto deadline = starting_deadline(cron)) earliest = std::max(earliest, in_seconds(api::later(now, -*deadline)));
  return missed_since(earliest, table, in_seconds(now));
}

std::optional<Time> next_look(const CronJob& cron, const CronJobStatus& status, const Timetable& table, Time now) {
  const Seconds earliest = last_run(cron, status);
  const Missed missed = missed_since(earliest, table, in_seconds(now));
  Seconds from = earliest;
  if (missed.at) from = *missed.at;
  else if (missed.any || missed.impossible) from = in_seconds(now);
  const auto next = next_time(table.schedule, table.zone, from);
  // Later than our clock can tell is never.
  if (!next || *next >= in_seconds(Time::max())) return std::nullopt;
  return api::later(Time(*next), kLate);
}

Plan plan(const CronJob& cron, const CronJobStatus& status, const Timetable& table, Time now) {
  Plan out;
  const Due due = cron_job::due(cron, status, table, now);
  if (due.impossible) {
    out.events.push_back({true, "InvalidSchedule",
                          fmt::format("invalid schedule: {} : time difference between two schedules is less than 1 second",
                                      cron.spec().schedule())});
    return out;
  }
  out.look_again = next_look(cron, status, table, now);
  if (!due.at) return out;
  if (due.many) {
    out.events.push_back({true, "TooManyMissedTimes",
                          "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"});
  }
  const bool is_done = status.has_last_schedule_time() && in_seconds(api::to_time(status.last_schedule_time())) == *due.at;
  const std::string name = job_name(cron, *due.at);
  if (is_done || std::ranges::any_of(status.active(), [&](const auto& each) { return each.name() == name; })) return out;
  if (cron.spec().concurrency_policy() == "Forbid" && !status.active().empty()) {
    out.events.push_back(
        {false, "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid"});
    return out;
  }
  out.replace = cron.spec().concurrency_policy() == "Replace";
  out.run = due.at;
  return out;
}

std::string job_name(const CronJob& cron, Seconds scheduled) {
  return fmt::format("{}-{}", cron.metadata().name(), scheduled.time_since_epoch().count() / 60);
}

Job make_job(const CronJob& cron, const Timetable& table, Seconds scheduled) {
  Job job;
  const batch::v1::JobTemplateSpec& from = cron.spec().job_template();
  meta::v1::ObjectMeta& metadata = *job.mutable_metadata();
  metadata.set_namespace_(cron.metadata().namespace_());
  metadata.set_name(job_name(cron, scheduled));
  *metadata.mutable_labels() = from.metadata().labels();
  *metadata.mutable_annotations() = from.metadata().annotations();
  (*metadata.mutable_annotations())[kScheduledTimestamp] = rfc3339_in(table.zone, scheduled);
  *metadata.add_owner_references() = controller_reference(owner_of(cron));
  *job.mutable_spec() = from.spec();
  return job;
}

bool only_rescheduled(const CronJob& before, const CronJob& now) {
  const auto when = [](const CronJob& cron) {
    return std::tuple(cron.spec().schedule(), cron.spec().has_time_zone(), cron.spec().time_zone());
  };
  if (when(before) == when(now)) return false;
  const auto rest = [](CronJob cron) {
    cron.mutable_spec()->clear_schedule();
    cron.mutable_spec()->clear_time_zone();
    meta::v1::ObjectMeta& metadata = *cron.mutable_metadata();
    metadata.clear_resource_version();
    metadata.clear_generation();
    metadata.clear_managed_fields();
    return api::encode_protobuf(cron);
  };
  return rest(before) == rest(now);
}

}  // namespace ph::controllers::cron_job
