#include "base/sync.h"

#include <cstdio>

namespace ph {
namespace {

// The outermost frame of a spawned task: it starts suspended, and its owner destroys it.
struct Root {
  struct promise_type {
    Root get_return_object() { return Root{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

}  // namespace

struct Scope::Impl : std::enable_shared_from_this<Impl> {
  Impl(Executor& executor, OnError on_error) : executor(executor), on_error(std::move(on_error)) {}

  using Roots = std::list<std::coroutine_handle<Root::promise_type>>;

  static Root run(Task<void> task, std::weak_ptr<Impl> owner, Roots::iterator self) {
    std::exception_ptr error;
    try {
      co_await task;
    } catch (...) {
      error = std::current_exception();
    }
    // The frame cannot destroy itself while it runs: the scope does it in a later turn.
    if (auto scope = owner.lock()) scope->ended(self, std::move(error));
  }

  void ended(Roots::iterator self, std::exception_ptr error) {
    executor.post([weak = weak_from_this(), self, generation = generation] {
      const auto scope = weak.lock();
      if (!scope || scope->generation != generation) return;
      self->destroy();
      scope->roots.erase(self);
      if (scope->roots.empty()) scope->idle.set();
    });
    if (!error) return;
    if (!on_error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& e) {
        std::fprintf(stderr, "a task ended with an exception nobody handles: %s\n", e.what());
      } catch (...) {
      }
      std::terminate();
    }
    on_error(std::move(error));
  }

  void cancel() {
    ++generation;
    // Destructors of the frames may look at the scope: take the list first.
    for (auto handle : std::exchange(roots, {})) handle.destroy();
    if (roots.empty()) idle.set();
  }

  Executor& executor;
  OnError on_error;
  Roots roots;
  Event idle;
  std::uint64_t generation = 0;
};

Scope::Scope(Executor& executor, OnError on_error) : impl_(std::make_shared<Impl>(executor, std::move(on_error))) {
  impl_->idle.set();
}
Scope::~Scope() { impl_->cancel(); }

void Scope::spawn(Task<void> task) {
  impl_->idle.reset();
  const auto self = impl_->roots.emplace(impl_->roots.end());
  *self = Impl::run(std::move(task), impl_, self).handle;
  impl_->executor.post([weak = std::weak_ptr(impl_), self, generation = impl_->generation] {
    const auto scope = weak.lock();
    if (scope && scope->generation == generation) self->resume();
  });
}

Task<void> Scope::join() {
  // The scope may be destroyed before a joiner's turn comes.
  const std::shared_ptr<Impl> impl = impl_;
  while (!impl->roots.empty()) co_await impl->idle.wait();
}

void Scope::cancel() { impl_->cancel(); }
std::size_t Scope::size() const { return impl_->roots.size(); }
Executor& Scope::executor() const { return impl_->executor; }

}  // namespace ph
