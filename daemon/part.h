// A component with a thread of its own: made, used and destroyed on that thread.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <type_traits>

#include "base/sync.h"
#include "daemon/program.h"

namespace ph::daemon {

// Runs `function` on `executor` and waits for its result. Not on an executor's thread.
template <class F>
auto run_on(Executor& executor, F function) -> std::invoke_result_t<F&> {
  using R = std::invoke_result_t<F&>;
  auto task = std::make_shared<std::packaged_task<R()>>(std::move(function));
  auto result = task->get_future();
  executor.post([task] { (*task)(); });
  return result.get();
}

// Runs a task on `executor` and waits for its end. `make` is called there. Not on an executor's thread. `signals`, unless null:
// one of them ends the task where it is, and Interrupted is thrown.
template <class F>
void wait_for(Executor& executor, F make, Signals* signals = nullptr) {
  std::promise<void> promise;
  auto result = promise.get_future();
  std::unique_ptr<Scope> scope;
  const auto ended = [signals] {
    if (signals) signals->wake();
  };
  executor.post([&] {
    scope = std::make_unique<Scope>(executor, [&](std::exception_ptr error) {
      promise.set_exception(std::move(error));
      ended();
    });
    scope->spawn([](F make, std::promise<void>& promise, auto ended) -> Task<void> {
      co_await make();
      promise.set_value();
      ended();
    }(std::move(make), promise, ended));
  });
  const auto clear = [&] { run_on(executor, [&] { scope.reset(); }); };
  try {
    // A wake of an earlier wait may be left over.
    while (signals && result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      if (!signals->wait_or_woken()) throw Interrupted();
    }
    result.get();
  } catch (...) {
    clear();
    throw;
  }
  clear();
}

template <class T>
class Part {
 public:
  // `make` runs on the new thread and returns a std::unique_ptr<T>; what it throws is thrown here. `metrics`: of the
  // thread's turns; may be null.
  template <class F>
  Part(const char* thread_name, const Clock& clock, F make, Metrics* metrics = nullptr) : executor_(thread_name, clock, metrics) {
    it_ = run_on(executor_, [&] { return make(static_cast<Executor&>(executor_)); });
  }
  ~Part() {
    run_on(executor_, [this] { it_.reset(); });
    executor_.stop();
  }

  Executor& executor() { return executor_; }
  T& operator*() { return *it_; }
  T* operator->() { return it_.get(); }

 private:
  ThreadExecutor executor_;
  std::unique_ptr<T> it_;
};

}  // namespace ph::daemon
