// What HTTP/1.1 and HTTP/2 have in common for a client. State machines: bytes in, bytes out. Only for this room.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/transport.h"
#include "net/http2_session.h"

namespace ph::net {

class ClientProtocol {
 public:
  // Called from within `receive`, `produce` and `eof`.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_head(StreamId stream, int status, Headers headers) = 0;
    virtual void on_data(StreamId stream, std::string_view bytes) = 0;
    // Fields behind the body; `on_end` follows.
    virtual void on_trailers(StreamId, Headers) {}
    virtual void on_end(StreamId stream) = 0;
    // `again`: the server has not looked at the request; it may be sent anew.
    virtual void on_failed(StreamId stream, bool again, std::string why) = 0;
  };
  virtual ~ClientProtocol() = default;

  // False: the server broke the protocol.
  virtual bool receive(std::string_view bytes) = 0;
  // The server has closed the connection.
  virtual void eof() {}
  virtual void produce(std::string& out, std::size_t size_max) = 0;
  virtual bool finished() const = 0;
  virtual bool wants_input() const { return true; }

  // Whether a request can be sent now.
  virtual bool can_send() const = 0;
  virtual bool multiplexed() const = 0;
  // Its headers are complete but for what the protocol's framing needs. 0: it cannot.
  virtual StreamId send(const HttpRequest& request) = 0;
  // Gives a request up. False: only closing the connection does that.
  virtual bool cancel(StreamId stream) = 0;
  virtual void consumed(StreamId stream, std::size_t size) = 0;
  // Asks for a sign of life. False: there is no such thing.
  virtual bool ping() { return false; }
};

std::unique_ptr<ClientProtocol> http1_client(ClientProtocol::Owner& owner);
// `scheme`: of its requests; constant for ever.
std::unique_ptr<ClientProtocol> http2_client(ClientProtocol::Owner& owner, std::string_view scheme);

}  // namespace ph::net
