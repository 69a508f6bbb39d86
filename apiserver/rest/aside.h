// Large pure work, done where nobody waits for it.
#pragma once

#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "apiserver/rest/core.h"

namespace ph::apiserver {

// From so many bytes on: about a millisecond of work.
inline constexpr std::size_t kLarge = 64 * 1024;

namespace detail {

// Between the task that waits and the helper: what the work refers to is there as long as the work is.
struct Aside {
  std::mutex running;
  bool dropped = false;
};

struct DropAside {
  const std::shared_ptr<Aside> aside;
  ~DropAside() {
    const std::lock_guard lock(aside->running);
    aside->dropped = true;
  }
};

}  // namespace detail

// The result of `work`, or what it throws; run on the helper if `size`, of what it reads or makes, is large and there is a helper.
// `work` touches nothing but what the caller alone holds and constant data: not the caches, not the rules of a resource.
template <class F, class T = std::invoke_result_t<F&>>
  requires(!std::is_void_v<T>)
Task<T> aside(Core& core, std::size_t size, F work) {
  if (size < kLarge || core.options.helper == nullptr) co_return work();
  const Completion<T> done;
  const detail::DropAside here{std::make_shared<detail::Aside>()};
  core.options.helper->post([aside = here.aside, &work, done] {
    const std::lock_guard lock(aside->running);
    if (aside->dropped) return;
    try {
      done.set(work());
    } catch (...) {
      done.fail(std::current_exception());
    }
  });
  co_return co_await done.get();
}

template <class F>
  requires std::is_void_v<std::invoke_result_t<F&>>
Task<void> aside(Core& core, std::size_t size, F work) {
  co_await aside(core, size, [&work] {
    work();
    return true;
  });
}

}  // namespace ph::apiserver
