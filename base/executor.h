// Where code runs. An executor runs posted work one piece at a time, in order: what belongs to one executor needs no locks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/time.h"

namespace ph {

class Metrics;  // base/metrics.h

using Work = std::move_only_function<void()>;

// Identifies a timer of one executor; 0 is never handed out.
using TimerId = std::uint64_t;

class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `work` soon, after all that was posted before. Never inline. Threads: any.
  virtual void post(Work work) = 0;

  // Runs `work` when `clock().steady()` has reached `at`. Timers due at the same time run in the order they were made.
  // Threads: only from work of this executor, or before it runs.
  virtual TimerId run_at(Steady at, Work work) = 0;

  // Forgets a timer; one that has run or is unknown is ignored. Threads: as run_at.
  virtual void cancel(TimerId id) = 0;

  // Threads: any.
  virtual const Clock& clock() const = 0;

  // The executor whose work is running on this thread, or null.
  static Executor* current();

  TimerId run_after(Duration delay, Work work) { return run_at(clock().steady() + delay, std::move(work)); }

 protected:
  // Implementations hold one of these while they run work.
  class Running {
   public:
    explicit Running(Executor* executor);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Executor* before_;
  };
};

// An executor on a thread of its own, started by the constructor and joined by the destructor; work that is still
// queued then, or posted later, is dropped unrun: destroyed on the stopping or posting thread.
class ThreadExecutor final : public Executor {
 public:
  // `name` shows in debuggers and metrics; at most 15 characters. `clock` and `metrics` must outlive the executor;
  // `metrics` may be null.
  ThreadExecutor(const char* name, const Clock& clock, Metrics* metrics = nullptr);
  ~ThreadExecutor() override;

  void post(Work work) override;
  TimerId run_at(Steady at, Work work) override;
  void cancel(TimerId id) override;
  const Clock& clock() const override;

  // Ends the thread after the work that is running; idempotent. Threads: any but its own.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph
