// Who sends what comes to a load balancer of the provider `local` on to where it leads. Loops open no sockets: programs give them one that
// does (pilothouse/forwarding.h), tests one that notes.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace ph::controllers::cloud {

// A port that is listened on.
struct Place {
  std::string protocol;  // TCP or UDP
  std::string address;
  int port = 0;

  auto operator<=>(const Place&) const = default;
  // "TCP 192.0.2.1:80".
  std::string text() const;
};

struct Forward {
  std::vector<std::pair<std::string, int>> backends;  // addresses and ports, in order, each once
  std::vector<std::string> source_ranges;             // empty: everybody may send
  Duration sticky_for{};                              // so long a client stays with its backend; zero: it does not

  bool operator==(const Forward&) const = default;
};

// Belongs to the executor of the loops.
class Forwarding {
 public:
  virtual ~Forwarding() = default;
  // From now on what comes to the place goes there. Why it cannot; nothing: it does.
  virtual std::optional<std::string> set(const Place& place, const Forward& forward) = 0;
  // The place is free again, and its connections are cut.
  virtual void clear(const Place& place) = 0;
};

// --forward-load-balancers that says so: the addresses of the load balancers themselves.
inline constexpr const char* kOwnAddresses = "own";

}  // namespace ph::controllers::cloud
