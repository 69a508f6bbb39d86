// Explains, on a cluster as it is or as it is imagined, what the plugins of a profile say of a pod: they are the cycle's own, driven as
// the cycle drives them, so that no explanation disagrees with a decision. Nothing is placed, kept or counted.
//
// Other than a cycle it looks at all nodes, and asks all filters about a node that one has refused. What a cycle leaves to chance
// (which of equals is taken, which nodes are a sample) it says, and does not draw.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "scheduler/framework/profile.h"
#include "scheduler/plugins/preemption_victims.h"
#include "scheduler/why/explanation.h"

namespace ph::scheduler::why {

struct View {
  const Profile& profile;
  const Snapshot& snapshot;  // the one that the profile's plugins look at
  const Nominator& nominated;
  std::function<DisruptionBudgets()> budgets = {};  // asked when somebody would have to go; none: there are none
  std::size_t runners_up = 3, nearest = 5;
};

// All but what is known of the pod itself. `info` is of `pod`, which has no node. `at`: a node that is told of in any case.
// State: fits, unschedulable or error.
Explanation explain(const View& view, const Pod& pod, const PodRef& info, std::string_view at = {});

}  // namespace ph::scheduler::why
