// The names of the world's time zones (IANA), as the API takes them. What a zone's times are is known to who reads tzdata.
#pragma once

#include <string_view>

namespace ph::api {

// "Europe/Paris": as it is written there, capitals included. Threads: any.
bool is_time_zone(std::string_view name);

}  // namespace ph::api
