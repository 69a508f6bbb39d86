#include "net/tcp_received.h"

// The kernel's header and the C library's do not bear each other; the library's tcp_info ends before this count.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ph::net {

std::optional<std::uint64_t> bytes_received(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return info.tcpi_bytes_received;
}

}  // namespace ph::net
