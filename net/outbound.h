// Plain outbound calls, to extenders and webhooks: HTTP/1.1 over cpprestsdk, with or without TLS.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/transport.h"
#include "net/event_loop.h"
#include "net/tls.h"

namespace ph::net {

struct OutboundOptions {
  // http(s)://host[:port][/prefix]; targets of requests go below the prefix. IPv6 addresses stand as names only.
  std::string url;
  TlsClientOptions tls;  // for https; `server_name` is the host when empty, `http2` has no meaning
  std::string user_agent = "pilothouse";

  Duration timeout = std::chrono::seconds(30);  // of an exchange, from `send` to the last byte
  // A response may have this many bytes, and `response_per_request` times as many as its request's body.
  std::size_t response_bytes_max = 16 << 20;
  std::size_t response_per_request = 0;
  int connections_max = 16;  // requests beyond wait their turn
};

// Connects with the first request. No redirects are followed and no proxies used, whatever the environment says; a
// connection is kept for the next request. cpprestsdk works on two threads of its own, which start with the first request
// of the process. Names are looked up on `io`; for one that has IPv6 addresses only, the size of headers is not bounded. `send` answers with whole bodies only: `stream` must be false. Dropping its
// task closes the connection.
//
// A request is sent anew when a kept connection turns out to have been closed before an answer began.
//
// `results_on` is the executor of all callers; it and `io` must outlive the transport, and the transport its tasks. Throws
// std::invalid_argument for an address, std::runtime_error for certificates or keys that cannot be used.
std::unique_ptr<Transport> outbound_transport(IoThreads& io, Executor& results_on, OutboundOptions options);

}  // namespace ph::net
