// One connection of cpprestsdk's. Only for this room; free of C++23, which cpprestsdk's headers do not bear.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

struct ssl_ctx_st;

namespace ph::net {

struct OutboundRequest {
  std::string method, path;  // path and query, percent-encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::size_t response_bytes_max = 0;
};

struct OutboundAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string error;  // empty: the answer is whole
  bool sent = false;  // the request has left, or part of it
};

// Carries one request at a time, and keeps its connection in between. Threads: any, one at a time.
class OutboundClient {
 public:
  struct Settings {
    std::string base;         // http(s)://host:port
    bool one_address = true;  // the host has one address; else `received` says nothing
    bool verify = true;
    std::chrono::microseconds timeout{};         // without any progress
    std::function<void(ssl_ctx_st*)> configure;  // of TLS, called for each connection
  };
  static std::unique_ptr<OutboundClient> make(Settings settings);
  virtual ~OutboundClient() = default;

  // `done` is called once, on a thread of cpprestsdk's, also after the client is gone.
  virtual void send(OutboundRequest request, std::function<void(OutboundAnswer)> done) = 0;
  // Breaks the request under way off. Threads: any.
  virtual void cancel() = 0;
  // How much has arrived for the request under way, headers and framing included. Threads: any.
  virtual std::uint64_t received() const = 0;
};

}  // namespace ph::net
