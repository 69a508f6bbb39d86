// Events in batches: taken at once wherever they happen, and handed on later on an executor of their own.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "apiserver/audit/backend.h"
#include "base/executor.h"
#include "base/task.h"

namespace ph::apiserver::audit {

struct BatchOptions {
  std::size_t buffer = 10000;  // events that wait; those that come when it is full are lost
  std::size_t batch_max = 400;
  Duration wait_max = std::chrono::seconds(30);  // how long a batch waits for more; zero: not at all
  // How many batches a second, and how many at once after a pause.
  bool throttled = true;
  double per_second = 10;
  int burst = 15;
  Counter errors = {};  // events that were lost
};

using Events = std::vector<EventRef>;

// Hands a batch on; whatever goes wrong is its own to tell. Runs on the executor.
using HandOn = std::function<Task<void>(Events)>;
// The same at the end, for what is left, without waiting for anything.
using HandLast = std::function<void(Events)>;

// `at_once`: the next batch need not wait until the last one has been handed on. Made and destroyed on `executor`, or while that does not
// run; then what is left goes to `last`, unless that is null.
std::unique_ptr<Backend> batching(Executor& executor, BatchOptions options, HandOn next, HandLast last, bool at_once, Log log);

// Events go on to `to` one by one; what is left at the end does, too.
std::unique_ptr<Backend> batched(Executor& executor, BatchOptions options, std::unique_ptr<Backend> to, Log log);

}  // namespace ph::apiserver::audit
