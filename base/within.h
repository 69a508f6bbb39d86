// A task with a limit of time, and the timer for it.
#pragma once

#include <optional>

#include "base/sync.h"

namespace ph {

// A timer of the current executor that sets an event, unless it is dropped before.
class Alarm {
 public:
  Alarm(Duration delay, Event& event)
      : executor_(*Executor::current()), timer_(executor_.run_after(delay, [&event] { event.set(); })) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { executor_.cancel(timer_); }

 private:
  Executor& executor_;
  TimerId timer_;
};

namespace detail {

template <class T>
Task<void> store_and_tell(Task<T> task, Outcome_<T>* out, Event* ended) {
  co_await store_outcome(std::move(task), out);
  ended->set();
}

}  // namespace detail

// The result of `task`, or nothing when it has not ended within `limit`: it is dropped then. Throws what the task throws.
template <class T>
Task<std::optional<T>> within(Duration limit, Task<T> task) {
  Outcome_<T> outcome;
  Event ended;
  {
    Scope scope(*Executor::current());
    scope.spawn(detail::store_and_tell(std::move(task), &outcome, &ended));
    const Alarm alarm(limit, ended);
    co_await ended.wait();
  }
  if (outcome.error) std::rethrow_exception(outcome.error);
  co_return std::move(outcome.value);
}

// The same of a task without a result: whether it has ended in time.
inline Task<bool> within(Duration limit, Task<void> task) {
  const auto ended = co_await within(limit, [](Task<void> task) -> Task<bool> {
    co_await std::move(task);
    co_return true;
  }(std::move(task)));
  co_return ended.has_value();
}

}  // namespace ph
