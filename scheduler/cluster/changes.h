// Changes: what has happened to nodes and to the pods on them, in its order, as far as results that somebody has kept may depend on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "scheduler/cluster/node_info.h"

namespace ph::scheduler {

struct NodeChange {
  std::size_t slot = 0;  // NodeInfo::slot of the node
  PodRef pod_added = {}, pod_removed = {};
  NodeRef node_before = {}, node_after = {};  // it changed, came (no before), or went (no after)
};

class Changes {
 public:
  std::uint64_t end() const { return start_ + log_.size(); }
  // Whether all since `from` are still known.
  bool reaches(std::uint64_t from) const { return from >= start_; }
  const NodeChange& at(std::uint64_t number) const { return log_[number - start_]; }

  void add(NodeChange change) {
    log_.push_back(std::move(change));
    if (log_.size() <= kMost) return;
    log_.pop_front();
    ++start_;
  }

 private:
  static constexpr std::size_t kMost = 4096;
  std::deque<NodeChange> log_;
  std::uint64_t start_ = 0;
};

}  // namespace ph::scheduler
