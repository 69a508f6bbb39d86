// Ends with 0 when every temporary of a co_await expression is destroyed exactly once.
#include <coroutine>
#include <cstdio>
#include <string>
#include <utility>

static int alive = 0;

struct Counted {
  std::string text = std::string(64, 'x');
  Counted() { ++alive; }
  Counted(const Counted& other) : text(other.text) { ++alive; }
  Counted(Counted&& other) noexcept : text(std::move(other.text)) { ++alive; }
  ~Counted() { --alive; }
};

struct Options {
  Counted counted;
  int number = 0;
};

struct Job {
  struct promise_type {
    std::coroutine_handle<> next = std::noop_coroutine();
    Job get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept { return self.promise().next; }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
  std::coroutine_handle<promise_type> handle;
  Job(std::coroutine_handle<promise_type> handle) : handle(handle) {}
  Job(Job&& other) noexcept : handle(std::exchange(other.handle, {})) {}
  ~Job() {
    if (handle) handle.destroy();
  }
  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    handle.promise().next = awaiting;
    return handle;
  }
  void await_resume() {}
};

Job use(Options options) {
  if (options.counted.text.size() != 64) std::puts("moved from");
  co_return;
}

template <class F>
Job call(F function) {
  function();
  co_return;
}

Job run() {
  const Counted outside;
  co_await use(Options{.counted = outside, .number = 1});
  co_await call([copy = outside] { return copy.text.size(); });
}

int main() {
  {
    Job job = run();
    job.handle.resume();
  }
  if (alive != 0) std::printf("%d temporaries too many or too few", alive);
  return alive == 0 ? 0 : 1;
}
