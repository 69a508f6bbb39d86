// What preemption would do for a pod that fits nowhere, and why not. Nobody goes.
#pragma once

#include "scheduler/why/explain.h"
#include "scheduler/why/verdicts.h"

namespace ph::scheduler::why {

// `state` is as after pre-filter. `others`: what was said of the nodes that are not among `refused`.
Preemption explain_preemption(const View& view, const CycleState& state, const Pod& pod, const std::vector<Judged>& refused,
                              const Verdict& others);

}  // namespace ph::scheduler::why
