// Upstream's flags that are accepted without effect, or only at their defaults; beside those of daemon/common_flags.h.
#pragma once

#include <span>

#include "daemon/flags.h"

namespace ph::pilothouse {

std::span<const daemon::InertFlag> inert_apiserver_flags();
std::span<const daemon::InertFlag> inert_controller_manager_flags();
// Of loops that are not here.
std::span<const daemon::InertFlag> inert_loop_flags();
std::span<const daemon::InertFlag> inert_scheduler_flags();

}  // namespace ph::pilothouse
