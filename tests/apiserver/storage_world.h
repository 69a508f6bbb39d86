// What the tests of stores and caches share: an executor that runs when told, a clock that stands still, small objects.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "apiserver/storage/store.h"
#include "base/sync.h"
#include "base/timers.h"

namespace ph::apiserver::testing {

class ManualClock final : public Clock {
 public:
  Time now() const override { return Time(std::chrono::hours(24 * 365)) + since_start; }
  Steady steady() const override { return Steady(since_start); }
  Duration since_start{0};
};

// Runs on the thread that calls it; other threads may post.
class ManualExecutor final : public Executor {
 public:
  void post(Work work) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    posted_.notify_one();
  }
  TimerId run_at(Steady at, Work work) override { return timers_.add(at, std::move(work)); }
  void cancel(TimerId id) override { timers_.cancel(id); }
  const Clock& clock() const override { return time; }

  // Runs what is queued, and what that queues.
  void drain() {
    const Running running(this);
    while (auto work = take(false)) (*work)();
  }

  // Lets time pass; timers on the way run at their times.
  void advance(Duration duration) {
    const Running running(this);
    const Duration end = time.since_start + duration;
    drain();
    for (auto next = timers_.next(); next && *next <= Steady(end); next = timers_.next()) {
      time.since_start = std::max(time.since_start, next->time_since_epoch());
      while (auto timer = timers_.take_due(time.steady())) (*timer)();
      drain();
    }
    time.since_start = end;
  }

  // Runs what comes, waiting for other threads, until `done()`.
  template <class Done>
  void run_until(Done done) {
    const Running running(this);
    while (!done()) (*take(true))();
  }

  // Runs `task` to its end, waiting for other threads where it must.
  template <class T>
  T run(Task<T> task) {
    Outcome_<T> outcome;
    Scope scope(*this);
    scope.spawn(detail::store_outcome(std::move(task), &outcome));
    run_until([&] { return scope.size() == 0; });
    if (outcome.error) std::rethrow_exception(outcome.error);
    if constexpr (!std::is_void_v<T>) return std::move(*outcome.value);
  }

  ManualClock time;

 private:
  std::optional<Work> take(bool wait) {
    std::unique_lock lock(mutex_);
    if (wait) posted_.wait(lock, [this] { return !queue_.empty(); });
    if (queue_.empty()) return std::nullopt;
    Work work = std::move(queue_.front());
    queue_.pop_front();
    return work;
  }

  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Work> queue_;
  Timers timers_;
};

// The envelope of an object that has nothing but a name and a label-like text; `revision` as the server would splice it
// in.
inline std::string make_object(const std::string& name, const std::string& text, const std::string& revision = "") {
  const auto field = [](int number, const std::string& body) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    std::size_t length = body.size();
    for (; length >= 0x80; length >>= 7) out += static_cast<char>(length | 0x80);
    out += static_cast<char>(length);
    return out + body;
  };
  const std::string metadata = field(1, name) + (revision.empty() ? "" : field(6, revision)) + field(7, text);
  return std::string("k8s\0", 4) + field(1, field(1, "v1") + field(2, "ConfigMap")) + field(2, field(1, metadata)) +
         field(3, "") + field(4, "");
}

inline Transaction put(std::string key, std::string value) {
  return Transaction{{}, {Mutation{std::move(key), std::move(value)}}, "test"};
}
inline Transaction remove(std::string key) { return Transaction{{}, {Mutation{std::move(key), std::nullopt}}, "test"}; }

}  // namespace ph::apiserver::testing
