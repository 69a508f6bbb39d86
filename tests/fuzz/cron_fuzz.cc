// A schedule, a new line, and a zone's file: both are refused, or times come one after the other, each on a minute that the
// schedule names.
#include "base/assert.h"
#include "controllers/cron_job/schedule.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace controllers::cron_job;
using std::chrono::seconds;

bool has(std::uint64_t bits, std::int64_t value) { return (bits >> value & 1) != 0; }

void check_named(const api::CronSchedule& schedule, seconds local) {
  const auto of_day = local - std::chrono::floor<std::chrono::days>(local);
  PH_ASSERT(of_day.count() % 60 == 0);
  PH_ASSERT(has(schedule.minutes, of_day.count() / 60 % 60));
  PH_ASSERT(has(schedule.hours, of_day.count() / 3600));
}

void check(const api::CronSchedule& schedule, const Zone& zone) {
  for (const std::int64_t begin : {-5'000'000'000LL, 0LL, 1'774'000'000LL, 9'000'000'000LL}) {
    Seconds after{seconds(begin)};
    for (int i = 0; i < 5; ++i) {
      const Zone::Period period = zone.at(after);
      PH_ASSERT(period.begin <= after && after < period.end);
      const auto next = next_time(schedule, zone, after);
      if (!next) break;
      PH_ASSERT(*next > after);
      if (!schedule.every) check_named(schedule, (*next + zone.at(*next).offset).time_since_epoch());
      after = *next;
    }
  }
}

}  // namespace

void cron(std::string_view input) {
  const auto end = std::min(input.find('\n'), input.size());
  const auto zone = Zone::read(input.substr(std::min(end + 1, input.size())));
  const auto schedule = api::parse_schedule(input.substr(0, end));
  PH_ASSERT(schedule.has_value() == !api::schedule_problem(input.substr(0, end)));
  if (schedule && (!schedule->every || *schedule->every < std::chrono::years(50))) check(*schedule, zone.value_or(Zone::utc()));
}

}  // namespace ph::fuzz
