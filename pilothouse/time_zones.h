// The time zones of this machine, for the loops and for expressions.
#pragma once

#include <optional>
#include <string>

namespace ph::pilothouse {

// What tzdata (/usr/share/zoneinfo) has of a zone; nothing when there is none of that name, or it cannot be read.
std::optional<std::string> read_time_zone(const std::string& name);

// From now on expressions in CEL know them too, in the whole process.
void tell_expressions_time_zones();

}  // namespace ph::pilothouse
