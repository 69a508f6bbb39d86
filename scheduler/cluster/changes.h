// Changes: what has happened to nodes and to the pods on them, in its order, as far as results that somebody has kept may depend on it.
#pragma once

#include <cstddef>

#include "scheduler/cluster/journal.h"
#include "scheduler/cluster/node_info.h"

namespace ph::scheduler {

struct NodeChange {
  std::size_t slot = 0;  // NodeInfo::slot of the node
  PodRef pod_added = {}, pod_removed = {};
  NodeRef node_before = {}, node_after = {};  // it changed, came (no before), or went (no after)
};

using Changes = Journal<NodeChange>;

}  // namespace ph::scheduler
