// WaitingPods: pods that a permit plugin holds back between their placement and their binding.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/sync.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

class WaitingPods {
 public:
  explicit WaitingPods(Executor& executor) : executor_(executor) {}

  // `plugin` lets the pod go; when all that hold it have, it is bound. Unknown pods are ignored.
  void allow(std::string_view uid, std::string_view plugin);
  void reject(std::string_view uid, std::string_view plugin, std::string message);
  // UIDs, sorted.
  std::vector<std::string> list() const;

  struct Hold {
    std::string_view plugin;
    Duration timeout;  // 15 minutes at most
  };
  // Registers a pod; before `wait`, so that plugins can answer in between.
  void add(std::string uid, std::vector<Hold> holds);
  // Until all holds are released (success), one rejects, or the first times out (Unschedulable). Success for an unknown
  // pod.
  Task<Verdict> wait(std::string uid);
  bool waits(std::string_view uid) const { return pods_.contains(uid); }
  // The plugins that still hold the pod back.
  std::vector<std::string_view> held_by(std::string_view uid) const;
  // The pod has gone.
  void remove(std::string_view uid) { reject(uid, {}, "pod deleted"); }

 private:
  struct Entry {
    std::vector<Hold> holds;
    Steady added;
    Verdict verdict = Verdict::wait();
    Event decided;
  };
  void decide(std::string_view uid, Verdict verdict);
  Executor& executor_;
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> pods_;
};

}  // namespace ph::scheduler
