// Cron schedules as upstream's parser (robfig/cron, five fields and descriptors) reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ph::api {

// What is wrong with a schedule, in that parser's words; nothing when it is fine.
std::optional<std::string> schedule_problem(std::string_view schedule);

}  // namespace ph::api
