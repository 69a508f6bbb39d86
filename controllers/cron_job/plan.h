// What a CronJob's state asks for: what became of its jobs, whether a run is due, when the next one will be. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/cron_job/schedule.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers::cron_job {

using batch::v1::CronJob;
using batch::v1::CronJobStatus;
using batch::v1::Job;
using Jobs = std::vector<Ref<Job>>;

struct Event {
  bool warning = false;
  std::string reason, message;
};

// -- What became of its jobs
struct Review {
  CronJobStatus status;  // without what has ended
  std::vector<Event> events;
  Jobs outlived;                                   // finished ones that the history has no room for, the oldest first
  std::vector<core::v1::ObjectReference> missing;  // active by the status, and not among its jobs
};
// `jobs`: those that it controls.
Review review(const CronJob& cron, const Jobs& jobs);
// Takes a job out of the active ones.
void drop_active(CronJobStatus& status, const std::string& uid);

// -- When it runs
// Of its schedule and the clock on a wall. On failure the event to be told.
struct Timetable {
  api::CronSchedule schedule;
  Zone zone;
};

// The last run that is due and was not carried out; nothing: none is, or the schedule names no time at all. Runs in between are
// estimated by the first gap, as upstream does, not walked through.
struct Due {
  std::optional<Seconds> at;
  bool impossible = false;
  bool many = false;  // more than 100 are missed
};
Due due(const CronJob& cron, const CronJobStatus& status, const Timetable& table, Time now);
// When to look again.
std::optional<Time> next_look(const CronJob& cron, const CronJobStatus& status, const Timetable& table, Time now);

// What to do about what is due; with nothing due, only when to look again.
struct Plan {
  std::optional<Seconds> run;  // the time it was scheduled for
  bool replace = false;        // the active jobs go first
  std::vector<Event> events;
  std::optional<Time> look_again;
};
Plan plan(const CronJob& cron, const CronJobStatus& status, const Timetable& table, Time now);

// The job of a run. Its name tells the time, so that no run is started twice.
std::string job_name(const CronJob& cron, Seconds scheduled);
Job make_job(const CronJob& cron, const Timetable& table, Seconds scheduled);

// Whether `now` differs from `before` in when it runs, and in nothing else.
bool only_rescheduled(const CronJob& before, const CronJob& now);

}  // namespace ph::controllers::cron_job
