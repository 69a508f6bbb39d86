// Alarm: sets an event at a time, unless it is dropped before.
#pragma once

#include <optional>

#include "base/executor.h"
#include "base/sync.h"

namespace ph::scheduler {

class Alarm {
 public:
  // `at` absent: never. The event outlives it.
  Alarm(Executor& executor, std::optional<Steady> at, Event& event) : executor_(executor) {
    if (at) id_ = executor.run_at(*at, [&event] { event.set(); });
  }
  ~Alarm() {
    if (id_ != 0) executor_.cancel(id_);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  Executor& executor_;
  TimerId id_ = 0;
};

}  // namespace ph::scheduler
