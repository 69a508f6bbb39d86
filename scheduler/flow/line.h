// A line of nodes, first come first served; each stands in it once. Its memory is set aside at reset, none later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/flow/network.h"

namespace ph::scheduler::flow {

class Line {
 public:
  void reset(NodeIndex slots) {
    ring_.resize(static_cast<std::size_t>(slots));
    waits_.assign(static_cast<std::size_t>(slots), 0);
    first_ = count_ = 0;
  }
  bool empty() const { return count_ == 0; }
  void push(NodeIndex node) {
    if (waits_[node] != 0) return;
    waits_[node] = 1;
    std::size_t at = first_ + count_++;
    if (at >= ring_.size()) at -= ring_.size();
    ring_[at] = node;
  }
  NodeIndex pop() {
    const NodeIndex node = ring_[first_];
    if (++first_ == ring_.size()) first_ = 0;
    --count_;
    waits_[node] = 0;
    return node;
  }

 private:
  std::vector<NodeIndex> ring_;
  std::vector<std::uint8_t> waits_;
  std::size_t first_ = 0, count_ = 0;
};

}  // namespace ph::scheduler::flow
