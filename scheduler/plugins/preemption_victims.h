// Victims: which pods of one node would have to go for another pod. Upstream: SelectVictimsOnNode, filterPodsWithPDBViolation
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "api/selector.h"
#include "scheduler/framework/profile.h"

namespace ph::scheduler {

struct Victims {
  std::vector<PodRef> pods;  // the most important first
  int violations = 0;        // of disruption budgets
};

// Higher priority; among equals, the one that has run longer.
bool more_important(const PodRef& a, const PodRef& b);

// The disruption budgets of the cluster, ready to be asked about many pods.
class DisruptionBudgets {
 public:
  void add(const policy::v1::PodDisruptionBudget& budget);
  // Whether each of `pods` violates a budget, if those before it go too. In their order.
  std::vector<bool> violated_by(std::span<const PodRef> pods) const;

 private:
  struct Budget {
    std::string namespace_name;
    api::LabelSelector pods = api::LabelSelector::nothing();
    std::vector<std::string> disrupted;  // sorted names of pods that are counted already
    std::int64_t allowed = 0;
  };
  std::vector<Budget> budgets_;
};

// What came of trying: Success and at least one victim, or why the pod does not fit even without all who might go.
struct DryRun {
  Victims victims;
  Code code = Code::Success;
  std::vector<std::string> reasons;
};

// The pods on `node` that matter less than `pod` go as far as needed. `state` is the cycle's after pre-filter.
DryRun select_victims(const Profile& profile, const CycleState& state, const Pod& pod, const NodeInfo& node,
                      const DisruptionBudgets& budgets, const Nominator& nominated);

}  // namespace ph::scheduler
