// What tasks wait for: events, channels, sleeps, results from another thread, and the scopes that own running tasks.
//
// Unless said otherwise everything here belongs to one executor and is used only from its work. A waiting task is resumed
// by a post to the executor on which its wait began, never inline, and may be destroyed while it waits.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/executor.h"
#include "base/task.h"

namespace ph {

namespace detail {

// A suspended coroutine that is resumed at most once, unless its frame is destroyed first.
struct Suspended {
  std::coroutine_handle<> handle;
  Executor* executor = nullptr;
};

// The half of an awaiter that can be resumed later; destroying it (with its frame) withdraws the wait.
class Parking {
 public:
  Parking() = default;
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;
  ~Parking() {
    if (state_) state_->handle = nullptr;
  }

  std::shared_ptr<Suspended> park(std::coroutine_handle<> handle) {
    PH_ASSERT(Executor::current() != nullptr);
    state_ = std::make_shared<Suspended>(Suspended{handle, Executor::current()});
    return state_;
  }

 private:
  std::shared_ptr<Suspended> state_;
};

// Resumes on the executor of the wait. Threads: any.
inline void resume_later(std::shared_ptr<Suspended> waiting) {
  Executor* executor = waiting->executor;
  executor->post([waiting = std::move(waiting)] {
    if (auto handle = std::exchange(waiting->handle, nullptr)) handle.resume();
  });
}

}  // namespace detail

// Something that happens once, or again and again: `set` wakes all who wait, and those who come later do not wait until
// `reset`.
class Event {
 public:
  bool is_set() const { return set_; }
  void set() {
    set_ = true;
    for (auto& waiting : std::exchange(waiting_, {})) detail::resume_later(std::move(waiting));
  }
  void reset() { set_ = false; }

  auto wait() { return Awaiter(this); }

 private:
  struct Awaiter {
    explicit Awaiter(Event* event) : event(event) {}
    Event* event;
    detail::Parking parking;
    bool await_ready() const { return event->set_; }
    void await_suspend(std::coroutine_handle<> handle) { event->add(parking.park(handle)); }
    void await_resume() const {}
  };

  // Waits that were withdrawn leave an entry behind; they are swept out whenever the list would double.
  void add(std::shared_ptr<detail::Suspended> waiting) {
    if (waiting_.size() >= sweep_at_) {
      std::erase_if(waiting_, [](const auto& entry) { return entry->handle == nullptr; });
      sweep_at_ = std::max<std::size_t>(8, 2 * waiting_.size());
    }
    waiting_.push_back(std::move(waiting));
  }

  bool set_ = false;
  std::size_t sweep_at_ = 8;
  std::vector<std::shared_ptr<detail::Suspended>> waiting_;
};

// A queue between tasks of one executor, without bound. After `close`, `next` hands out what is left and then nothing.
template <class T>
class Channel {
 public:
  void push(T item) {
    PH_ASSERT(!closed_);
    items_.push_back(std::move(item));
    changed_.set();
  }
  void close() {
    closed_ = true;
    changed_.set();
  }
  bool closed() const { return closed_; }
  std::size_t size() const { return items_.size(); }

  // The next item; empty when the channel is closed and drained.
  Task<std::optional<T>> next() {
    for (;;) {
      if (!items_.empty()) {
        T item = std::move(items_.front());
        items_.pop_front();
        co_return std::optional<T>(std::move(item));
      }
      if (closed_) co_return std::nullopt;
      changed_.reset();
      co_await changed_.wait();
    }
  }

 private:
  std::deque<T> items_;
  bool closed_ = false;
  Event changed_;
};

// Asks tasks to end. Whoever may wait long takes a Stop and looks at it.
class Stop {
 public:
  bool requested() const { return event_.is_set(); }
  void request() {
    if (requested()) return;
    event_.set();
    // A callback may drop the registration of another: take them one at a time.
    while (!callbacks_.empty()) {
      const auto callback = std::move(callbacks_.front().second);
      callbacks_.erase(callbacks_.begin());
      callback();
    }
  }
  auto wait() { return event_.wait(); }

  // Runs `callback` inline when the stop is requested (at once if it has been), unless the registration is dropped first.
  class Registration {
   public:
    Registration() = default;
    Registration(Stop* stop, std::uint64_t id) : stop_(stop), id_(id) {}
    Registration(Registration&& other) noexcept : stop_(std::exchange(other.stop_, nullptr)), id_(other.id_) {}
    Registration& operator=(Registration&& other) noexcept {
      drop();
      stop_ = std::exchange(other.stop_, nullptr);
      id_ = other.id_;
      return *this;
    }
    ~Registration() { drop(); }

   private:
    void drop() {
      if (stop_) std::erase_if(stop_->callbacks_, [this](const auto& entry) { return entry.first == id_; });
      stop_ = nullptr;
    }
    Stop* stop_ = nullptr;
    std::uint64_t id_ = 0;
  };
  Registration on_request(std::function<void()> callback) {
    if (requested()) {
      callback();
      return {};
    }
    callbacks_.emplace_back(++last_, std::move(callback));
    return Registration(this, last_);
  }

 private:
  Event event_;
  std::uint64_t last_ = 0;
  std::vector<std::pair<std::uint64_t, std::function<void()>>> callbacks_;
};

// Suspends for `delay` of the current executor's steady time (not at all when it is zero or less).
class Sleep {
 public:
  explicit Sleep(Duration delay) : delay_(delay) {}
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;
  ~Sleep() {
    if (executor_) executor_->cancel(timer_);
  }
  bool await_ready() const { return delay_ <= Duration::zero(); }
  void await_suspend(std::coroutine_handle<> handle) {
    executor_ = Executor::current();
    PH_ASSERT(executor_ != nullptr);
    timer_ = executor_->run_after(delay_, [this, handle] {
      executor_ = nullptr;
      handle.resume();
    });
  }
  void await_resume() const {}

 private:
  Duration delay_;
  Executor* executor_ = nullptr;
  TimerId timer_ = 0;
};

inline Sleep sleep_for(Duration delay) { return Sleep(delay); }

// Goes to the back of the current executor's queue: long turns yield so that others get theirs.
class Yield {
 public:
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { detail::resume_later(parking_.park(handle)); }
  void await_resume() const {}

 private:
  detail::Parking parking_;
};
inline Yield yield() { return {}; }

// One result that is made elsewhere, maybe on another thread. Copies share it. `set` or `fail` once, from any thread;
// one task may `co_await get()`, which throws what `fail` was given.
template <class T>
class Completion {
 public:
  Completion() : state_(std::make_shared<State>()) {}

  void set(T value) const {
    finish([&](State& state) { state.value.emplace(std::move(value)); });
  }
  void fail(std::exception_ptr error) const {
    finish([&](State& state) { state.error = std::move(error); });
  }

  auto get() const { return Awaiter(state_); }

 private:
  struct State {
    std::mutex mutex;
    std::optional<T> value;
    std::exception_ptr error;
    std::shared_ptr<detail::Suspended> waiting;
    bool done() const { return value.has_value() || error; }
  };

  // Posts under the lock: a waiter that is dropped has either been posted to, or never will be. Its executor may end right
  // after it.
  template <class F>
  void finish(F store) const {
    const std::lock_guard lock(state_->mutex);
    PH_ASSERT(!state_->done());
    store(*state_);
    if (state_->waiting) detail::resume_later(std::exchange(state_->waiting, nullptr));
  }

  struct Awaiter {
    explicit Awaiter(std::shared_ptr<State> state) : state(std::move(state)) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      const std::lock_guard lock(state->mutex);
      state->waiting = nullptr;
    }
    std::shared_ptr<State> state;
    detail::Parking parking;
    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<> handle) {
      const std::lock_guard lock(state->mutex);
      if (state->done()) return false;
      state->waiting = parking.park(handle);
      return true;
    }
    T await_resume() {
      const std::lock_guard lock(state->mutex);
      if (state->error) std::rethrow_exception(state->error);
      return std::move(*state->value);
    }
  };

  std::shared_ptr<State> state_;
};

// Owns running tasks. Destroying a scope destroys them where they are suspended; `join` waits until all have ended.
// An exception that leaves a spawned task is handed to the scope's error handler, or ends the process when there is none.
class Scope {
 public:
  using OnError = std::function<void(std::exception_ptr)>;

  explicit Scope(Executor& executor, OnError on_error = {});
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Starts `task` by a post. Threads: the executor's, or any before the executor runs.
  void spawn(Task<void> task);
  // Waits until no task is left.
  Task<void> join();
  // Destroys all tasks where they are.
  void cancel();
  std::size_t size() const;
  Executor& executor() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// What became of one of several tasks: its value, or its exception.
template <class T>
struct Outcome_ {
  std::optional<T> value;
  std::exception_ptr error;
};
template <>
struct Outcome_<void> {
  std::exception_ptr error;
};

namespace detail {
template <class T>
Task<void> store_outcome(Task<T> task, Outcome_<T>* out) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await task;
    } else {
      out->value.emplace(co_await task);
    }
  } catch (...) {
    out->error = std::current_exception();
  }
}
}  // namespace detail

// Runs tasks side by side on the current executor and waits for all; the results stand in the order of the tasks.
template <class T>
Task<std::vector<Outcome_<T>>> all(std::vector<Task<T>> tasks) {
  std::vector<Outcome_<T>> results(tasks.size());
  Scope scope(*Executor::current());
  for (std::size_t i = 0; i < tasks.size(); ++i) scope.spawn(detail::store_outcome(std::move(tasks[i]), &results[i]));
  co_await scope.join();
  co_return results;
}

}  // namespace ph
