// Which times schedules name, and what clocks on walls show. Expected times are of crontab(5) and zdump(8).
#include "controllers/cron_job/schedule.h"

#include <gmock/gmock.h>

#include "api/times.h"

namespace ph::controllers::cron_job {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

Seconds at(const char* text) { return Seconds(seconds(api::parse_instant(text)->seconds)); }
std::string text(std::optional<Seconds> time) { return time ? api::rfc3339(Time(*time)) : "never"; }

// A file of version 2, as zic writes them: the old part is empty.
class TzFile {
 public:
  explicit TzFile(std::vector<int> offsets) : offsets_(std::move(offsets)) {}
  TzFile& change(const char* when, int type) { return changes_.emplace_back(at(when), type), *this; }
  TzFile& then(std::string rule) { return rule_ = std::move(rule), *this; }
  std::string bytes() const {
    std::string out = header(0, 1, 4) + std::string(6, '\0') + std::string(4, '\0') + header(changes_.size(), offsets_.size(), 4);
    for (const auto& [when, type] : changes_) out += number(static_cast<std::uint64_t>(when.time_since_epoch().count()), 8);
    for (const auto& [when, type] : changes_) out += static_cast<char>(type);
    for (const int offset : offsets_) out += number(static_cast<std::uint32_t>(offset), 4) + std::string(2, '\0');
    return out + "LMT" + '\0' + '\n' + rule_ + '\n';
  }

 private:
  static std::string number(std::uint64_t value, int size) {
    std::string out;
    for (int i = size - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
    return out;
  }
  static std::string header(std::size_t times, std::size_t types, std::size_t letters) {
    std::string out = "TZif2" + std::string(15 + 12, '\0');
    for (const std::size_t count : {times, types, letters}) out += number(count, 4);
    return out;
  }
  std::vector<int> offsets_;
  std::vector<std::pair<Seconds, int>> changes_;
  std::string rule_;
};

// As tzdata has it since 1996.
Zone berlin() {
  return *Zone::read(TzFile({3600, 7200})
                         .change("2025-03-30T01:00:00Z", 1)
                         .change("2025-10-26T01:00:00Z", 0)
                         .then("CET-1CEST,M3.5.0,M10.5.0/3")
                         .bytes());
}
Zone new_york() { return *Zone::read(TzFile({-18000}).then("EST5EDT,M3.2.0,M11.1.0").bytes()); }
Zone fixed(const char* rule) { return *Zone::read(TzFile({0}).then(rule).bytes()); }

TEST(CronSchedule, NamesTimes) {
  struct Case {
    const char *name, *schedule, *after;
    std::vector<const char*> times;
  };
  const Case cases[] = {
      {"every minute", "* * * * *", "2026-01-01T00:00:00Z", {"2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"}},
      {"within a minute", "* * * * *", "2026-01-01T00:00:59Z", {"2026-01-01T00:01:00Z"}},
      {"a step",
       "*/20 * * * *",
       "2026-01-01T00:00:00Z",
       {"2026-01-01T00:20:00Z", "2026-01-01T00:40:00Z", "2026-01-01T01:00:00Z"}},
      {"a step from a number on",
       "50/5 3 * * *",
       "2026-01-01T00:00:00Z",
       {"2026-01-01T03:50:00Z", "2026-01-01T03:55:00Z", "2026-01-02T03:50:00Z"}},
      {"ranges and lists",
       "0 8-10/2,22 * * *",
       "2026-01-01T08:00:00Z",
       {"2026-01-01T10:00:00Z", "2026-01-01T22:00:00Z", "2026-01-02T08:00:00Z"}},
      {"a day of each month", "0 0 31 * *", "2026-01-31T00:00:00Z", {"2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"}},
      {"a leap day", "0 0 29 2 *", "2026-01-01T00:00:00Z", {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
      {"names", "0 12 * feb-MAR sun", "2026-02-20T00:00:00Z", {"2026-02-22T12:00:00Z", "2026-03-01T12:00:00Z"}},
      {"a day of the week", "0 0 * * 2,4", "2026-11-24T00:00:00Z", {"2026-11-26T00:00:00Z", "2026-12-01T00:00:00Z"}},
      {"a day of the month or of the week",
       "0 0 13 * 5",
       "2026-02-07T00:00:00Z",
       {"2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z"}},
      {"both, when one is a star", "0 0 ? * fri", "2026-02-07T00:00:00Z", {"2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z"}},
      {"a star with a step is no star",
       "0 0 */10 * mon",
       "2026-06-02T00:00:00Z",
       {"2026-06-08T00:00:00Z", "2026-06-11T00:00:00Z", "2026-06-15T00:00:00Z"}},
      {"the end of a year", "59 23 31 12 *", "2026-12-31T23:59:00Z", {"2027-12-31T23:59:00Z"}},
      {"yearly", "@yearly", "2026-01-01T00:00:00Z", {"2027-01-01T00:00:00Z"}},
      {"annually", "@annually", "2026-05-01T00:00:00Z", {"2027-01-01T00:00:00Z"}},
      {"monthly", "@monthly", "2026-01-01T00:00:00Z", {"2026-02-01T00:00:00Z"}},
      {"weekly", "@weekly", "2026-02-07T00:00:00Z", {"2026-02-08T00:00:00Z", "2026-02-15T00:00:00Z"}},
      {"daily", "@daily", "2026-02-28T12:00:00Z", {"2026-03-01T00:00:00Z"}},
      {"midnight", "@midnight", "2026-02-28T00:00:00Z", {"2026-03-01T00:00:00Z"}},
      {"hourly", "@hourly", "2026-02-28T23:30:00Z", {"2026-03-01T00:00:00Z"}},
      {"now and then", "@every 1h30m10s", "2026-01-01T00:00:07Z", {"2026-01-01T01:30:17Z", "2026-01-01T03:00:27Z"}},
      {"less than a second is one", "@every 0s", "2026-01-01T00:00:07Z", {"2026-01-01T00:00:08Z"}},
      {"whole seconds", "@every 2.9s", "2026-01-01T00:00:00Z", {"2026-01-01T00:00:02Z"}},
      {"backwards", "@every -1h", "2026-01-01T00:00:00Z", {"2026-01-01T00:00:01Z"}},
      {"a day that does not come", "0 0 31 2 *", "2026-01-01T00:00:00Z", {"never"}},
      {"a leap day too far away", "0 0 29 2 *", "2096-02-29T00:00:00Z", {"never"}},
      {"before 1970", "0 0 1 1 *", "1960-06-01T00:00:00Z", {"1961-01-01T00:00:00Z"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto schedule = api::parse_schedule(c.schedule);
    ASSERT_TRUE(schedule) << schedule.error();
    std::optional<Seconds> time = at(c.after);
    for (const char* expected : c.times) {
      time = next_time(*schedule, Zone::utc(), *time);
      EXPECT_EQ(text(time), expected);
      if (!time) break;
    }
  }
}

TEST(CronSchedule, FollowsTheWall) {
  struct Case {
    const char* name;
    Zone zone;
    const char *schedule, *after;
    std::vector<const char*> times;
  };
  const Case cases[] = {
      {"winter and summer",
       berlin(),
       "0 12 1 1,7 *",
       "2025-12-01T00:00:00Z",
       {"2026-01-01T11:00:00Z", "2026-07-01T10:00:00Z", "2027-01-01T11:00:00Z"}},
      {"an hour that there is not",
       berlin(),
       "30 2 * * *",
       "2026-03-28T00:00:00Z",
       {"2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"}},
      {"an hour that comes twice",
       berlin(),
       "30 2 * * *",
       "2026-10-24T12:00:00Z",
       {"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"}},
      {"the minute of the change",
       berlin(),
       "0 3 * * *",
       "2026-03-28T12:00:00Z",
       {"2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"}},
      {"across the change", berlin(), "*/30 * * * *", "2026-03-29T00:30:00Z", {"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"}},
      {"another day", new_york(), "0 22 * * *", "2026-01-01T00:00:00Z", {"2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z"}},
      {"the American change", new_york(), "30 2 8 3 *", "2026-03-01T00:00:00Z", {"2027-03-08T07:30:00Z"}},
      {"half an hour", fixed("<+0530>-5:30"), "0 0 1 1 *", "2025-12-31T00:00:00Z", {"2025-12-31T18:30:00Z"}},
      {"the first of all", fixed("<+14>-14"), "0 0 1 1 *", "2025-12-31T00:00:00Z", {"2025-12-31T10:00:00Z"}},
      {"never, with changes", berlin(), "0 0 31 2 *", "2026-01-01T00:00:00Z", {"never"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::optional<Seconds> time = at(c.after);
    for (const char* expected : c.times) {
      time = next_time(*api::parse_schedule(c.schedule), c.zone, *time);
      EXPECT_EQ(text(time), expected);
      if (!time) break;
    }
  }
}

TEST(CronZone, HasPeriods) {
  const Zone zone = *Zone::read(TzFile({600, 3600, 7200})
                                    .change("1900-01-01T00:00:00Z", 1)
                                    .change("2025-03-30T01:00:00Z", 2)
                                    .change("2025-10-26T01:00:00Z", 1)
                                    .then("CET-1CEST,M3.5.0,M10.5.0/3")
                                    .bytes());
  struct Case {
    const char *name, *at, *begin, *end;
    int offset;
  };
  const Case cases[] = {
      {"before all changes", "1899-12-31T23:59:59Z", "", "1900-01-01T00:00:00Z", 600},
      {"the first change", "1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "2025-03-30T01:00:00Z", 3600},
      {"between", "2025-07-01T00:00:00Z", "2025-03-30T01:00:00Z", "2025-10-26T01:00:00Z", 7200},
      {"the last change", "2025-10-26T01:00:00Z", "2025-10-26T01:00:00Z", "2026-03-29T01:00:00Z", 3600},
      {"by the rule", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", 7200},
      {"over the new year", "2027-01-01T00:00:00Z", "2026-10-25T01:00:00Z", "2027-03-28T01:00:00Z", 3600},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Zone::Period period = zone.at(at(c.at));
    EXPECT_EQ(period.begin, *c.begin ? at(c.begin) : Seconds::min());
    EXPECT_EQ(period.end, at(c.end));
    EXPECT_EQ(period.offset, seconds(c.offset));
  }
  EXPECT_EQ(Zone::utc().at(at("2026-01-01T00:00:00Z")).offset, seconds(0));
}

TEST(CronZone, ReadsYearlyRules) {
  struct Case {
    const char *name, *rule;
    int winter, summer;       // in January, in July, in minutes
    const char *begin, *end;  // of the period that July 2026 is in; empty: for ever
  };
  const Case cases[] = {
      {"no change", "CET-1", 60, 60, "", ""},
      {"of the south", "AEST-10AEDT,M10.1.0,M4.1.0/3", 660, 600, "2026-04-04T16:00:00Z", "2026-10-03T16:00:00Z"},
      {"with an offset of its own", "IST-1GMT0,M10.5.0,M3.5.0/1", 0, 60, "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"},
      {"minutes", "<-0330>3:30<-0230>,M3.2.0,M11.1.0", -210, -150, "2026-03-08T05:30:00Z", "2026-11-01T04:30:00Z"},
      {"beyond the day", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", -180, -120, "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"},
      {"days of the year", "AAA0BBB,J60/0,300", 0, 60, "2026-03-01T00:00:00Z", "2026-10-28T01:00:00Z"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Zone zone = fixed(c.rule);
    EXPECT_EQ(zone.at(at("2026-01-15T00:00:00Z")).offset, std::chrono::minutes(c.winter));
    const Zone::Period summer = zone.at(at("2026-07-15T00:00:00Z"));
    EXPECT_EQ(summer.offset, std::chrono::minutes(c.summer));
    if (*c.begin) EXPECT_EQ(summer.begin, at(c.begin));
    EXPECT_EQ(summer.end, *c.end ? at(c.end) : Seconds::max());
  }
  for (const char* bad :
       {"", "C1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-200",
        "<+01-1", "CET-1CEST,M3.5.0,M10.5.0,", "CET-1CEST,J0,J9", "CET-99999999999"}) {
    EXPECT_FALSE(api::YearlyRule::parse(bad)) << bad;
  }
}

TEST(CronZone, RefusesWhatIsNoFile) {
  const std::string good = TzFile({3600, 7200}).change("2025-03-30T01:00:00Z", 1).then("CET-1CEST,M3.5.0,M10.5.0/3").bytes();
  ASSERT_TRUE(Zone::read(good));
  const std::size_t data = good.size() - std::string("\nCET-1CEST,M3.5.0,M10.5.0/3\n").size();
  for (std::size_t size = 0; size < data; ++size) EXPECT_FALSE(Zone::read(good.substr(0, size))) << size;
  std::string other = good;
  other[0] = 'X';
  EXPECT_FALSE(Zone::read(other));
  EXPECT_FALSE(Zone::read(TzFile({3600}).change("2025-03-30T01:00:00Z", 1).bytes())) << "a type that is not there";
  EXPECT_FALSE(Zone::read(TzFile({3600}).change("2025-03-30T01:00:00Z", 0).change("2024-03-30T01:00:00Z", 0).bytes()))
      << "out of order";
  EXPECT_FALSE(Zone::read(TzFile({999999}).bytes())) << "days ahead";
  const auto unruly = Zone::read(TzFile({3600}).then("nonsense").bytes());
  ASSERT_TRUE(unruly);
  EXPECT_EQ(unruly->at(at("2026-01-01T00:00:00Z")).offset, seconds(3600));
}

TEST(CronZone, KnowsNames) {
  for (const char* good :
       {"Europe/Berlin", "Etc/GMT+12", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "EST5EDT"}) {
    EXPECT_TRUE(Zone::is_name(good)) << good;
  }
  for (const char* bad : {"", "/etc/passwd", "../passwd", "Europe/../x", "Europe\\Berlin", "Europe Berlin", "."})
    EXPECT_FALSE(Zone::is_name(bad)) << bad;
}

}  // namespace
}  // namespace ph::controllers::cron_job
