// The taints and labels of a node that follow from what else it says. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "informers/node_view.h"

namespace ph::controllers::node_lifecycle {

// Taints that come and go together: known by key and effect.
struct Swap {
  std::vector<core::v1::Taint> add, remove;
  bool empty() const { return add.empty() && remove.empty(); }
};

// NoSchedule: one for each condition that calls for it, and for an unschedulable node. Others of these keys go; keys of somebody else's
// stay.
Swap no_schedule(const informers::NodeView& node);

// NoExecute: what becomes of pods there. At most one of the taints not-ready and unreachable stands.
struct NoExecute {
  Swap now;      // at once: the node is well again, or bad in another way than the taint says
  Swap by_turn;  // one that has neither yet: in its zone's turn
};
// `lifted`: while nobody is evicted, whatever the node says.
NoExecute no_execute(const informers::NodeView& node, std::string_view readiness, bool lifted);

// What else follows from the node comes with it, and stands before it.
Swap with_no_schedule(const informers::NodeView& node, const Swap& swap);

// A merge patch of the node, pinned to its revision: its taints, changed so. New ones stand behind those that there are.
std::string swap_patch(const informers::NodeView& node, const Swap& swap, Time now);

// The same for all that follows from the node at once: the NoSchedule taints, and the labels beta.kubernetes.io/os and …/arch, which
// repeat what kubernetes.io/os and …/arch say. Nothing: the node is as it should be.
std::optional<std::string> tending_patch(const informers::NodeView& node, Time now);

}  // namespace ph::controllers::node_lifecycle
