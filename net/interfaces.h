// The machine's own addresses.
#pragma once

#include <string>

namespace ph::net {

// The first IPv4 address of an interface that is up and not the loopback; empty when there is none. Threads: any.
std::string primary_address();

}  // namespace ph::net
