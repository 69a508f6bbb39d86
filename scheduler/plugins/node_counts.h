// NodeCounts: of how many pods of each node something is true, counted anew only on nodes that have changed since.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/cluster/node_info.h"

namespace ph::scheduler {

class NodeCounts {
 public:
  // `holds`: the same claim about a pod each time. The node is one of a snapshot.
  template <class F>
  std::int64_t of(const NodeInfo& node, F holds) {
    if (node.slot() >= known_.size()) known_.resize(node.slot() + 1);
    Known& known = known_[node.slot()];
    if (known.generation != node.generation()) {
      known = {node.generation(), 0};
      for (const PodRef& pod : node.pods()) known.count += holds(*pod) ? 1 : 0;
    }
    return known.count;
  }

 private:
  struct Known {
    std::uint64_t generation = 0;  // of the node; no node has it
    std::int64_t count = 0;
  };
  std::vector<Known> known_;  // by slot
};

// The counts of the claims that have come up lately, by a text that tells them apart. For one cache's nodes.
class RecentCounts {
 public:
  // Valid until the next claim comes up that is not known.
  NodeCounts& of(std::string_view claim) { return *find(claim); }
  std::shared_ptr<NodeCounts> shared(std::string_view claim) { return find(claim); }

 private:
  static constexpr std::size_t kMost = 64;
  std::shared_ptr<NodeCounts>& find(std::string_view claim) {
    for (auto one = recent_.begin(); one != recent_.end(); ++one) {
      if (one->first != claim) continue;
      recent_.splice(recent_.begin(), recent_, one);
      return one->second;
    }
    if (recent_.size() >= kMost) recent_.pop_back();
    return recent_.emplace_front(std::string(claim), std::make_shared<NodeCounts>()).second;
  }

  std::list<std::pair<std::string, std::shared_ptr<NodeCounts>>> recent_;  // the last that came up first
};

}  // namespace ph::scheduler
