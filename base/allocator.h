// The allocator (jemalloc in programs, else the C library's), kept from holding on to what a burst of work has used.
#pragma once

#include <cstddef>

#include "base/executor.h"

namespace ph {

// Before other threads start: large buffers are the system's own, and go back to it when they are freed; what is free at the end
// of the heap goes back too. By itself the C library's allocator raises both limits to the largest buffer it has seen; jemalloc needs
// no word.
void settle_allocator();

// What a process holds of memory, and how it gives some of it back.
class ProcessMemory {
 public:
  virtual ~ProcessMemory() = default;
  virtual std::size_t resident_bytes() = 0;
  virtual void give_back() = 0;
};

// This process's, by the C library. Threads: any; who allocates meanwhile waits.
ProcessMemory& own_memory();

// Gives back what a burst has left behind: looks every ten seconds whether there is more than there has been, and no more than at
// the last look. Giving back costs milliseconds, and in the middle of a burst it would be asked for again.
class IdleMemory {
 public:
  // Less is not worth the trouble.
  static constexpr std::size_t kBurstMin = 16 * 1024 * 1024;

  // Belongs to `executor`; both outlive it.
  IdleMemory(ProcessMemory& memory, Executor& executor);
  ~IdleMemory();
  IdleMemory(const IdleMemory&) = delete;
  IdleMemory& operator=(const IdleMemory&) = delete;

 private:
  void look();

  ProcessMemory& memory_;
  Executor& executor_;
  TimerId timer_ = 0;
  std::size_t settled_;  // the least there has been since it was last given back, or what was left then
  std::size_t before_;   // at the last look
};

}  // namespace ph
