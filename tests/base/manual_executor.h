// An executor that runs only when told to, on a clock that moves only when told to.
#pragma once

#include <deque>
#include <utility>

#include "base/timers.h"

namespace ph::testing {

class ManualClock final : public Clock {
 public:
  Time now() const override { return Time(since_start_); }
  Steady steady() const override { return Steady(since_start_); }
  void advance(Duration by) { since_start_ += by; }

 private:
  Duration since_start_{0};
};

class ManualExecutor final : public Executor {
 public:
  explicit ManualExecutor(const Clock& clock) : clock_(clock) {}

  void post(Work work) override { queue_.push_back(std::move(work)); }
  TimerId run_at(Steady at, Work work) override { return timers_.add(at, std::move(work)); }
  void cancel(TimerId id) override { timers_.cancel(id); }
  const Clock& clock() const override { return clock_; }

  // Runs all that is posted or due, and what that brings; the number of works run.
  int drain() {
    const Running running(this);
    for (int count = 0;; ++count) {
      if (!queue_.empty()) {
        Work work = std::move(queue_.front());
        queue_.pop_front();
        work();
      } else if (auto timer = timers_.take_due(clock_.steady())) {
        (*timer)();
      } else {
        return count;
      }
    }
  }
  std::size_t timers() const { return timers_.size(); }

  // Drops what is queued, as the end of a process would.
  void clear() {
    const Running running(this);
    while (!queue_.empty()) {
      const Work work = std::move(queue_.front());
      queue_.pop_front();
    }
  }

 private:
  const Clock& clock_;
  std::deque<Work> queue_;
  Timers timers_;
};

}  // namespace ph::testing
