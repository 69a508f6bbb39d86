// The kernel's count of what has arrived on a connection. Only for this room.
#pragma once

#include <cstdint>
#include <optional>

namespace ph::net {

// Bytes since the connection began, read or not. Nothing when `socket` is no TCP connection.
std::optional<std::uint64_t> bytes_received(int socket);

}  // namespace ph::net
