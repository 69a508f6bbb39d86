// Waits of a plain thread for what happens on executors.
#pragma once

#include <future>
#include <memory>

#include "base/sync.h"

namespace ph::testing {

// Runs `work` on `executor` and returns its result.
template <class F>
auto call_on(Executor& executor, F work) {
  std::promise<decltype(work())> done;
  executor.post([&] {
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      done.set_value();
    } else {
      done.set_value(work());
    }
  });
  return done.get_future().get();
}

namespace detail {
template <class T>
Task<void> fulfil(Task<T> task, std::promise<T>* done) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await task;
      done->set_value();
    } else {
      done->set_value(co_await task);
    }
  } catch (...) {
    done->set_exception(std::current_exception());
  }
}
}  // namespace detail

// Runs `task` on `executor` to its end; throws what it throws. All of it is gone when this returns.
template <class T>
T run_on(Executor& executor, Task<T> task) {
  auto done = std::make_unique<std::promise<T>>();
  auto scope = std::make_unique<Scope>(executor);
  executor.post([&] { scope->spawn(detail::fulfil(std::move(task), done.get())); });
  auto result = done->get_future();
  result.wait();
  call_on(executor, [&] { scope.reset(); });
  return result.get();
}

}  // namespace ph::testing
