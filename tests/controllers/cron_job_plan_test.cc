// The pure half of the cronjob loop: what became of its jobs, what is due, when to look again.
#include "controllers/cron_job/plan.h"

#include <gmock/gmock.h>

#include "api/times.h"
#include "tests/sim/builders.h"

namespace ph::controllers::cron_job {
namespace {

using testing::ElementsAre;

Time at(const char* text) { return *api::parse_rfc3339(text); }
std::string text(std::optional<Time> time) { return time ? api::rfc3339(*time) : "never"; }

CronJob cron(const char* schedule, const std::function<void(CronJob&)>& change = {}) {
  CronJob out;
  out.mutable_metadata()->set_namespace_("shop");
  out.mutable_metadata()->set_name("cj");
  out.mutable_metadata()->set_uid("cj-uid");
  api::set_time(out.mutable_metadata()->mutable_creation_timestamp(), at("2026-01-01T00:00:30Z"));
  out.mutable_spec()->set_schedule(schedule);
  out.mutable_spec()->set_concurrency_policy("Allow");
  *out.mutable_spec()->mutable_job_template()->mutable_spec() = sim::make_job().object().spec();
  if (change) change(out);
  return out;
}
const auto last = [](const char* when) {
  return [=](CronJob& out) { api::set_time(out.mutable_status()->mutable_last_schedule_time(), at(when)); };
};
const auto with_deadline = [](std::int64_t seconds) {
  return [=](CronJob& out) { out.mutable_spec()->set_starting_deadline_seconds(seconds); };
};

Timetable table(const CronJob& of) { return {*api::parse_schedule(of.spec().schedule()), Zone::utc()}; }

TEST(CronJobDue, FindsTheLastMissedRun) {
  struct Case {
    const char* name;
    CronJob cron;
    const char *now, *due, *look;
    bool many = false;
  };
  const Case cases[] = {
      {"not yet", cron("0 * * * *"), "2026-01-01T00:59:59Z", "never", "2026-01-01T01:00:00Z"},
      {"now", cron("0 * * * *"), "2026-01-01T01:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"},
      {"one was missed", cron("0 * * * *", last("2026-01-01T03:00:00Z")), "2026-01-01T04:30:00Z", "2026-01-01T04:00:00Z",
       "2026-01-01T05:00:00Z"},
      {"some were missed", cron("0 * * * *", last("2026-01-01T03:00:00Z")), "2026-01-01T23:30:00Z", "2026-01-01T23:00:00Z",
       "2026-01-02T00:00:00Z"},
      {"exactly a hundred", cron("0 * * * *", last("2026-01-01T00:00:00Z")), "2026-01-05T04:00:00Z", "2026-01-05T04:00:00Z",
       "2026-01-05T05:00:00Z"},
      {"more than a hundred", cron("0 * * * *", last("2026-01-01T00:00:00Z")), "2026-01-05T05:00:00Z", "2026-01-05T05:00:00Z",
       "2026-01-05T06:00:00Z", true},
      {"a deadline: the run is recent enough", cron("0 * * * *", with_deadline(1800)), "2026-01-01T04:29:00Z",
       "2026-01-01T04:00:00Z", "2026-01-01T05:00:00Z"},
      {"a deadline: it is too old", cron("0 * * * *", with_deadline(1800)), "2026-01-01T04:31:00Z", "never",
       "2026-01-01T05:00:00Z"},
      {"a deadline hides how many there were", cron("0 * * * *", with_deadline(7200)), "2026-01-20T00:30:00Z",
       "2026-01-20T00:00:00Z", "2026-01-20T01:00:00Z"},
      {"the longest deadline", cron("0 * * * *", with_deadline(std::numeric_limits<std::int64_t>::max())), "2026-01-01T01:00:00Z",
       "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"},
      {"gaps grow: it is found", cron("0 0 1 1,7 *", last("2025-12-31T00:00:00Z")), "2026-11-28T00:00:00Z",
       "2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"},
      {"the first gap is short: it is overlooked", cron("0 0 1 1,2 *", last("2025-12-31T00:00:00Z")), "2026-11-28T00:00:00Z",
       "never", "2027-01-01T00:00:00Z"},
      {"every so often: from the last run on", cron("@every 7m", last("2026-01-01T00:03:00Z")), "2026-01-01T00:25:00Z",
       "2026-01-01T00:24:00Z", "2026-01-01T00:31:00Z"},
      {"the last run lies ahead", cron("0 * * * *", last("2026-01-02T00:00:00Z")), "2026-01-01T12:00:00Z", "never",
       "2026-01-02T01:00:00Z"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Due due = cron_job::due(c.cron, c.cron.status(), table(c.cron), at(c.now));
    EXPECT_EQ(due.at ? text(Time(*due.at)) : "never", c.due);
    EXPECT_EQ(due.many, c.many);
    EXPECT_FALSE(due.impossible);
    const auto look = next_look(c.cron, c.cron.status(), table(c.cron), at(c.now));
    EXPECT_EQ(text(look), c.look);
    if (look) EXPECT_EQ(*look - std::chrono::floor<std::chrono::seconds>(*look), 100ms) << "a timer may be early";
  }
  const CronJob never = cron("0 0 31 2 *");
  EXPECT_TRUE(due(never, never.status(), table(never), at("2026-02-01T00:00:00Z")).impossible);
  EXPECT_EQ(next_look(never, never.status(), table(never), at("2026-02-01T00:00:00Z")), std::nullopt);
}

TEST(CronJobPlan, RunsWhatIsDue) {
  const auto policy = [](const char* name, bool active) {
    return [=](CronJob& out) {
      out.mutable_spec()->set_concurrency_policy(name);
      if (!active) return;
      auto& job = *out.mutable_status()->add_active();
      job.set_name("cj-1");
      job.set_uid("uid-1");
    };
  };
  const auto named = [](const char* name) { return [=](CronJob& out) { out.mutable_status()->add_active()->set_name(name); }; };
  struct Case {
    const char* name;
    CronJob cron;
    const char* run;
    bool replace = false;
    std::vector<std::string> events = {};
  };
  const char* const now = "2026-01-01T01:00:10Z";
  const char* const due = "2026-01-01T01:00:00Z";
  const Case cases[] = {
      {"due", cron("0 * * * *"), due},
      {"not due", cron("30 * * * *", last("2026-01-01T00:30:00Z")), "never"},
      {"done", cron("0 * * * *", last(due)), "never"},
      {"its job is active", cron("0 * * * *", named("cj-29453820")), "never"},
      {"others are active", cron("0 * * * *", policy("Allow", true)), due},
      {"forbidden", cron("0 * * * *", policy("Forbid", true)), "never", false, {"JobAlreadyActive"}},
      {"forbidden, but nothing is active", cron("0 * * * *", policy("Forbid", false)), due},
      {"replacing", cron("0 * * * *", policy("Replace", true)), due, true},
      {"many were missed", cron("* * * * *", last("2025-12-31T00:00:00Z")), due, false, {"TooManyMissedTimes"}},
      {"no time at all", cron("0 0 31 2 *"), "never", false, {"InvalidSchedule"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Plan plan = cron_job::plan(c.cron, c.cron.status(), table(c.cron), at(now));
    EXPECT_EQ(plan.run ? text(Time(*plan.run)) : "never", c.run);
    EXPECT_EQ(plan.replace, c.replace);
    std::vector<std::string> events;
    for (const Event& event : plan.events) events.push_back(event.reason);
    EXPECT_EQ(events, c.events);
  }
}

Ref<Job> finished(const char* name, const char* how, const char* start, const char* end, bool deleting = false) {
  Job job = sim::make_job("shop/" + std::string(name)).ended(how, at(end));
  job.mutable_metadata()->set_uid("uid-" + std::string(name));
  if (*start) api::set_time(job.mutable_status()->mutable_start_time(), at(start));
  if (std::string(how) == "Complete") api::set_time(job.mutable_status()->mutable_completion_time(), at(end));
  if (deleting) api::set_time(job.mutable_metadata()->mutable_deletion_timestamp(), at(end));
  return std::make_shared<const Job>(job);
}
Ref<Job> running(const char* name) {
  Job job = sim::make_job("shop/" + std::string(name));
  job.mutable_metadata()->set_uid("uid-" + std::string(name));
  return std::make_shared<const Job>(job);
}

TEST(CronJobReview, FollowsItsJobs) {
  const auto active = [](std::vector<const char*> names) {
    return [=](CronJob& out) {
      for (const char* name : names) {
        auto& job = *out.mutable_status()->add_active();
        job.set_name(name);
        job.set_uid("uid-" + std::string(name));
      }
    };
  };
  const Review got = review(cron("@daily", active({"a", "b", "c", "gone"})),
                            {finished("a", "Complete", "2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z"),
                             finished("b", "Failed", "2026-01-01T00:00:00Z", "2026-01-01T04:00:00Z"), running("c"), running("d"),
                             finished("e", "Complete", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z")});
  std::vector<std::string> events;
  for (const Event& event : got.events) events.push_back((event.warning ? "! " : "") + event.reason + ": " + event.message);
  EXPECT_THAT(events, ElementsAre("SawCompletedJob: Saw completed job: a, condition: Complete",
                                  "SawCompletedJob: Saw completed job: b, condition: Failed",
                                  "! UnexpectedJob: Saw a job that the controller did not create or forgot: d"));
  ASSERT_EQ(got.status.active_size(), 2);
  EXPECT_EQ(got.status.active(0).name(), "c");
  ASSERT_EQ(got.missing.size(), 1u);
  EXPECT_EQ(got.missing[0].name(), "gone");
  EXPECT_EQ(text(api::to_time(got.status.last_successful_time())), "2026-01-01T03:00:00Z") << "the last, in whatever order";
}

TEST(CronJobReview, KeepsAHistory) {
  const Jobs jobs{finished("c", "Complete", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"),
                  finished("a", "Complete", "2026-01-01T00:00:00Z", "2026-01-09T00:00:00Z"),
                  finished("b", "Complete", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"),
                  finished("leaving", "Complete", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", true),
                  finished("x", "Failed", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
                  finished("y", "Failed", "", "2026-01-02T00:00:00Z"),
                  running("r")};
  struct Case {
    const char* name;
    std::optional<int> successful, failed;
    std::vector<std::string> outlived;
  };
  const Case cases[] = {
      {"no limits", {}, {}, {}},
      {"room for all", 3, 2, {}},
      {"the oldest go", 1, 1, {"a", "b", "x"}},
      {"none stays", 0, 0, {"a", "b", "c", "x", "y"}},
      {"an absurd limit", -4, {}, {"a", "b", "c"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Review got = review(cron("@daily",
                                   [&](CronJob& out) {
                                     if (c.successful) out.mutable_spec()->set_successful_jobs_history_limit(*c.successful);
                                     if (c.failed) out.mutable_spec()->set_failed_jobs_history_limit(*c.failed);
                                   }),
                              jobs);
    std::vector<std::string> outlived;
    for (const auto& job : got.outlived) outlived.push_back(job->metadata().name());
    EXPECT_EQ(outlived, c.outlived);
  }
}

TEST(CronJobPlan, MakesAJobOfTheTemplate) {
  CronJob from = cron("@daily");
  auto& job_template = *from.mutable_spec()->mutable_job_template();
  (*job_template.mutable_metadata()->mutable_labels())["app"] = "x";
  (*job_template.mutable_metadata()->mutable_annotations())["note"] = "y";
  const Seconds run = std::chrono::floor<std::chrono::seconds>(at("2026-01-01T00:00:00Z"));
  const Job made = make_job(from, table(from), run);
  EXPECT_EQ(made.metadata().name(), "cj-29453760");
  EXPECT_EQ(made.metadata().namespace_(), "shop");
  EXPECT_EQ(made.metadata().labels().at("app"), "x");
  EXPECT_EQ(made.metadata().annotations().at("note"), "y");
  EXPECT_EQ(made.metadata().annotations().at("batch.kubernetes.io/cronjob-scheduled-timestamp"), "2026-01-01T00:00:00Z");
  ASSERT_EQ(made.metadata().owner_references_size(), 1);
  EXPECT_EQ(made.metadata().owner_references(0).kind() + made.metadata().owner_references(0).uid(), "CronJobcj-uid");
  EXPECT_EQ(api::encode_protobuf(made.spec()), api::encode_protobuf(job_template.spec()));
}

TEST(CronJobPlan, KnowsAChangeOfTheScheduleAlone) {
  const CronJob before = cron("@daily");
  const auto changed = [&](const std::function<void(CronJob&)>& change) {
    CronJob now = before;
    now.mutable_metadata()->set_resource_version("7");
    now.mutable_metadata()->set_generation(2);
    change(now);
    return only_rescheduled(before, now);
  };
  EXPECT_TRUE(changed([](CronJob& now) { now.mutable_spec()->set_schedule("@hourly"); }));
  EXPECT_TRUE(changed([](CronJob& now) { now.mutable_spec()->set_time_zone("UTC"); }));
  EXPECT_FALSE(changed([](CronJob&) {}));
  EXPECT_FALSE(changed([](CronJob& now) { now.mutable_spec()->set_suspend(true); }));
  EXPECT_FALSE(changed([](CronJob& now) {
    now.mutable_spec()->set_schedule("@hourly");
    (*now.mutable_metadata()->mutable_labels())["x"] = "y";
  }));
}

}  // namespace
}  // namespace ph::controllers::cron_job
