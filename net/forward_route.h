// Where a client of a forwarded port is sent. Only for .cc files of this room.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/forwarder.h"
#include "net/io.h"

namespace ph::net {

using SteadyClock = std::chrono::steady_clock;

inline std::chrono::steady_clock::duration to_asio(Duration duration) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration);
}

// What all ports of a forwarder share.
struct ForwardShared {
  ForwardLimits limits;
  Log log;
  std::atomic<std::size_t> connections = 0;
};

using RouteEnd = std::pair<asio::ip::address, std::uint16_t>;

// Threads: any.
class ForwardRoute {
 public:
  // Throws std::runtime_error when something is no address or range.
  ForwardRoute(const ForwardedPort& port, std::size_t sticky_max);

  bool takes(const asio::ip::address& client) const;
  // All backends, the one whose turn it is (or that the client is to stay with) first. Empty: there are none.
  std::vector<RouteEnd> ends_for(const asio::ip::address& client);
  // The client has reached this one.
  void reached(const asio::ip::address& client, const RouteEnd& end);
  // With what `before` remembers of clients.
  void take_over(const ForwardRoute& before);

 private:
  struct Stay {
    RouteEnd end;
    SteadyClock::time_point seen;
  };
  struct Range {
    asio::ip::address first;
    unsigned short bits = 0;
  };
  const std::size_t sticky_max_;
  const SteadyClock::duration sticky_for_;
  std::vector<RouteEnd> ends_;
  std::vector<Range> ranges_;
  mutable std::mutex mutex_;
  std::size_t turn_ = 0;  // guarded, as the next
  std::map<asio::ip::address, Stay> stays_;
};

// The route of a port that may be exchanged while it is used. Threads: any.
class CurrentRoute {
 public:
  explicit CurrentRoute(std::shared_ptr<ForwardRoute> route) : route_(std::move(route)) {}
  std::shared_ptr<ForwardRoute> get() const {
    const std::lock_guard lock(mutex_);
    return route_;
  }
  void set(std::shared_ptr<ForwardRoute> route) {
    route->take_over(*get());
    const std::lock_guard lock(mutex_);
    route_ = std::move(route);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<ForwardRoute> route_;
};

// One protocol's side of a port: made bound, then begun; ended on its loop, or by whoever has stopped it.
class ForwardListener {
 public:
  virtual ~ForwardListener() = default;
  virtual std::uint16_t number() const = 0;
  virtual void begin() = 0;  // on its loop
  virtual void end() = 0;    // on its loop
};

// Throw std::runtime_error when they cannot bind.
std::shared_ptr<ForwardListener> listen_tcp(IoLoop& home, const ForwardedPort& port, std::shared_ptr<CurrentRoute> route,
                                            std::shared_ptr<ForwardShared> shared);
std::shared_ptr<ForwardListener> listen_udp(IoLoop& home, const ForwardedPort& port, std::shared_ptr<CurrentRoute> route,
                                            std::shared_ptr<ForwardShared> shared);

// Of an address and a port that cannot be bound.
[[noreturn]] void refuse_port(const ForwardedPort& port, const boost::system::error_code& error);

}  // namespace ph::net
