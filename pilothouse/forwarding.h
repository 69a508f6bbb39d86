// --forward-load-balancers: load balancers of the provider `local` that answer on this machine.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "controllers/cloud/forwarding.h"
#include "net/event_loop.h"

namespace ph::pilothouse {

// The loop that does it; it runs where the flag is given.
inline constexpr std::string_view kForwarderLoop = "load-balancer-forwarder";

// Empty when it is an IP address or "own"; otherwise what is wrong with it.
std::string check_forward_address(const std::string& address);

// Listens on `io`, which outlives it.
std::shared_ptr<controllers::cloud::Forwarding> socket_forwarding(net::IoThreads& io, Log log);

}  // namespace ph::pilothouse
