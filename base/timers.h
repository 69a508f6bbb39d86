// A queue of timers, ordered by time and, within one time, by the order of their making. For implementations of Executor.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/executor.h"

namespace ph {

class Timers {
 public:
  TimerId add(Steady at, Work work) {
    const TimerId id = ++last_;
    due_.emplace(std::pair(at, id), std::move(work));
    by_id_.emplace(id, at);
    return id;
  }

  void cancel(TimerId id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    // The work's destructor may come back here: it runs last.
    const auto node = due_.extract(std::pair(found->second, id));
    by_id_.erase(found);
  }

  std::optional<Steady> next() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->first.first;
  }

  // The earliest timer due at `now`, taken out; empty when there is none.
  std::optional<Work> take_due(Steady now) {
    if (due_.empty() || due_.begin()->first.first > now) return std::nullopt;
    auto node = due_.extract(due_.begin());
    by_id_.erase(node.key().second);
    return std::move(node.mapped());
  }

  std::size_t size() const { return due_.size(); }

 private:
  std::map<std::pair<Steady, TimerId>, Work> due_;
  std::unordered_map<TimerId, Steady> by_id_;
  TimerId last_ = 0;
};

}  // namespace ph
