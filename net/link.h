// One connection, over TCP or a unix socket, with or without TLS, below a protocol. Only for .cc files of this room.
//
// Sockets are non-blocking; the link waits for readiness and then reads and writes all it can. Buffers for reading belong
// to the loop, so that an idle connection holds none. Output is asked of the protocol only when the socket has taken what
// came before: a slow reader holds up its own data and nothing else.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/io.h"
#include "net/tls.h"

namespace ph::net {

class Link : public std::enable_shared_from_this<Link> {
 public:
  using Socket = asio::generic::stream_protocol::socket;
  using SteadyClock = std::chrono::steady_clock;

  Link(IoLoop& loop, Socket socket, std::unique_ptr<TlsSession> tls);
  virtual ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  IoLoop& loop() { return loop_; }

  // All below: on the loop's thread.

  // Takes up work on a connected socket.
  void start();
  // There is something to be sent.
  void flush();
  // Drops the connection now. `on_closed` is called before this returns, if it has not been.
  void close(std::string why);
  bool closed() const { return closed_; }

 protected:
  // What a socket that has refused output must take to count as open again: a peer who reads a byte now and then is no reader.
  static constexpr std::size_t kTakenMin = 16 * 1024;

  // The connection can be used; `alpn` is what TLS agreed on.
  virtual void on_open(std::string_view alpn) = 0;
  // False: no more input is wanted. What is left to send is sent, and then the link says goodbye.
  virtual bool on_input(std::string_view bytes) = 0;
  // A batch of inputs has been handed over.
  virtual void on_input_end() {}
  // Appends what is to be sent now, up to about `size_max`.
  virtual void produce(std::string& out, std::size_t size_max) = 0;
  // Nothing will be produced any more: say goodbye.
  virtual bool finished() const = 0;
  // False stops reading until the next flush.
  virtual bool wants_input() const { return true; }
  // Once, when the connection has gone, by whatever cause.
  virtual void on_closed(const std::string& why) = 0;
  // The socket takes no more for now.
  virtual void on_blocked() {}
  // A moment set by `wake_at` has come.
  virtual void on_timer() {}

  // Has `on_timer` called at `when`, or at an earlier moment that was asked for before.
  void wake_at(SteadyClock::time_point when);
  SteadyClock::time_point last_input() const { return last_input_; }
  // Since when the socket has refused output, but for a few bytes; the epoch when it has not.
  SteadyClock::time_point blocked_since() const { return blocked_since_; }

  TlsSession* tls() { return tls_.get(); }
  Socket& socket() { return socket_; }

 private:
  void await_readable();
  void await_writable();
  void readable();
  void take(std::string_view bytes);
  void take_plain(std::string_view bytes);
  void fill();
  bool write_out();
  void goodbye();
  void say_goodbye_or(std::string why);
  void arm();

  IoLoop& loop_;
  Socket socket_;
  std::unique_ptr<TlsSession> tls_;
  std::string out_;           // for the socket
  std::size_t out_sent_ = 0;  // of `out_`
  asio::steady_timer timer_;
  SteadyClock::time_point due_ = SteadyClock::time_point::max();
  SteadyClock::time_point last_input_;
  SteadyClock::time_point blocked_since_{};
  std::size_t taken_ = 0;  // by the socket since then
  bool reading_ = false;   // waiting for the socket to be readable
  bool writing_ = false;   // waiting for it to be writable
  bool opened_ = false;    // on_open was called
  bool deaf_ = false;      // the protocol wants no more input
  bool goodbye_ = false;   // nothing more will be sent
  bool closed_ = false;
  std::size_t discarded_ = 0;  // bytes read since then
};

}  // namespace ph::net
