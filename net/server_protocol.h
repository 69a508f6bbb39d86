// What HTTP/1.1 and HTTP/2 have in common for a server. State machines: bytes in, bytes out. Only for this room.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/transport.h"
#include "net/http2_session.h"

namespace ph::net {

struct ServerLimits {
  std::size_t body_bytes_max = 3 * 1024 * 1024;
  std::size_t header_bytes_max = 64 * 1024;
  std::uint32_t concurrent_streams_max = 250;
  // The body of the answer to a request that is too large.
  std::string too_large_type = "text/plain; charset=utf-8";
  std::string too_large_body = "413 Request Entity Too Large";
  // Asked with each answer over HTTP/2: whether the client shall go on over another connection (GOAWAY). May be empty.
  std::function<bool()> moves_on;
};

class ServerProtocol {
 public:
  // Called from within `receive`, `produce`, `tell_heads` and `read_body`.
  class Owner {
   public:
    virtual ~Owner() = default;
    // A whole request. It is answered once, by `respond` or by `begin` and what follows.
    virtual void on_request(StreamId stream, HttpRequest request) = 0;
    // From within `tell_heads` only: a request of whose body, which is at most so large, all or some is still to come. No more
    // than `kUnaskedMax` of it is taken until `read_body`; an answer by `respond` means that no more of it is wanted.
    virtual void on_head(StreamId stream, HttpRequest head, std::size_t size_max) = 0;
    // The client has given up on a request that was told of. It is not to be answered any more.
    virtual void on_gone(StreamId stream) = 0;
    // Bytes of pieces have been put on the wire.
    virtual void on_sent(StreamId stream, std::size_t size) = 0;
  };
  virtual ~ServerProtocol() = default;

  // Of a body that nobody has said is wanted.
  static constexpr std::size_t kUnaskedMax = 64 * 1024;

  // False: no more input is wanted; flush what is produced and close.
  virtual bool receive(std::string_view bytes) = 0;
  virtual void produce(std::string& out, std::size_t size_max) = 0;
  virtual bool finished() const = 0;
  virtual bool wants_input() const { return true; }
  // Neither a request nor an answer is on its way.
  virtual bool idle() const = 0;
  // The oldest request that has begun to arrive and is not whole; 0 when there is none.
  virtual StreamId reading() const = 0;

  // What was received so far is all there is for now: the owner is told of heads that it does not know yet. Bodies that are no
  // larger than what is taken anyway are given some time to come before the owner is troubled with two questions instead of one:
  // their heads are told with `small_too`. True: there are some.
  virtual bool tell_heads(bool small_too) = 0;
  // The body is wanted; the request is delivered with `room`. Too late is no harm.
  virtual void read_body(StreamId stream, std::shared_ptr<const void> room) = 0;
  virtual void respond(StreamId stream, int status, const Headers& headers, std::vector<SharedBytes> body) = 0;
  virtual void begin(StreamId stream, int status, const Headers& headers) = 0;
  virtual void piece(StreamId stream, SharedBytes bytes) = 0;
  virtual void end(StreamId stream) = 0;
  // The answer breaks off in the middle, visibly.
  virtual void fail(StreamId stream) = 0;

  // Gives up the answers of which the client has taken too little since the last call. What a client of HTTP/1.1 takes is
  // seen at its socket.
  virtual void cut_stalled() {}
  // Gives up an answer that has not begun.
  virtual void give_up(StreamId) {}

  // Takes no new requests; `finished` when those that are here are answered.
  virtual void drain() = 0;
};

std::unique_ptr<ServerProtocol> http1_server(const ServerLimits& limits, ServerProtocol::Owner& owner);
std::unique_ptr<ServerProtocol> http2_server(const ServerLimits& limits, ServerProtocol::Owner& owner);

// Whether an answer with this status has a body at all.
inline bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace ph::net
