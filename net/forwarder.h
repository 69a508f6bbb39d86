// Sends what comes to a port of this machine on to backends, over TCP and UDP: what stands in front of a service where no packets are
// rewritten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "net/event_loop.h"

namespace ph::net {

struct Backend {
  std::string address;  // an IP address
  std::uint16_t port = 0;
  auto operator<=>(const Backend&) const = default;
};

// A port that is listened on, and where it leads.
struct ForwardedPort {
  enum class Protocol { Tcp, Udp };
  Protocol protocol = Protocol::Tcp;
  std::string address;     // an IP address of this machine
  std::uint16_t port = 0;  // 0: any that is free
  // In turn; of TCP the next one is tried when one cannot be reached. None: connections are closed at once, and datagrams dropped.
  std::vector<Backend> backends;
  std::vector<std::string> source_ranges;  // who may send, as "10.0.0.0/8"; empty: everybody
  Duration sticky_for{};                   // so long a client stays with its backend, by its address; zero: it does not

  bool operator==(const ForwardedPort&) const = default;
};

struct ForwardLimits {
  std::size_t connections_max = 1024;   // of all ports; the next is closed at once
  std::size_t udp_sessions_max = 1024;  // of a port; datagrams of the next client are dropped
  std::size_t sticky_max = 4096;        // clients of a port that are remembered; the one not seen for longest is forgotten
  Duration connect_timeout = std::chrono::seconds(5);
  Duration tcp_idle_timeout = std::chrono::minutes(10);  // without a byte in either direction
  Duration udp_idle_timeout = std::chrono::seconds(60);  // without a datagram in either direction
};

// A connection holds two sockets and at most 32 KiB that are read and not yet written: a peer who does not read holds up the other. When
// one side says that it has sent all, the other is told, and may send on. Datagrams that the system does not take at once are lost, as
// datagrams are.
//
// `io` must outlive it.
class Forwarder {
 public:
  Forwarder(IoThreads& io, ForwardLimits limits, Log log);
  // Cuts all connections. Not on an io thread.
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // A port, as long as it is held; dropping it closes it with its connections and sessions. Threads: any but the io threads.
  class Port {
   public:
    virtual ~Port() = default;
    virtual std::uint16_t number() const = 0;
    // Other backends, ranges or stickiness, for connections and sessions from now on; those that are there go on. Throws as `open`.
    virtual void change(const ForwardedPort& to) = 0;
  };
  // Binds, and begins. Throws std::runtime_error, in words for an administrator, when it cannot, or what it is told is no address. Threads:
  // any but the io threads.
  std::unique_ptr<Port> open(const ForwardedPort& port);

  // TCP connections that are open now. Threads: any.
  std::size_t connections() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ph::net
