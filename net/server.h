// An HTTP server: HTTP/2 and HTTP/1.1 on one port, over TLS or in the clear.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/transport.h"
#include "net/event_loop.h"
#include "net/tls.h"

namespace ph::net {

struct ServerOptions {
  std::string bind_address = "0.0.0.0";  // an IP address; "::" takes IPv4 too
  std::uint16_t port = 0;                // 0: any that is free
  std::optional<TlsServerOptions> tls;   // none: plain HTTP/1.1, for health checks

  std::size_t body_bytes_max = 3 * 1024 * 1024;  // a larger request is answered 413, with this body:
  std::string too_large_type = "text/plain; charset=utf-8";
  std::string too_large_body = "413 Request Entity Too Large";
  std::size_t header_bytes_max = 64 * 1024;  // 431
  // Of bodies that are read or answered just now, of all connections together and of one user (HeadVerdict); whole ones that
  // came with their heads do not count. Others wait, and are answered 429 after `body_wait`.
  std::size_t bodies_bytes_max = 64 * 1024 * 1024;
  std::size_t bodies_bytes_max_of_user = 16 * 1024 * 1024;
  Duration body_wait = std::chrono::seconds(10);
  std::uint32_t concurrent_streams_max = 250;  // on one HTTP/2 connection

  // Asked with each answer over HTTP/2: whether the client shall go on over another connection. May be empty. Threads: several at a
  // time.
  std::function<bool()> moves_on;

  Duration request_timeout = std::chrono::seconds(60);  // for the handshake, and for a request to arrive whole
  Duration idle_timeout = std::chrono::seconds(90);     // without a request
  Duration write_timeout = std::chrono::seconds(60);    // for a client that takes nothing of what is sent
};

// Serves `handler`, whose tasks run on `handler_executor`; sockets, TLS, framing, `begin` and `render` run on the io threads.
//
// Requests carry the peer's address and, when the client's certificate verifies, its identity (CN and O). When the client
// goes away or resets a stream, the handler's task or stream is destroyed on `handler_executor`. A stream is pulled only
// while less than 64 KiB of it wait for the wire; each piece is sent as soon as it is there.
//
// `io`, `handler` and `handler_executor` must outlive the server.
class HttpsServer {
 public:
  // Binds and begins to serve. Throws std::runtime_error, in words for an administrator, when it cannot bind or the
  // certificates cannot be used.
  HttpsServer(IoThreads& io, HttpHandler& handler, Executor& handler_executor, ServerOptions options, Log log = {});

  // Ends all connections at once; when it returns nothing of the handler runs or lives. On `handler_executor`, or on
  // another thread while that executor runs or has been stopped. Not on an io thread.
  ~HttpsServer();

  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;

  std::uint16_t port() const;

  // For connections from now on. Throws like the constructor. Threads: any.
  void set_certificate(const TlsServerOptions& tls);

  // Takes no new connections and no new requests (GOAWAY, Connection: close); what is under way may end within `grace`,
  // then it is cut. `done` is called once, on an io thread, when the last connection has gone. Threads: any.
  void drain(Duration grace, std::function<void()> done);
  // Drains and waits. Threads: any but the io threads and the handler's.
  void stop(Duration grace);

  // Connections that are open now. Threads: any.
  std::size_t connections() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ph::net
