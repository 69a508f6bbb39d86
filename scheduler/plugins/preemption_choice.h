// Which of several nodes is robbed. Upstream: pickOneNodeForPreemption
#pragma once

#include <memory>
#include <vector>

#include "base/rng.h"
#include "scheduler/plugins/preemption_victims.h"

namespace ph::scheduler {

struct Candidate {
  const NodeInfo* node = nullptr;
  std::shared_ptr<const DryRun> run;  // that went well
  const Victims& victims() const { return run->victims; }
};

// The fewest violated budgets; the least important first victim; the smallest sum of priorities; the fewest victims; the victims that
// were started last. Among equals any. `candidates` is not empty.
const Candidate& choose(const std::vector<Candidate>& candidates, Rng& rng);

}  // namespace ph::scheduler
