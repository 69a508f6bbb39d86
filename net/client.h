// A client's transport over TLS: one HTTP/2 connection, or a few HTTP/1.1 ones where the server knows no better.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/transport.h"
#include "net/event_loop.h"
#include "net/tls.h"

namespace ph::net {

// A response that is larger than `response_bytes_max`.
class ResponseTooLarge : public TransportError {
 public:
  using TransportError::TransportError;
};

struct ClientOptions {
  std::string host;  // a name or an IP address
  std::uint16_t port = 443;
  // `server_name` is `host` when empty; `http2 = false` keeps to HTTP/1.1.
  TlsClientOptions tls;
  bool plain = false;  // no TLS, and HTTP/1.1: for health checks and tests
  // A unix socket, spoken to in HTTP/2 without TLS; `host` is then only a name, and `port` nothing.
  std::string unix_path;
  // Called for each request, on the caller's executor; what it returns goes into the Authorization header.
  std::function<std::string()> bearer_token;
  std::string user_agent = "pilothouse";

  Duration connect_timeout = std::chrono::seconds(30);  // TCP and TLS together
  // A connection on which nothing has arrived for `ping_after` is asked for a sign of life, and given up when none comes
  // within `ping_timeout`. Zero: it is not asked.
  Duration ping_after = std::chrono::seconds(30);
  Duration ping_timeout = std::chrono::seconds(15);
  // A body that is not streamed may have this many bytes; 0: any number. What has more fails with ResponseTooLarge.
  std::size_t response_bytes_max = 0;
};

// Connects with the first request, and anew when the connection has been lost: a request that was under way then fails
// with TransportError, unless the server said that it has not looked at it. Dropping a task or a stream resets its HTTP/2
// stream. A stream's source is held up (by flow control) when 256 KiB wait to be read.
//
// `results_on` is the executor of all callers; it and `io` must outlive the transport, and the transport its tasks and
// streams. Throws std::runtime_error when certificates or keys cannot be used.
std::unique_ptr<Transport> https_transport(IoThreads& io, Executor& results_on, ClientOptions options);

}  // namespace ph::net
