// Makes a flow feasible that was left in the middle of things. A node may have more excess than it supplies, because flow was pushed to it and
// found no way on: it goes back along what came in. And one may send on more than it has: what it sends is taken back downstream. Both
// only ever lower flow, and meet where a source gets its own back.
#include <algorithm>
#include <deque>
#include <vector>

#include "scheduler/flow/start.h"

namespace ph::scheduler::flow {
namespace {

Amount too_much(const Network& network, NodeIndex node) {
  return network.excess(node) - std::max<Amount>(0, network.supply(node));
}

Amount too_little(const Network& network, NodeIndex node) {
  return std::min<Amount>(0, network.supply(node)) - network.excess(node);
}

class Settling {
 public:
  explicit Settling(Network& network)
      : network_(network), steps_(4 * (static_cast<std::int64_t>(network.arc_slots()) + network.node_slots())) {}

  // One neighbour at a time, which is nearly always all. Flow on a cycle could keep this busy for as long as it is large: hence the steps.
  void greedily() {
    for (NodeIndex node = 0; node < network_.node_slots(); ++node) {
      if (wrong(node)) waiting_.push_back(node);
    }
    while (!waiting_.empty() && steps_ > 0) {
      const NodeIndex node = waiting_.front();
      waiting_.pop_front();
      lower(node);
    }
  }

  // By the shortest ways; as many as there are arcs at most, a source.
  void surely() {
    for (NodeIndex node = 0; node < network_.node_slots(); ++node) {
      while (network_.has_node(node) && too_much(network_, node) > 0 && shortest(node, 1)) {
      }
      while (network_.has_node(node) && too_little(network_, node) > 0 && shortest(node, 0)) {
      }
    }
  }

 private:
  bool wrong(NodeIndex node) const {
    return network_.has_node(node) && (too_much(network_, node) > 0 || too_little(network_, node) > 0);
  }

  void lower(NodeIndex node) {
    for (ArcIndex a = network_.first(node); a != kNone; a = network_.next(a)) {
      --steps_;
      const bool in = (a & 1) != 0;
      const Amount wrong_by = in ? too_much(network_, node) : too_little(network_, node);
      const Amount amount = std::min(wrong_by, network_.flow(a & ~1));
      if (amount <= 0) continue;
      network_.push(a | 1, amount);
      if (const NodeIndex other = network_.to(a); wrong(other)) waiting_.push_back(other);
    }
  }

  // Breadth first from a node with too much (`side` 1) against the arcs that bring it, or from one with too little (0) along those
  // that carry it away, to one on the other side of its supply.
  // There always is one: what a node has too much of has come from somewhere. False if not.
  bool shortest(NodeIndex begin, ArcIndex side) {
    came_by_.assign(static_cast<std::size_t>(network_.node_slots()), kNone);
    waiting_.assign(1, begin);
    while (!waiting_.empty()) {
      const NodeIndex node = waiting_.front();
      waiting_.pop_front();
      const Amount more = network_.excess(node) - network_.supply(node);
      if (node != begin && (side == 1 ? more < 0 : more > 0)) {
        lower_way(begin, node, side, side == 1 ? -more : more);
        return true;
      }
      for (ArcIndex a = network_.first(node); a != kNone; a = network_.next(a)) {
        const NodeIndex other = network_.to(a);
        if ((a & 1) != side || network_.flow(a & ~1) == 0 || other == begin || came_by_[other] != kNone) continue;
        came_by_[other] = a;
        waiting_.push_back(other);
      }
    }
    return false;
  }

  void lower_way(NodeIndex begin, NodeIndex end, ArcIndex side, Amount amount) {
    amount = std::min(amount, side == 1 ? too_much(network_, begin) : too_little(network_, begin));
    for (NodeIndex at = end; at != begin; at = network_.from(came_by_[at]))
      amount = std::min(amount, network_.flow(came_by_[at] & ~1));
    for (NodeIndex at = end; at != begin; at = network_.from(came_by_[at])) network_.push(came_by_[at] | 1, amount);
  }

  Network& network_;
  std::int64_t steps_;
  std::deque<NodeIndex> waiting_;
  std::vector<ArcIndex> came_by_;
};

}  // namespace

Amount settle(Network& network) {
  Settling settling(network);
  settling.greedily();
  settling.surely();
  Amount uncovered = 0;
  for (NodeIndex node = 0; node < network.node_slots(); ++node) {
    if (network.has_node(node)) uncovered += std::max<Amount>(0, network.excess(node));
  }
  return uncovered;
}

Outcome gave_up(Network& network, Found found, std::int64_t iterations, std::string_view solver) {
  const Amount uncovered = settle(network);
  network.solved(false);
  return {.found = found, .cost = network.flow_cost(), .uncovered = uncovered, .iterations = iterations, .solver = solver};
}

}  // namespace ph::scheduler::flow
