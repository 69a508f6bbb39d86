// Code that may run on any thread, beside what belongs to an executor and needs no locks: who may touch what is said by a type (what
// such code is given holds immutable snapshots and counters, and no way to the rest) and watched by an assertion.
#pragma once

#include <utility>

#include "base/assert.h"

namespace ph {

// While one lives, this thread runs what may run anywhere: the threads of connections always, an executor's as long as it does what
// they would do for it. Nestable.
class Anywhere {
 public:
  Anywhere() : before_(std::exchange(here_, true)) {}
  ~Anywhere() { here_ = before_; }
  Anywhere(const Anywhere&) = delete;
  Anywhere& operator=(const Anywhere&) = delete;

  static bool here() { return here_; }

 private:
  static inline constinit thread_local bool here_ = false;
  const bool before_;
};

// At the doors of what belongs to an executor. A simulation has one thread, and the same assertions fail in it.
inline void assert_on_executor() { PH_ASSERT(!Anywhere::here()); }

}  // namespace ph
