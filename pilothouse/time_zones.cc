#include "pilothouse/time_zones.h"

#include "daemon/files.h"

namespace ph::pilothouse {

std::optional<std::string> read_time_zone(const std::string& name) {
  try {
    return daemon::read_file("/usr/share/zoneinfo/" + name);
  } catch (const daemon::FileError&) {
    return std::nullopt;  // a folder of zones, say
  }
}

}  // namespace ph::pilothouse
