// Who may take others' places, and where that could help at all. Upstream: PodEligibleToPreemptOthers, NodesForStatusCode
#pragma once

#include <string_view>
#include <vector>

#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

// Why the pod may not take others' places (now); empty: it may.
std::string_view may_not_preempt(const PodInfo& info, const Pod& pod, const Rejections& rejections, const Snapshot& snapshot);

// The nodes that were refused for something that other pods' going may change.
std::vector<const NodeInfo*> promising(const Rejections& rejections, const Snapshot& snapshot);

}  // namespace ph::scheduler
