// Connections that are held, dripped into, flooded or reset: what is sent is no request that a server would answer.
#pragma once

#include <functional>

#include "tests/perf/program.h"

namespace ph::perf {

// Each makes its connections, calls `begun` and goes on until the process is killed. A connection that the server ends is made anew.
struct HostilePeers {
  Access access;
  std::function<void()> begun;

  // 10,000 that have shaken hands over TLS and ask for nothing. Raises the process's limit of files, and throws where it is too low.
  [[noreturn]] void idle_connections();
  // 500, each telling a head of HTTP/1.1 a byte a second (slow-loris).
  [[noreturn]] void slow_heads();
  // 16 that tell one head without an end: fields of HTTP/1.1, continuations of HTTP/2.
  [[noreturn]] void header_floods();
  // 16 that begin streams of HTTP/2 and reset them at once, 100 of them a write.
  [[noreturn]] void rapid_resets();
};

}  // namespace ph::perf
