// The `up` sub-command: starts a control plane in the foreground and ends it on SIGINT or SIGTERM.
#pragma once

#include "pilothouse/options.h"

namespace ph::pilothouse {

// The process's exit code: 0 after a clean stop, 1 when it could not start.
int up(UpOptions options);

}  // namespace ph::pilothouse
