// /debug/why: asks the scheduler of this process why a pod is where it is, or would be (docs/why.md). On the scheduler's secure port,
// and on the apiserver's when both run in one process.
#pragma once

#include <mutex>

#include "base/executor.h"
#include "daemon/pages.h"
#include "pilothouse/scheduler_component.h"

namespace ph::pilothouse {

// The way from where requests are answered to the scheduler's thread. Shut (503) as long as there is no scheduler at work.
class WhyDoor {
 public:
  // Threads: any.
  Task<HttpResponse> ask(const HttpRequest& request) const;

  // As long as it lives questions reach the component, which must outlive it.
  class Open {
   public:
    Open(WhyDoor& door, Executor& executor, SchedulerComponent& component) : door_(door) { door_.attach(&executor, &component); }
    ~Open() { door_.attach(nullptr, nullptr); }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

   private:
    WhyDoor& door_;
  };

 private:
  void attach(Executor* executor, SchedulerComponent* component);

  mutable std::mutex mutex_;
  Executor* executor_ = nullptr;             // guarded
  SchedulerComponent* component_ = nullptr;  // guarded; used on the executor only
};

// The door outlives it.
daemon::Page why_page(const WhyDoor& door);

}  // namespace ph::pilothouse
