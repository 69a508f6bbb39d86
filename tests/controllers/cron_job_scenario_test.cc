// The cronjob loop in a simulated cluster.
#include <gmock/gmock.h>

#include "controllers/runtime/options.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::sim {
namespace {

using batch::v1::CronJob;
using batch::v1::Job;
using testing::Contains;
using testing::ElementsAre;

constexpr const char* kCron = "default/cj";

CronJob cron(const char* schedule, const std::function<void(batch::v1::CronJobSpec&)>& change = {}) {
  CronJob out;
  out.mutable_metadata()->set_namespace_("default");
  out.mutable_metadata()->set_name("cj");
  out.mutable_spec()->set_schedule(schedule);
  *out.mutable_spec()->mutable_job_template()->mutable_spec() = make_job().object().spec();
  if (change) change(*out.mutable_spec());
  return out;
}
std::vector<std::string> jobs(Cluster& cluster) {
  std::vector<std::string> out;
  for (const Job& job : cluster.list<Job>("default")) out.push_back(job.metadata().name());
  return out;
}
std::vector<std::string> reasons(Cluster& cluster) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.source().component() == "cronjob-controller") out.push_back(event.reason());
  }
  return out;
}
// At the beginning of an hour, half a minute before it.
void before_the_hour(Cluster& cluster) {
  const Time hour = std::chrono::ceil<std::chrono::hours>(cluster.now() + 1min);
  cluster.jump_clock(hour - 30s - cluster.now());
}
std::string name_at(Time when) {
  return "cj-" + std::to_string(std::chrono::floor<std::chrono::minutes>(when).time_since_epoch().count());
}

TEST(CronJobScenario, StartsAJobEachTimeAndKeepsTheLast) {
  Cluster cluster(loops("cronjob,job,garbagecollector").nodes(1).scheduler());
  before_the_hour(cluster);
  cluster.create(cron("*/10 * * * *", [](auto& spec) {
    spec.mutable_job_template()->mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->add_command("true");
  }));
  const Time begin = cluster.now() + 30s;
  cluster.advance(29s);
  EXPECT_THAT(jobs(cluster), ElementsAre());
  cluster.advance(2s);
  EXPECT_THAT(jobs(cluster), ElementsAre(name_at(begin)));
  cluster.advance(45min);
  EXPECT_THAT(jobs(cluster), ElementsAre(name_at(begin + 20min), name_at(begin + 30min), name_at(begin + 40min)));
  const auto status = cluster.get<CronJob>(kCron).status();
  EXPECT_EQ(api::to_time(status.last_schedule_time()), begin + 40min);
  EXPECT_GE(api::to_time(status.last_successful_time()), begin + 40min);
  EXPECT_TRUE(status.active().empty());
  EXPECT_THAT(reasons(cluster), Contains("SawCompletedJob"));
  EXPECT_THAT(reasons(cluster), Contains("SuccessfulDelete"));
}

TEST(CronJobScenario, HeedsWhatMayRunAtOnce) {
  struct Case {
    const char* policy;
    std::size_t active;
    const char* reason;
  };
  for (const Case& c :
       {Case{"Allow", 3, "SuccessfulCreate"}, Case{"Forbid", 1, "JobAlreadyActive"}, Case{"Replace", 1, "SuccessfulDelete"}}) {
    SCOPED_TRACE(c.policy);
    Cluster cluster(loops("cronjob"));
    before_the_hour(cluster);
    cluster.create(cron("*/10 * * * *", [&](auto& spec) { spec.set_concurrency_policy(c.policy); }));
    cluster.advance(21min);
    EXPECT_EQ(cluster.list<Job>("default").size(), c.active);
    EXPECT_EQ(cluster.get<CronJob>(kCron).status().active_size(), static_cast<int>(c.active));
    EXPECT_THAT(reasons(cluster), Contains(c.reason));
  }
}

TEST(CronJobScenario, MakesUpForTheLastRunThatWasMissed) {
  Cluster cluster(loops("cronjob").later());
  before_the_hour(cluster);
  cluster.create(cron("0 * * * *"));
  const Time begin = cluster.now() + 30s;
  cluster.advance(3h);
  EXPECT_THAT(jobs(cluster), ElementsAre());
  cluster.restart_loops();
  cluster.advance(10s);
  EXPECT_THAT(jobs(cluster), ElementsAre(name_at(begin + 2h)));
  cluster.restart_loops();
  cluster.advance(10s);
  EXPECT_THAT(jobs(cluster), ElementsAre(name_at(begin + 2h))) << "once";
}

TEST(CronJobScenario, AChangedScheduleHoldsFromItsNextTimeOn) {
  Cluster cluster(loops("cronjob"));
  before_the_hour(cluster);
  cluster.create(cron("0 0 1 1 *"));
  cluster.advance(20min);
  cluster.edit<CronJob>(kCron, [](CronJob& out) { out.mutable_spec()->set_schedule("*/15 * * * *"); });
  cluster.advance(1min);
  EXPECT_THAT(jobs(cluster), ElementsAre()) << "the quarter that is over is not made up for";
  cluster.advance(10min);
  EXPECT_EQ(jobs(cluster).size(), 1u);
}

TEST(CronJobScenario, KnowsTheZonesItIsGiven) {
  // Two hours ahead of UTC, always: one type, no changes.
  const std::string block = std::string("\0\0\x1c\x20\0\0", 6) + std::string("EET\0", 4);
  const auto header = [] {
    return std::string("TZif2") + std::string(15, '\0') + std::string(12, '\0') + std::string("\0\0\0\0\0\0\0\1\0\0\0\4", 12);
  };
  const std::string zone = header() + block + header() + block + "\nEET-2\n";
  controllers::Options options;
  options.time_zone_file = [&](const std::string& name) { return name == "Africa/Cairo" ? std::optional(zone) : std::nullopt; };
  Cluster cluster(loops("cronjob").options(options));
  before_the_hour(cluster);
  const Time hour = cluster.now() + 30s;
  const auto hours = std::chrono::floor<std::chrono::hours>(hour - std::chrono::floor<std::chrono::days>(hour)).count();
  const std::string schedule = "0 " + std::to_string((hours + 2) % 24) + " * * *";
  cluster.create(cron(schedule.c_str(), [](auto& spec) { spec.set_time_zone("Africa/Cairo"); }));
  cluster.advance(1min);
  ASSERT_THAT(jobs(cluster), ElementsAre(name_at(hour)));
  EXPECT_TRUE(cluster.list<Job>("default")
                  .front()
                  .metadata()
                  .annotations()
                  .at("batch.kubernetes.io/cronjob-scheduled-timestamp")
                  .ends_with(":00:00+02:00"));

  cluster.edit<CronJob>(kCron, [](CronJob& out) {
    // A zone there is, whose file this machine lacks.
    out.mutable_spec()->set_time_zone("Antarctica/Troll");
    (*out.mutable_metadata()->mutable_labels())["x"] = "y";
  });
  cluster.advance(1min);
  EXPECT_THAT(reasons(cluster), Contains("UnknownTimeZone"));
  cluster.advance(25h);
  EXPECT_EQ(jobs(cluster).size(), 1u);
}

TEST(CronJobScenario, LeavesTheNameToWhoHasIt) {
  Cluster cluster(loops("cronjob"));
  before_the_hour(cluster);
  const Time hour = cluster.now() + 30s;
  cluster.create(make_job("default/" + name_at(hour)).object());
  cluster.create(cron("0 * * * *"));
  cluster.advance(1min);
  EXPECT_EQ(jobs(cluster).size(), 1u);
  EXPECT_TRUE(cluster.get<CronJob>(kCron).status().active().empty());
  cluster.advance(1h);
  EXPECT_THAT(jobs(cluster), Contains(name_at(hour + 1h)));
}

TEST(CronJobScenario, ASuspendedOneOnlyFollowsItsJobs) {
  Cluster cluster(loops("cronjob"));
  before_the_hour(cluster);
  cluster.create(cron("*/10 * * * *"));
  cluster.advance(1min);
  cluster.edit<CronJob>(kCron, [](CronJob& out) { out.mutable_spec()->set_suspend(true); });
  cluster.advance(1h);
  ASSERT_EQ(jobs(cluster).size(), 1u);
  cluster.remove<Job>("default/" + jobs(cluster).front(), informers::DeleteOptions::background());
  cluster.advance(10s);
  EXPECT_TRUE(cluster.get<CronJob>(kCron).status().active().empty());
  EXPECT_THAT(reasons(cluster), Contains("MissingJob"));
}

}  // namespace
}  // namespace ph::sim
