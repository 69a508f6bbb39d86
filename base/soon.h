// Soon<T>: a result that is there already, or the task that brings it. For what could wait and hardly ever does.
//
// What is there costs no coroutine: `co_await` goes on at once, and callers that are no coroutines look at `ready`. What is wrong is
// thrown by the function that would have returned the result, or by the await. A task in it starts when it is awaited; it belongs to
// whoever holds the Soon, and dropping that cancels it. Awaited or taken once.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "base/task.h"

namespace ph {

template <class T = void>
class [[nodiscard]] Soon {
 public:
  template <class U = T>
    requires std::is_convertible_v<U&&, T>
  Soon(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Soon(Task<T> task) : state_(std::in_place_index<1>, std::move(task)) {}

  bool ready() const { return state_.index() == 0; }
  // What is there. Only when it is ready.
  T take() {
    PH_ASSERT(ready());
    return std::move(std::get<0>(state_));
  }

  struct Awaiter {
    Soon& soon;
    bool await_ready() const { return soon.ready(); }
    auto await_suspend(std::coroutine_handle<> awaiting) {
      return std::get<1>(soon.state_).operator co_await().await_suspend(awaiting);
    }
    T await_resume() { return soon.ready() ? soon.take() : std::get<1>(soon.state_).operator co_await().await_resume(); }
  };
  // The Soon must outlive the await, as a temporary in the expression does.
  Awaiter operator co_await() { return {*this}; }

 private:
  std::variant<T, Task<T>> state_;
};

template <>
class [[nodiscard]] Soon<void> {
 public:
  Soon() = default;  // done
  Soon(Task<void> task) : task_(std::move(task)) {}

  bool ready() const { return !task_; }

  struct Awaiter {
    Soon& soon;
    bool await_ready() const { return soon.ready(); }
    auto await_suspend(std::coroutine_handle<> awaiting) { return soon.task_.operator co_await().await_suspend(awaiting); }
    void await_resume() {
      if (!soon.ready()) soon.task_.operator co_await().await_resume();
    }
  };
  Awaiter operator co_await() { return {*this}; }

 private:
  Task<void> task_;
};

namespace detail {

template <class T>
struct Awaited {
  using type = T;
  static constexpr bool soon = false;
};
template <class T>
struct Awaited<Soon<T>> {
  using type = T;
  static constexpr bool soon = true;
};

template <class T, class F>
struct Next {
  using Result = std::invoke_result_t<F&, T>;
};
template <class F>
struct Next<void, F> {
  using Result = std::invoke_result_t<F&>;
};

// `first` is ready, or has been awaited.
template <class F>
auto go_on(Soon<void>&, F& next) {
  return next();
}
template <class T, class F>
auto go_on(Soon<T>& first, F& next) {
  return next(first.take());
}

template <class U, class T, class F>
Task<U> then_later(Soon<T> first, F next) {
  using Result = typename Next<T, F>::Result;
  if constexpr (std::is_void_v<T>) {
    co_await first;
  } else {
    Soon<T> brought(co_await first);
    first = std::move(brought);
  }
  if constexpr (Awaited<Result>::soon) {
    co_return co_await go_on(first, next);
  } else {
    co_return go_on(first, next);
  }
}

}  // namespace detail

// What `next` makes of the result of `first`: at once when that is ready. `next` may return a Soon itself; what it refers to outlives
// the wait.
template <class T, class F, class U = typename detail::Awaited<typename detail::Next<T, F>::Result>::type>
Soon<U> then(Soon<T> first, F next) {
  if (!first.ready()) return detail::then_later<U>(std::move(first), std::move(next));
  using Result = typename detail::Next<T, F>::Result;
  if constexpr (std::is_void_v<Result>) {
    detail::go_on(first, next);
    return {};
  } else {
    return detail::go_on(first, next);
  }
}

}  // namespace ph
