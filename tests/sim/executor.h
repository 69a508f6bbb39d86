// The simulation's executor: one thread, virtual time. Everything a simulated cluster does is a turn of this queue.
#pragma once

#include <algorithm>
#include <deque>
#include <utility>

#include "base/timers.h"

namespace ph::sim {

// Steady time and wall time move together, unless the wall clock is made to jump.
class SimClock final : public Clock {
 public:
  Time now() const override { return Time(kStart.time_since_epoch() + passed_ + jumped_); }
  Steady steady() const override { return Steady(passed_); }
  void jump(Duration by) {
    furthest_ = std::max(furthest_, now());
    jumped_ += by;
  }
  // How far the wall clock is behind the latest time it has ever shown.
  Duration behind() const { return std::max(Duration::zero(), furthest_ - now()); }

  // When every simulation begins: 2026-01-01T00:00:00Z.
  static constexpr Time kStart{Duration(std::chrono::seconds(1767225600))};

 private:
  friend class SimExecutor;
  Duration passed_{0}, jumped_{0};
  Time furthest_ = kStart;
};

class SimExecutor final : public Executor {
 public:
  void post(Work work) override { queue_.push_back(std::move(work)); }
  // Before all that is posted: for what must happen at this very point.
  void post_front(Work work) { queue_.push_front(std::move(work)); }
  TimerId run_at(Steady at, Work work) override { return timers_.add(at, std::move(work)); }
  void cancel(TimerId id) override { timers_.cancel(id); }
  const Clock& clock() const override { return clock_; }
  SimClock& sim_clock() { return clock_; }

  // Runs all that is posted, and what that posts, without time passing.
  void drain() {
    const Running running(this);
    while (turn()) continue;
  }
  // The same until `done`, and no further.
  template <class Done>
  void drain_until(const Done& done) {
    const Running running(this);
    while (!done() && turn()) continue;
  }

  // Lets time pass: stops at every timer on the way and drains all work after it.
  void advance(Duration by) {
    const Steady end = clock_.steady() + by;
    drain();
    while (const auto next = timers_.next()) {
      if (*next > end) break;
      clock_.passed_ = next->time_since_epoch();
      drain();
    }
    clock_.passed_ = end.time_since_epoch();
  }

  std::optional<Steady> next_timer() const { return timers_.next(); }
  std::uint64_t turns() const { return turns_; }

  // Drops what is queued, as the end of a process would. Destructors may post again: dropped too.
  void clear() {
    const Running running(this);
    while (!queue_.empty()) {
      const Work work = std::move(queue_.front());
      queue_.pop_front();
    }
  }

 private:
  // False: nothing is to be done now.
  bool turn() {
    Work work;
    if (!queue_.empty()) {
      work = std::move(queue_.front());
      queue_.pop_front();
    } else {
      auto due = timers_.take_due(clock_.steady());
      if (!due) return false;
      work = std::move(*due);
    }
    work();
    ++turns_;
    return true;
  }

  SimClock clock_;
  std::deque<Work> queue_;
  Timers timers_;
  std::uint64_t turns_ = 0;
};

}  // namespace ph::sim
