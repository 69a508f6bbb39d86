#include "base/executor.h"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/metrics.h"
#include "base/timers.h"

namespace ph {
namespace {

thread_local Executor* g_current = nullptr;

struct ExecutorMetrics {
  Metrics* in = nullptr;

  Family<Histogram> turns{in,
                          {Stability::Alpha,
                           "pilothouse_executor_turn_duration_seconds",
                           "How long turns took: whatever runs on a thread without giving way to others.",
                           {"executor"},
                           exponential_buckets(0.000001, 4, 12)}};
  Family<Gauge> longest{
      in, {Stability::Alpha, "pilothouse_executor_longest_turn_seconds", "The longest turn since the start.", {"executor"}}};
};

// Measures the turns of one thread, one after the other.
class Turns {
 public:
  Turns(const ExecutorMetrics& metrics, const char* name, const Clock& clock)
      : turns_(metrics.turns.with({name})), longest_(metrics.longest.with({name})), clock_(clock) {}

  // A turn begins after a pause.
  void begin() {
    if (turns_) begun_ = clock_.steady();
  }
  // It has ended, and another one begins.
  void next() {
    if (!turns_) return;
    const Steady now = clock_.steady();
    const Duration took = now - std::exchange(begun_, now);
    turns_.observe(took);
    if (took <= most_) return;
    most_ = took;
    longest_.set(std::chrono::duration<double>(took).count());
  }

 private:
  const Histogram turns_;
  const Gauge longest_;
  const Clock& clock_;
  Steady begun_{};
  Duration most_{};
};

}  // namespace

Executor* Executor::current() { return g_current; }

Executor::Running::Running(Executor* executor) : before_(std::exchange(g_current, executor)) {}
Executor::Running::~Running() { g_current = before_; }

struct ThreadExecutor::Impl {
  Impl(ThreadExecutor* owner, const char* name, const Clock& clock, Metrics* metrics)
      : clock(clock), turns(ExecutorMetrics{metrics}, name, clock) {
    thread = std::thread([this, owner] { run(owner); });
    pthread_setname_np(thread.native_handle(), name);
  }

  void run(ThreadExecutor* owner) {
    const Running running(owner);
    std::deque<Work> batch;
    while (wait_for_work(batch)) {
      turns.begin();
      for (Work& work : batch) {
        if (stopping.load(std::memory_order_relaxed)) break;
        work();
        turns.next();
      }
      batch.clear();
      // One due timer between two looks at the queue: neither may starve the other.
      if (auto timer = timers.take_due(clock.steady())) {
        (*timer)();
        turns.next();
      }
    }
  }

  // Takes all that is queued into `batch`; false when it is time to end.
  bool wait_for_work(std::deque<Work>& batch) {
    std::unique_lock lock(mutex);
    for (;;) {
      if (stopping) return false;
      if (!queue.empty()) {
        batch.swap(queue);
        return true;
      }
      const auto next = timers.next();
      if (!next) {
        wake.wait(lock);
        continue;
      }
      const Duration wait = *next - clock.steady();
      if (wait <= Duration::zero()) return true;
      wake.wait_for(lock, wait);
    }
  }

  // Destroys what will never run, as if on the executor. Such destructors may post or cancel, so nothing is destroyed
  // inside a container.
  void drop_all(ThreadExecutor* owner) {
    const Running running(owner);
    for (;;) {
      std::deque<Work> left;
      {
        const std::lock_guard lock(mutex);
        left.swap(queue);
      }
      const auto timer = timers.take_due(Steady::max());
      if (left.empty() && !timer) return;
    }
  }

  const Clock& clock;
  std::mutex mutex;  // guards `queue` and the writing of `stopping`; the rest belongs to the thread
  std::condition_variable wake;
  std::deque<Work> queue;
  std::atomic<bool> stopping = false;
  Timers timers;
  Turns turns;
  std::thread thread;
};

ThreadExecutor::ThreadExecutor(const char* name, const Clock& clock, Metrics* metrics)
    : impl_(std::make_unique<Impl>(this, name, clock, metrics)) {}

ThreadExecutor::~ThreadExecutor() { stop(); }

void ThreadExecutor::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  if (!impl_->thread.joinable()) return;
  impl_->thread.join();
  impl_->drop_all(this);
}

void ThreadExecutor::post(Work work) {
  bool was_empty;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping) return;
    was_empty = impl_->queue.empty();
    impl_->queue.push_back(std::move(work));
  }
  if (was_empty) impl_->wake.notify_one();
}

TimerId ThreadExecutor::run_at(Steady at, Work work) { return impl_->timers.add(at, std::move(work)); }
void ThreadExecutor::cancel(TimerId id) { impl_->timers.cancel(id); }
const Clock& ThreadExecutor::clock() const { return impl_->clock; }

}  // namespace ph
