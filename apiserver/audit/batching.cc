#include "apiserver/audit/batching.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <mutex>

#include "base/sync.h"
#include "base/within.h"

namespace ph::apiserver::audit {
namespace {

// Between the threads that bring events and the executor. What is posted may outlive the backend.
struct Queue {
  std::mutex mutex;
  std::deque<EventRef> waiting;  // guarded
  std::size_t lost = 0;          // guarded: since it was told last
  bool told = false;             // guarded: the executor knows, or will, that something has come
  ph::Event come;                // the executor's
};

class Batching final : public Backend {
 public:
  Batching(Executor& executor, BatchOptions options, HandOn next, HandLast last, bool at_once, Log log)
      : executor_(executor),
        options_(options),
        next_(std::move(next)),
        last_(std::move(last)),
        at_once_(at_once),
        log_(std::move(log)),
        tokens_(options.burst),
        counted_at_(executor.clock().steady()),
        scope_(executor) {
    scope_.spawn(run());
  }
  ~Batching() override {
    scope_.cancel();
    Events left;
    {
      const std::lock_guard lock(queue_->mutex);
      std::ranges::move(queue_->waiting, std::back_inserter(left));
    }
    if (last_ && !left.empty()) last_(std::move(left));
  }

  bool take(const EventRef& event) override {
    {
      const std::lock_guard lock(queue_->mutex);
      if (queue_->waiting.size() >= options_.buffer) {
        ++queue_->lost;
        options_.errors.add();
        return true;
      }
      queue_->waiting.push_back(event);
      if (queue_->told) return true;
      queue_->told = true;
    }
    executor_.post([queue = queue_] { queue->come.set(); });
    return true;
  }

 private:
  Task<void> run() {
    for (;;) {
      queue_->come.reset();
      if (look() == 0) {
        co_await queue_->come.wait();
        continue;
      }
      co_await fill();
      co_await take_turn();
      Events batch = take_batch();
      if (at_once_) scope_.spawn(next_(std::move(batch)));
      else co_await next_(std::move(batch));
    }
  }

  // How many wait. The executor is told again of whatever comes from now on.
  std::size_t look() {
    std::size_t lost = 0, size = 0;
    {
      const std::lock_guard lock(queue_->mutex);
      queue_->told = false;
      size = queue_->waiting.size();
      lost = std::exchange(queue_->lost, 0);
    }
    if (lost > 0) log_.error("audit events are lost: those before them have not been handed on yet", "events", lost);
    return size;
  }

  Task<void> come() { co_await queue_->come.wait(); }

  // Until there is a whole batch, or its first event has waited long enough.
  Task<void> fill() {
    const Clock& clock = executor_.clock();
    const Steady end = clock.steady() + options_.wait_max;
    for (;;) {
      queue_->come.reset();
      if (look() >= options_.batch_max) co_return;
      const Duration left = end - clock.steady();
      if (left <= Duration::zero()) co_return;
      co_await within(left, come());
    }
  }

  // A token bucket.
  Task<void> take_turn() {
    if (!options_.throttled || options_.per_second <= 0) co_return;
    for (;;) {
      const Steady now = executor_.clock().steady();
      const double since = std::chrono::duration<double>(now - std::exchange(counted_at_, now)).count();
      tokens_ = std::min<double>(std::max(options_.burst, 1), tokens_ + since * options_.per_second);
      if (tokens_ >= 1) break;
      const std::chrono::duration<double> until((1 - tokens_) / options_.per_second);
      co_await sleep_for(std::chrono::ceil<std::chrono::milliseconds>(until));
    }
    tokens_ -= 1;
  }

  Events take_batch() {
    const std::lock_guard lock(queue_->mutex);
    const auto end = queue_->waiting.begin() + static_cast<std::ptrdiff_t>(std::min(queue_->waiting.size(), options_.batch_max));
    Events batch(std::move_iterator(queue_->waiting.begin()), std::move_iterator(end));
    queue_->waiting.erase(queue_->waiting.begin(), end);
    return batch;
  }

  Executor& executor_;
  const BatchOptions options_;
  const HandOn next_;
  const HandLast last_;
  const bool at_once_;
  const Log log_;
  const std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
  double tokens_;
  Steady counted_at_;
  Scope scope_;
};

Task<void> take_all(std::shared_ptr<Backend> to, Events events) {
  for (const EventRef& event : events) (void)to->take(event);
  co_return;
}

}  // namespace

std::unique_ptr<Backend> batched(Executor& executor, BatchOptions options, std::unique_ptr<Backend> backend, Log log) {
  const std::shared_ptr<Backend> to = std::move(backend);
  const HandLast last = [to](const Events& events) {
    for (const EventRef& event : events) (void)to->take(event);
  };
  return batching(
      executor, options, [to](Events events) { return take_all(to, std::move(events)); }, last, false, std::move(log));
}

std::unique_ptr<Backend> batching(Executor& executor, BatchOptions options, HandOn next, HandLast last, bool at_once, Log log) {
  return std::make_unique<Batching>(executor, options, std::move(next), std::move(last), at_once, std::move(log));
}

}  // namespace ph::apiserver::audit
