// How the scheduler reaches its extenders: outbound calls, with the certificates that their configuration names.
#pragma once

#include "net/event_loop.h"
#include "scheduler/extender/spec.h"

namespace ph::pilothouse {

// For a scheduler on `executor`; both must outlive it. The function throws FileError for a file that is not there, and
// std::invalid_argument or std::runtime_error for an address or a certificate that cannot be used.
scheduler::ExtenderTransports extender_transports(net::IoThreads& io, Executor& executor);

}  // namespace ph::pilothouse
