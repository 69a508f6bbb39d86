#include "base/executor.h"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/timers.h"

namespace ph {
namespace {
thread_local Executor* g_current = nullptr;
}

Executor* Executor::current() { return g_current; }

Executor::Running::Running(Executor* executor) : before_(std::exchange(g_current, executor)) {}
Executor::Running::~Running() { g_current = before_; }

struct ThreadExecutor::Impl {
  Impl(ThreadExecutor* owner, const char* name, const Clock& clock) : clock(clock) {
    thread = std::thread([this, owner] { run(owner); });
    pthread_setname_np(thread.native_handle(), name);
  }

  void run(ThreadExecutor* owner) {
    const Running running(owner);
    std::deque<Work> batch;
    while (wait_for_work(batch)) {
      for (Work& work : batch) {
        if (stopping.load(std::memory_order_relaxed)) break;
        work();
      }
      batch.clear();
      // One due timer between two looks at the queue: neither may starve the other.
      if (auto timer = timers.take_due(clock.steady())) (*timer)();
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
  std::thread thread;
};

ThreadExecutor::ThreadExecutor(const char* name, const Clock& clock) : impl_(std::make_unique<Impl>(this, name, clock)) {}

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
