// Handle: what a running scheduler does for its plugins. Belongs to the scheduler's executor.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "informers/recorder.h"
#include "scheduler/framework/plugin.h"
#include "scheduler/queue/nominator.h"

namespace ph::scheduler {

class Extender;

class Handle {
 public:
  virtual ~Handle() = default;
  // Runs beside the cycles until it ends, or the scheduler does. What it throws is logged.
  virtual void spawn(Task<void> work) = 0;
  // Which pods are expected where although they are not assigned there.
  virtual const Nominator& nominated() const = 0;
  // Takes back the nomination of a pod that waits, here and, soon, in the API.
  virtual void clear_nomination(const PodRef& pod) = 0;
  // Whether a pod is there, as far as has been heard.
  virtual bool is_there(const ObjectKey& key, std::string_view uid) = 0;
  // The pods may be tried again at once, whatever they wait for (gates aside).
  virtual void activate(const std::vector<std::string>& uids) = 0;
  // The events of a profile.
  virtual informers::EventRecorder& recorder(const Profile& profile) = 0;
  // In the order in which they are asked.
  virtual const std::vector<std::unique_ptr<Extender>>& extenders() const = 0;
  // For metrics: somebody has looked for room, or found it at the cost of so many pods.
  virtual void count_preemption_attempt() = 0;
  virtual void count_preemption(std::size_t victims) = 0;
};

}  // namespace ph::scheduler
