// Dinic's maximal flow, prices aside: whether every supply has a way to a demand at all.
#include <algorithm>
#include <vector>

#include "scheduler/flow/start.h"

namespace ph::scheduler::flow {
namespace {

class Routing {
 public:
  explicit Routing(const Network& network) : network_(network) {
    const auto nodes = static_cast<std::size_t>(network.node_slots());
    residual_.resize(static_cast<std::size_t>(network.arc_slots()));
    for (ArcIndex a = 0; a < network.arc_slots(); a += 2) residual_[a] = network.has_arc(a) ? network.capacity(a) : 0;
    excess_.resize(nodes);
    for (NodeIndex n = 0; n < network.node_slots(); ++n) {
      excess_[n] = network.has_node(n) ? network.supply(n) : 0;
      left_ += std::max<Amount>(0, excess_[n]);
    }
    level_.resize(nodes);
    at_.resize(nodes);
  }

  bool everything() {
    while (left_ > 0) {
      if (!levels()) return false;
      for (NodeIndex n = 0; n < network_.node_slots(); ++n) {
        while (excess_[n] > 0 && level_[n] == 0 && send(n)) {
        }
      }
    }
    return true;
  }

 private:
  bool levels() {
    std::ranges::fill(level_, -1);
    line_.clear();
    for (NodeIndex n = 0; n < network_.node_slots(); ++n) {
      if (excess_[n] > 0) line_.push_back(n);
      if (excess_[n] > 0) level_[n] = 0;
      at_[n] = network_.has_node(n) ? network_.first(n) : kNone;
    }
    bool reached = false;
    for (std::size_t i = 0; i < line_.size(); ++i) {
      reached = reached || excess_[line_[i]] < 0;
      for (ArcIndex a = network_.first(line_[i]); a != kNone; a = network_.next(a)) {
        if (residual_[a] == 0 || level_[network_.to(a)] >= 0) continue;
        level_[network_.to(a)] = level_[line_[i]] + 1;
        line_.push_back(network_.to(a));
      }
    }
    return reached;
  }

  // One way, depth first; each arc that leads nowhere is passed once.
  bool send(NodeIndex source) {
    way_.clear();
    NodeIndex node = source;
    while (excess_[node] >= 0) {
      ArcIndex& a = at_[node];
      while (a != kNone && (residual_[a] == 0 || level_[network_.to(a)] != level_[node] + 1)) a = network_.next(a);
      if (a != kNone) {
        way_.push_back(a);
        node = network_.to(a);
      } else if (way_.empty()) {
        return false;
      } else {
        node = network_.from(way_.back());
        at_[node] = network_.next(way_.back());
        way_.pop_back();
      }
    }
    Amount amount = std::min(excess_[source], -excess_[node]);
    for (const ArcIndex a : way_) amount = std::min(amount, residual_[a]);
    for (const ArcIndex a : way_) {
      residual_[a] -= amount;
      residual_[a ^ 1] += amount;
    }
    excess_[source] -= amount;
    excess_[node] += amount;
    left_ -= amount;
    return true;
  }

  const Network& network_;
  Amount left_ = 0;
  std::vector<Amount> residual_, excess_;
  std::vector<std::int32_t> level_;
  std::vector<ArcIndex> at_, way_;
  std::vector<NodeIndex> line_;
};

}  // namespace

bool routable(const Network& network) { return network.imbalance() == 0 && Routing(network).everything(); }

}  // namespace ph::scheduler::flow
