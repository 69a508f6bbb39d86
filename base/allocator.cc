#include "base/allocator.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

// The programs are linked with jemalloc: with glibc's allocator a third of the apiserver's thread went to it. Which one there is shows
// here, and not before: the tests and whatever is built with a sanitizer have the C library's.
extern "C" {
[[gnu::weak]] int mallctl(const char* name, void* old, std::size_t* old_size, void* value, std::size_t value_size);
// One arena: threads have caches of their own before it, and each further one keeps pages that nobody uses. What is free goes back to
// the system within seconds.
const char* malloc_conf = "narenas:1,dirty_decay_ms:2000,muzzy_decay_ms:0";
}

namespace ph {
namespace {

constexpr Duration kInterval = std::chrono::seconds(10);
constexpr int kMmapMin = 256 * 1024;
constexpr int kTrimMin = 1024 * 1024;

class OwnMemory final : public ProcessMemory {
 public:
  std::size_t resident_bytes() override {
    std::ifstream in("/proc/self/statm");
    std::size_t all = 0, resident = 0;
    in >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  }
  void give_back() override {
    if (!mallctl) {
      ::malloc_trim(0);
      return;
    }
    // By itself it gives back only while somebody allocates.
    ::mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL
  }
};

}  // namespace

void settle_allocator() {
  ::mallopt(M_MMAP_THRESHOLD, kMmapMin);
  ::mallopt(M_TRIM_THRESHOLD, kTrimMin);
}

ProcessMemory& own_memory() {
  static OwnMemory memory;
  return memory;
}

IdleMemory::IdleMemory(ProcessMemory& memory, Executor& executor)
    : memory_(memory), executor_(executor), settled_(memory.resident_bytes()), before_(settled_) {
  timer_ = executor_.run_after(kInterval, [this] { look(); });
}

IdleMemory::~IdleMemory() { executor_.cancel(timer_); }

void IdleMemory::look() {
  std::size_t now = memory_.resident_bytes();
  if (now >= settled_ + kBurstMin && now < before_ + kBurstMin / 4) {
    memory_.give_back();
    settled_ = now = memory_.resident_bytes();
  }
  settled_ = std::min(settled_, now);
  before_ = now;
  timer_ = executor_.run_after(kInterval, [this] { look(); });
}

}  // namespace ph
