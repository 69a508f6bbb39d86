#include "controllers/cron_job/schedule.h"

#include <algorithm>
#include <bit>

namespace ph::controllers::cron_job {
namespace {

using namespace std::chrono;

constexpr int kYearsMost = 5;

bool has(std::uint64_t bits, unsigned value) { return (bits >> value & 1) != 0; }

// The first that is not below `from`; 64: none.
int first_of(std::uint64_t bits, int from) { return from > 63 ? 64 : std::countr_zero(bits & ~std::uint64_t{0} << from); }

bool matches_day(const api::CronSchedule& schedule, const year_month_day& date, sys_days day) {
  const bool of_month = has(schedule.days, static_cast<unsigned>(date.day()));
  const bool of_week = has(schedule.weekdays, weekday(day).c_encoding());
  return schedule.any_day || schedule.any_weekday ? of_month && of_week : of_month || of_week;
}

// The first minute of a day that is not before `from`.
std::optional<minutes> minute_of_day(const api::CronSchedule& schedule, minutes from) {
  const int first_hour = static_cast<int>(from.count() / 60);
  for (int hour = first_of(schedule.hours, first_hour); hour < 24; hour = first_of(schedule.hours, hour + 1)) {
    const int minute = first_of(schedule.minutes, hour == first_hour ? static_cast<int>(from.count() % 60) : 0);
    if (minute < 60) return hours(hour) + minutes(minute);
  }
  return std::nullopt;
}

// The first match from `from` on until before `end`, where days are all alike. All as the wall shows it.
std::optional<Seconds> first_match(const api::CronSchedule& schedule, Seconds from, Seconds end, year last_year) {
  sys_days day = floor<days>(from);
  minutes minute = ceil<minutes>(from - day);
  while (day < end) {
    const year_month_day date(day);
    if (date.year() > last_year) return std::nullopt;
    if (!has(schedule.months, static_cast<unsigned>(date.month()))) {
      day = sys_days((date.year() / date.month() + months(1)) / 1);
      minute = minutes(0);
      continue;
    }
    if (matches_day(schedule, date, day)) {
      if (const auto found = minute_of_day(schedule, minute))
        return day + *found < end ? std::optional<Seconds>(day + *found) : std::nullopt;
    }
    day += days(1);
    minute = minutes(0);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Seconds> next_time(const api::CronSchedule& schedule, const Zone& zone, Seconds after) {
  if (schedule.every) return after + std::max(floor<seconds>(*schedule.every), seconds(1));
  const Zone::Period first = zone.at(after);
  const year last_year = year_month_day(floor<days>(after + first.offset)).year() + years(kYearsMost);
  Seconds from = after + seconds(1);
  while (true) {
    const Zone::Period period = zone.at(from);
    const Seconds end = period.end == Seconds::max() ? period.end : period.end + period.offset;
    if (const auto found = first_match(schedule, from + period.offset, end, last_year)) return *found - period.offset;
    if (period.end == Seconds::max() || year_month_day(floor<days>(period.end)).year() > last_year + years(1))
      return std::nullopt;
    from = period.end;
  }
}

}  // namespace ph::controllers::cron_job
