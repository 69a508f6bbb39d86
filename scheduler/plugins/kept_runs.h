// KeptRuns: what came of looking for victims, node by node, for the pods of one class (ClassMemory): most of a crowd of equal preemptors
// has little to try anew.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/revision.h"
#include "scheduler/plugins/preemption_victims.h"

namespace ph::scheduler {

class KeptRuns {
 public:
  // What was kept is good for pods of this priority and for these budgets.
  void begin(std::int32_t priority, Revision budgets, std::size_t slots) {
    if (priority != priority_ || budgets != budgets_) runs_.clear();
    priority_ = priority;
    budgets_ = budgets;
    runs_.resize(slots);
  }
  // Null: it is to be tried.
  std::shared_ptr<const DryRun> find(const NodeInfo& node, std::span<const std::uint64_t> stamps) const {
    const Kept& kept = runs_[node.slot()];
    return kept.generation == node.generation() && kept.stamp == stamps[node.slot()] ? kept.run : nullptr;
  }
  void keep(const NodeInfo& node, std::span<const std::uint64_t> stamps, std::shared_ptr<const DryRun> run) {
    runs_[node.slot()] = {stamps[node.slot()], node.generation(), std::move(run)};
  }

 private:
  struct Kept {
    std::uint64_t stamp = 0, generation = 0;
    std::shared_ptr<const DryRun> run = nullptr;
  };
  std::int32_t priority_ = 0;
  Revision budgets_{};
  std::vector<Kept> runs_;  // by NodeInfo::slot
};

}  // namespace ph::scheduler
