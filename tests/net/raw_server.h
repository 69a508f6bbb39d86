// A server that says what it is told, byte by byte: for what no honest server would send.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace ph::net::testing {

// Serves one connection after the other on a thread of its own. For each request (up to its empty line) `answer` is called
// with a function that sends bytes and says whether the peer still takes them; the connection ends when it returns false.
class RawServer {
 public:
  using Send = std::function<bool(std::string_view)>;
  using Answer = std::function<bool(const Send&)>;

  explicit RawServer(Answer answer) : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~RawServer() {
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    if (const int open = connection_.load(); open >= 0) ::shutdown(open, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::atomic<int> connections = 0, requests = 0;
  std::atomic<std::uint64_t> sent = 0;

 private:
  void serve() {
    while (!ending_) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      ++connections;
      connection_ = connection;
      if (!ending_) talk(connection);
      connection_ = -1;
      ::close(connection);
    }
  }
  void talk(int connection) {
    std::string got;
    char buffer[4096];
    const Send send = [&](std::string_view bytes) {
      while (!bytes.empty()) {
        const auto count = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent += static_cast<std::uint64_t>(count);
        bytes.remove_prefix(static_cast<std::size_t>(count));
      }
      return true;
    };
    for (;;) {
      for (std::size_t end = 0; (end = got.find("\r\n\r\n")) == got.npos;) {
        const auto count = ::recv(connection, buffer, sizeof buffer, 0);
        if (count <= 0) return;
        got.append(buffer, static_cast<std::size_t>(count));
      }
      got.erase(0, got.find("\r\n\r\n") + 4);
      ++requests;
      if (!answer_(send)) return;
    }
  }

  const Answer answer_;
  const int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<int> connection_ = -1;
  std::thread thread_;
};

}  // namespace ph::net::testing
