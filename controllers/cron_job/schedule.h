// When a schedule's turns are. Pure.
#pragma once

#include <optional>

#include "api/validation/cron_schedule.h"
#include "api/zone.h"

namespace ph::controllers::cron_job {

using Seconds = std::chrono::sys_seconds;
using api::Zone;

// The first time after `after` that the schedule names, by the clock on the zone's wall. A minute that a day does not have there
// is passed over, one that it has twice comes twice. Nothing: there is none before the fifth year after that one ends.
std::optional<Seconds> next_time(const api::CronSchedule& schedule, const Zone& zone, Seconds after);

}  // namespace ph::controllers::cron_job
