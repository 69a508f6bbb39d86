// How long a pod may stay on a node with NoExecute taints. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "api/node_selector.h"
#include "base/time.h"

namespace ph::controllers::taint_eviction {

using Taints = std::vector<core::v1::Taint>;

// Those of effect NoExecute.
Taints no_execute(const Taints& taints);
// They are the same for who must go: when they were added does not matter.
bool are_same(const Taints& a, const Taints& b);

// Of each taint the first toleration that fits counts, and of those the shortest; a taint that none fits leaves no time at all. Nothing:
// for ever.
std::optional<Duration> may_stay(const Taints& no_execute, const api::Tolerations& tolerations);
bool tolerates_all(const Taints& no_execute, const api::Tolerations& tolerations);

// `pod` with the condition that says who ended it: a strategic patch of its status, pinned to the UID. Nothing: it has it.
std::optional<std::string> disruption_patch(const core::v1::Pod& pod, Time now);

}  // namespace ph::controllers::taint_eviction
