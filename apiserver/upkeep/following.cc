#include "api/errors.h"
#include "apiserver/upkeep/upkeep.h"

namespace ph::apiserver {
namespace {

constexpr Duration kRetry = 1s;

}  // namespace

Task<void> notice_changes(Core& core, Served& served, Event& changed) {
  for (;;) {
    const auto watch = served.cache->watch(served.cache->revision());
    changed.set();
    while (watch && co_await watch->next(core.executor.clock().steady() + 24h)) changed.set();
    if (!core.ready()) co_return;
    co_await yield();
  }
}

Task<void> keep_right(Core& core, Event& changed, const char* what, std::function<Task<void>()> put_right) {
  for (;;) {
    changed.reset();
    bool again = false;
    try {
      co_await put_right();
    } catch (const api::ApiError& error) {
      core.log.debug("something waits to be put right", "what", what, "error", error.what());
      again = true;
    }
    if (again) co_await sleep_for(kRetry);
    else co_await changed.wait();
  }
}

}  // namespace ph::apiserver
