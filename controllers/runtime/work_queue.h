// WorkQueue: the keys a loop has yet to look at. A key is in it at most once, and is never given to two workers at once: one
// that is added while it is worked on comes again when that is done. Failures come back later and later.
// Belongs to one executor.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "api/object.h"
#include "base/executor.h"
#include "base/sync.h"
#include "controllers/runtime/metrics.h"

namespace ph::controllers {

// What a queue counted; names as upstream's workqueue_* metrics.
struct QueueStats {
  std::uint64_t adds = 0;
  std::uint64_t retries = 0;  // rate-limited adds
  Duration queue_duration{};  // sum over all keys, from added to taken
  Duration work_duration{};   // sum over all keys, from taken to done
};

// How long a failed key waits: the longer of its own doubling delay and of what a bucket shared by all keys allows.
// Upstream's default: 5 ms to 1000 s; 10 a second with bursts of 100.
class RateLimiter {
 public:
  Duration next(const ObjectKey& key, Steady now);
  void forget(const ObjectKey& key) { failures_.erase(key); }
  int failures(const ObjectKey& key) const;

 private:
  static constexpr Duration kFirst = 5ms, kLongest = 1000s;
  static constexpr double kPerSecond = 10, kBurst = 100;
  Duration bucket_delay(Steady now);

  std::map<ObjectKey, int> failures_;
  double tokens_ = kBurst;
  Steady filled_{};
};

class WorkQueue {
 public:
  explicit WorkQueue(Executor& executor, QueueMetrics metrics = {}) : executor_(executor), metrics_(metrics) {}
  ~WorkQueue();

  void add(const ObjectKey& key);
  // Of several delays of one key the one that ends first counts.
  void add_after(const ObjectKey& key, Duration delay);
  void add_rate_limited(const ObjectKey& key);
  // The key is well again: its next failure counts as the first.
  void forget(const ObjectKey& key) { limiter_.forget(key); }
  int failures(const ObjectKey& key) const { return limiter_.failures(key); }

  // The next key, in the order of adding; `done` must follow. Nothing after `stop`.
  Task<std::optional<ObjectKey>> next();
  void done(const ObjectKey& key);

  void stop();

  std::size_t depth() const { return queue_.size(); }
  std::size_t delayed() const { return delayed_.size(); }
  std::size_t in_work() const { return working_.size(); }
  // Since when the key that is worked on longest is; nothing when none is.
  std::optional<Steady> longest_running() const;
  // How long all keys in work have been, together.
  Duration unfinished_work() const;
  const QueueStats& stats() const { return stats_; }
  // Sets the gauges; the counters are kept as things happen.
  void show() const;

 private:
  struct Delayed {
    Steady due;
    TimerId timer;
  };
  Steady now() const { return executor_.clock().steady(); }

  Executor& executor_;
  RateLimiter limiter_;
  std::deque<ObjectKey> queue_;
  std::map<ObjectKey, Steady> dirty_;    // to be looked at, since when
  std::map<ObjectKey, Steady> working_;  // taken and not done, since when
  std::map<ObjectKey, Delayed> delayed_;
  bool stopped_ = false;
  Event changed_;
  QueueStats stats_;
  const QueueMetrics metrics_;
};

}  // namespace ph::controllers
