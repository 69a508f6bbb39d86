// HTTP/2 as a state machine, for servers and clients: bytes in, bytes out, no sockets, no clock. nghttp2 underneath.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/transport.h"

namespace ph::net {

using StreamId = std::int32_t;

// What begins a message. A request has a method and a target, a response a status.
struct Http2Head {
  std::string method;
  std::string target;
  std::string authority;
  std::string_view scheme = "https";  // of a request that is sent
  int status = 0;
  Headers headers;
  bool too_large = false;  // the peer sent more header bytes than allowed; what came after the limit is missing
};

// Error codes of RFC 9113 that callers name.
inline constexpr std::uint32_t kHttp2NoError = 0, kHttp2ProtocolError = 1, kHttp2InternalError = 2, kHttp2RefusedStream = 7,
                               kHttp2Cancel = 8, kHttp2EnhanceYourCalm = 11;

// "PROTOCOL_ERROR" for 1.
std::string_view http2_error_name(std::uint32_t error);

struct Http2Limits {
  std::uint32_t concurrent_streams_max = 250;
  std::size_t header_bytes_max = 64 * 1024;
  // What a peer may send before it is told that we have consumed it.
  std::int32_t stream_window = 256 * 1024;
  std::int32_t connection_window = 4 * 1024 * 1024;
};

// Belongs to one thread. The owner's functions are called from within `receive` and `produce`; they may call back anything
// but those two.
class Http2Session {
 public:
  enum class Role { Server, Client };

  class Owner {
   public:
    virtual ~Owner() = default;
    // A server's: the first byte of a request has come, perhaps not all of its head.
    virtual void on_begin(StreamId stream) {}
    // The head of a request or a response is whole. `end`: and nothing follows.
    virtual void on_head(StreamId stream, Http2Head head, bool end) = 0;
    // Part of its body. The window stays smaller by its size until `consumed`.
    virtual void on_data(StreamId stream, std::string_view bytes) = 0;
    // A client's: fields behind the body. `on_end` follows.
    virtual void on_trailers(StreamId stream, Headers fields) {}
    // The body (or trailers) ended.
    virtual void on_end(StreamId stream) = 0;
    // `size` bytes of our body have been put into frames.
    virtual void on_sent(StreamId stream, std::size_t size) {}
    // The stream has gone; with an error code unless both sides ended it. Its id means nothing from now on.
    virtual void on_stream_closed(StreamId stream, std::uint32_t error) = 0;
    // The peer takes no new streams.
    virtual void on_goaway() {}
  };

  Http2Session(Role role, const Http2Limits& limits, Owner& owner);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // False: the peer broke the protocol (`error` says how); what is produced then tells it so.
  bool receive(std::string_view bytes);
  // Appends frames until about `size_max` bytes have been appended or nothing is left to be said.
  void produce(std::string& out, std::size_t size_max);
  // Nothing will ever be said or heard again.
  bool finished() const;
  const std::string& error() const { return error_; }

  // A client's new stream, whose body follows unless `end`. 0: the session takes no more.
  StreamId request(const Http2Head& head, bool end);
  // A server's answer on `stream`, whose body follows unless `end`.
  void respond(StreamId stream, int status, const Headers& headers, bool end);
  void send_body(StreamId stream, SharedBytes bytes);
  void end_body(StreamId stream);
  // Resets the stream when what has been given of its body has been sent.
  void break_body(StreamId stream);
  void reset(StreamId stream, std::uint32_t error);
  // Once our answer has ended, tells the peer to stop sending its request.
  void reset_when_ended(StreamId stream);

  // The streams whose peer has taken too little since the last call of what waited then: not all of it, and less than 16 KiB.
  std::vector<StreamId> stalled();

  // Lets the peer be as far ahead on the stream as `window`, which is more than it was.
  void widen(StreamId stream, std::int32_t window);
  // `size` bytes of on_data have been dealt with: the peer may send as much again.
  void consumed(StreamId stream, std::size_t size);

  // No new streams; those that are there may end.
  void goaway();
  void ping();
  // Counts every frame that arrived, pings' answers included.
  std::uint64_t frames_received() const { return frames_received_; }
  std::size_t streams() const { return streams_; }

 private:
  struct Stream;
  struct Callbacks;
  Stream* find(StreamId id) const;

  const Role role_;
  const Http2Limits limits_;
  Owner& owner_;
  struct Native;
  std::unique_ptr<Native> native_;
  std::string* out_ = nullptr;  // while producing
  std::size_t out_limit_ = 0;   // the size of `out_` at which to stop
  std::string error_;
  std::size_t streams_ = 0;
  std::uint64_t frames_received_ = 0;
  bool goaway_received_ = false;
  bool flooded_ = false;
  int invalid_frames_ = 0;
  int continuations_ = 0;  // of the head that is arriving
};

}  // namespace ph::net
