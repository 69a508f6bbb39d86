// The time zones of this machine, for the loops.
#pragma once

#include <optional>
#include <string>

namespace ph::pilothouse {

// What tzdata (/usr/share/zoneinfo) has of a zone; nothing when there is none of that name, or it cannot be read.
std::optional<std::string> read_time_zone(const std::string& name);

}  // namespace ph::pilothouse
