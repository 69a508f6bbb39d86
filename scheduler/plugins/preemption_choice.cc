#include "scheduler/plugins/preemption_choice.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>

#include "base/assert.h"

namespace ph::scheduler {
namespace {

// The start of the oldest among the most important victims.
std::int64_t earliest_start(const Victims& victims) {
  std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
  for (const PodRef& pod : victims.pods) {
    if (pod->priority != victims.pods.front()->priority) break;
    if (pod->start_time != 0) earliest = std::min(earliest, pod->start_time);
  }
  return earliest;
}

// The less the better, first things first.
auto cost(const Candidate& candidate) {
  const Victims& victims = candidate.victims();
  // Priorities may be negative: counted from the lowest there is, every pod more costs more.
  std::int64_t sum = 0;
  for (const PodRef& pod : victims.pods) sum += std::int64_t{pod->priority} + std::numeric_limits<std::int32_t>::max() + 1;
  return std::tuple(victims.violations, victims.pods.front()->priority, sum, victims.pods.size(), -earliest_start(victims));
}

}  // namespace

const Candidate& choose(const std::vector<Candidate>& candidates, Rng& rng) {
  PH_ASSERT(!candidates.empty());
  std::vector<const Candidate*> best;
  for (const Candidate& candidate : candidates) {
    if (!best.empty() && cost(*best.front()) < cost(candidate)) continue;
    if (!best.empty() && cost(candidate) < cost(*best.front())) best.clear();
    best.push_back(&candidate);
  }
  return *best[best.size() > 1 ? rng.below(best.size()) : 0];
}

}  // namespace ph::scheduler
