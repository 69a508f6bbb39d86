#include "pilothouse/time_zones.h"

#include "api/cel/times.h"
#include "daemon/files.h"

namespace ph::pilothouse {

std::optional<std::string> read_time_zone(const std::string& name) {
  try {
    return daemon::read_file("/usr/share/zoneinfo/" + name);
  } catch (const daemon::FileError&) {
    return std::nullopt;  // a folder of zones, say
  }
}

void tell_expressions_time_zones() { api::cel::use_zone_files(read_time_zone); }

}  // namespace ph::pilothouse
