// Cron schedules as upstream's parser (robfig/cron, five fields and descriptors) reads them.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace ph::api {

struct CronSchedule {
  // Bit n stands for the value n; Sunday is 0.
  std::uint64_t minutes = 0, hours = 0, days = 0, months = 0, weekdays = 0;
  // Whether any day of the month, or of the week, will do. Only then must both fit; otherwise one is enough.
  bool any_day = false, any_weekday = false;
  std::optional<Duration> every;  // of @every; the fields mean nothing then
  std::string zone;               // of a TZ= or CRON_TZ= before it; empty: none
};

// On failure what is wrong, in that parser's words.
std::expected<CronSchedule, std::string> parse_schedule(std::string_view schedule);

// What is wrong with a schedule; nothing when it is fine.
std::optional<std::string> schedule_problem(std::string_view schedule);

}  // namespace ph::api
