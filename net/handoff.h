// Handoff: a result that comes from another library's thread to a task that may be gone by then, with its executor.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "base/sync.h"

namespace ph::net {

// Copies share it. `set` once, from any thread; one task may `co_await get()`. When that task has been dropped, its executor
// is not touched any more.
template <class T>
class Handoff {
 public:
  void set(T value) const {
    const std::lock_guard lock(state_->mutex);
    if (state_->abandoned) return;
    state_->value.emplace(std::move(value));
    if (state_->waiting) ph::detail::resume_later(std::exchange(state_->waiting, nullptr));
  }
  auto get() const { return Awaiter(state_); }

 private:
  struct State {
    std::mutex mutex;
    std::optional<T> value;
    std::shared_ptr<ph::detail::Suspended> waiting;
    bool abandoned = false;
  };
  struct Awaiter {
    explicit Awaiter(std::shared_ptr<State> state) : state(std::move(state)) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      const std::lock_guard lock(state->mutex);
      state->abandoned = true;
      state->waiting.reset();
    }
    std::shared_ptr<State> state;
    ph::detail::Parking parking;

    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<> handle) {
      const std::lock_guard lock(state->mutex);
      if (state->value) return false;
      state->waiting = parking.park(handle);
      return true;
    }
    T await_resume() {
      const std::lock_guard lock(state->mutex);
      return std::move(*state->value);
    }
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace ph::net
