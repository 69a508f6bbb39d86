// Clients that say and hear exactly what a test wants. Blocking; the test's own time limit ends a wait for what never comes.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "net/tls.h"

namespace ph::net::testing {

// Over a plain socket on this machine.
class RawClient {
 public:
  // `receive_buffer`: how many bytes the socket holds before the server has to wait, about; 0: as the system likes.
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ::close(socket_);
      throw std::runtime_error("cannot connect");
    }
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;

  // False: the server has gone.
  bool say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t size = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }
  // What arrives next; empty when the server has closed.
  std::string hear_some(std::size_t size_max = 64 * 1024) {
    std::string text(size_max, '\0');
    const ssize_t size = ::recv(socket_, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }
  // What arrives until `end` has, or the server closes.
  std::string hear(std::string_view end = {}) {
    std::string text;
    while (end.empty() || text.find(end) == text.npos) {
      const std::string more = hear_some();
      if (more.empty()) break;
      text += more;
    }
    return text;
  }
  // Whether something has arrived, or the server has closed.
  bool audible(std::chrono::milliseconds patience = {}) const {
    pollfd one{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&one, 1, static_cast<int>(patience.count())) > 0;
  }
  // Ends what is said, not what is heard.
  void stop_saying() { ::shutdown(socket_, SHUT_WR); }

 private:
  int socket_;
};

// The same within TLS.
class RawTlsClient {
 public:
  RawTlsClient(std::uint16_t port, const TlsClientOptions& options, Time now, int receive_buffer = 0)
      : wire_(port, receive_buffer), tls_(TlsContext::client(options), now) {
    tls_.receive({});
    while (!tls_.open()) {
      flush();
      const std::string bytes = wire_.hear_some();
      if (bytes.empty() || !take(bytes)) throw std::runtime_error("no TLS: " + tls_.error());
    }
    flush();
  }

  bool say(std::string_view text) {
    tls_.write(text);
    return flush();
  }
  // What arrives next; empty when the server has closed.
  std::string hear_some() {
    while (heard_.empty() && !ended_) {
      const std::string bytes = wire_.hear_some();
      if (bytes.empty() || !take(bytes) || tls_.ended()) ended_ = true;
    }
    return std::exchange(heard_, {});
  }
  // What arrives until `good` says so of all of it, or the server closes.
  template <class F>
  std::string hear_until(F good) {
    std::string text;
    while (!good(text)) {
      const std::string more = hear_some();
      if (more.empty()) break;
      text += more;
    }
    return text;
  }
  std::string hear() {
    return hear_until([](const std::string&) { return false; });
  }
  bool audible(std::chrono::milliseconds patience = {}) const { return !heard_.empty() || ended_ || wire_.audible(patience); }

 private:
  bool flush() { return wire_.say(std::exchange(tls_.output(), {})); }
  bool take(std::string_view bytes) {
    if (!tls_.receive(bytes)) return false;
    char buffer[16 * 1024];
    while (const std::size_t size = tls_.read(buffer)) heard_.append(buffer, size);
    return !tls_.failed();
  }

  RawClient wire_;
  TlsSession tls_;
  std::string heard_;
  bool ended_ = false;
};

}  // namespace ph::net::testing
