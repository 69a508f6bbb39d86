// A value that its owner replaces and any thread reads.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace ph {

// What is published is never changed, and lives as long as somebody reads it. Threads: any. (A mutex for the time in which a pointer is
// copied: what libstdc++ 12 has as std::atomic<std::shared_ptr> is a lock, too, and one that thread sanitizers do not know.)
template <class T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<const T> value) : value_(std::move(value)) {}

  // Null: nothing is published.
  std::shared_ptr<const T> get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

  void set(std::shared_ptr<const T> value) {
    {
      const std::lock_guard lock(mutex_);
      value_.swap(value);
    }
    // The one before ends here, if nobody reads it: not within the lock.
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace ph
