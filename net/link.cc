#include "net/link.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace ph::net {
namespace {

using Error = boost::system::error_code;

// Output asked of the protocol at a time, and what one connection may send or read before others get a turn.
constexpr std::size_t kProduceSize = 64 * 1024;
constexpr std::size_t kTurnSize = 512 * 1024;
// How long, and how much, a peer may go on sending after our goodbye: it is read, so that a reset does not destroy the
// answer on its way.
constexpr auto kLinger = std::chrono::seconds(2);
constexpr std::size_t kLingerSize = 8 * 1024 * 1024;
// Ciphertext buffers beyond this are given back when they are empty.
constexpr std::size_t kKeptSize = 32 * 1024;

}  // namespace

Link::Link(IoLoop& loop, Socket socket, std::unique_ptr<TlsSession> tls)
    : loop_(loop), socket_(std::move(socket)), tls_(std::move(tls)), timer_(loop.context) {}

Link::~Link() = default;

void Link::start() {
  Error ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);  // a unix socket knows no such thing
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  last_input_ = SteadyClock::now();
  if (tls_) {
    if (!tls_->receive({})) return close(tls_->error());  // a client speaks first
  } else {
    opened_ = true;
    on_open({});
  }
  flush();
}

void Link::await_readable() {
  if (reading_ || closed_ || (!goodbye_ && !deaf_ && opened_ && !wants_input())) return;
  reading_ = true;
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const Error& error) {
    self->reading_ = false;
    if (self->closed_) return;
    if (error) return self->close(error.message());
    self->readable();
  });
}

void Link::readable() {
  std::size_t total = 0;
  while (!closed_ && total < kTurnSize) {
    Error error;
    const std::size_t count = socket_.read_some(asio::buffer(loop_.read_buffer.get(), IoLoop::kReadSize), error);
    if (error == asio::error::would_block) break;
    if (error) {
      if (!goodbye_ && !closed_) on_input_end();
      return close(error == asio::error::eof ? "the peer closed the connection" : error.message());
    }
    total += count;
    last_input_ = SteadyClock::now();
    take({loop_.read_buffer.get(), count});
    if (count < IoLoop::kReadSize || (!deaf_ && opened_ && !wants_input())) break;
  }
  if (closed_) return;
  if (opened_ && !goodbye_) on_input_end();
  flush();
}

void Link::take(std::string_view bytes) {
  if (goodbye_ || deaf_) {
    discarded_ += bytes.size();
    if (discarded_ > kLingerSize) close("the peer went on sending");
    return;
  }
  if (!tls_) return take_plain(bytes);
  if (!tls_->receive(bytes)) return say_goodbye_or(tls_->error());
  if (!tls_->open()) return;
  if (!opened_) {
    opened_ = true;
    on_open(tls_->alpn());
  }
  while (!closed_) {
    const std::size_t count = tls_->read({loop_.plain_buffer.get(), IoLoop::kReadSize});
    if (count == 0) break;
    take_plain({loop_.plain_buffer.get(), count});
  }
  if (closed_) return;
  if (tls_->failed()) return say_goodbye_or(tls_->error());
  if (!tls_->ended()) return;
  on_input_end();
  close("the peer closed the connection");
}

void Link::take_plain(std::string_view bytes) {
  if (deaf_ || closed_) return;
  if (!on_input(bytes)) deaf_ = true;
}

// Sends the alert that is waiting, if the socket takes it, and drops the connection.
void Link::say_goodbye_or(std::string why) {
  if (tls_) out_ += std::exchange(tls_->output(), {});
  write_out();
  close(std::move(why));
}

// Fills `out_` with what TLS and the protocol have to say.
void Link::fill() {
  if (goodbye_) return;
  if (!tls_) {
    if (opened_) produce(out_, kProduceSize);
    return;
  }
  if (tls_->open() && opened_ && !tls_->failed()) {
    loop_.write_buffer.clear();
    produce(loop_.write_buffer, kProduceSize);
    tls_->write(loop_.write_buffer);
  }
  if (tls_->output().empty()) return;
  if (out_.empty()) {
    out_.swap(tls_->output());
  } else {
    out_ += tls_->output();
    tls_->output().clear();
  }
}

// False: the socket takes no more for now, or the connection has gone.
bool Link::write_out() {
  while (out_sent_ < out_.size()) {
    Error error;
    const std::size_t count = socket_.write_some(asio::buffer(out_.data() + out_sent_, out_.size() - out_sent_), error);
    out_sent_ += count;
    if (error == asio::error::would_block) {
      if (blocked_since_ == SteadyClock::time_point{}) {
        blocked_since_ = SteadyClock::now();
        taken_ = 0;
        on_blocked();
      }
      return false;
    }
    if (error) {
      close(error.message());
      return false;
    }
    taken_ += count;
    if (taken_ >= kTakenMin) blocked_since_ = {};
  }
  blocked_since_ = {};
  out_.clear();
  out_sent_ = 0;
  if (out_.capacity() > kKeptSize) out_.shrink_to_fit();
  return true;
}

void Link::flush() {
  if (closed_ || writing_) return;
  const auto self = shared_from_this();
  for (std::size_t total = 0;;) {
    if (out_.empty()) fill();
    if (closed_) return;
    if (out_.empty()) break;
    total += out_.size();
    if (!write_out()) {
      if (!closed_) await_writable();
      break;
    }
    if (total < kTurnSize) continue;
    writing_ = true;
    asio::post(loop_.context, [self] {
      self->writing_ = false;
      self->flush();
    });
    break;
  }
  if (closed_) return;
  if (out_.empty() && opened_ && !goodbye_ && (finished() || deaf_) && !writing_) goodbye();
  if (!closed_) await_readable();
}

void Link::await_writable() {
  writing_ = true;
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const Error& error) {
    self->writing_ = false;
    if (self->closed_) return;
    if (error) return self->close(error.message());
    self->flush();
  });
}

void Link::goodbye() {
  if (tls_) {
    tls_->close();
    out_ += std::exchange(tls_->output(), {});
    if (!write_out()) return close("the peer reads nothing");
  }
  goodbye_ = true;
  Error ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  due_ = SteadyClock::time_point::max();
  wake_at(SteadyClock::now() + kLinger);
}

void Link::close(std::string why) {
  if (closed_) return;
  closed_ = true;
  Error ignored;
  socket_.close(ignored);
  timer_.cancel();
  const auto self = weak_from_this().lock();
  on_closed(why);
}

void Link::wake_at(SteadyClock::time_point when) {
  if (when >= due_ || closed_) return;
  due_ = when;
  arm();
}

void Link::arm() {
  timer_.expires_at(due_);
  timer_.async_wait([weak = weak_from_this()](const Error& error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_) return;
    self->due_ = SteadyClock::time_point::max();
    if (self->goodbye_) return self->close("the peer did not close the connection");
    self->on_timer();
  });
}

}  // namespace ph::net
