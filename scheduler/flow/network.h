// Network: a flow network that lives on between solves. Nodes and arcs come, change and go; what that costs is the degree of the node,
// and the flow that was found before stays, cut back to what is still allowed. A solver goes on from there (solver.h).
//
//   pod ──► class ──► machine ──► sink        a unit of flow is a pod's way to a machine, or to staying unscheduled;
//      └──────► unscheduled ──────┘           the cheapest flow is the placement
//
// Memory: one flat array of half arcs and one of nodes; 64 bytes an arc, 40 a node. An arc is two half arcs side by side: `a` (even, the one
// that callers name) goes there, `a ^ 1` comes back, and the flow of the one is the residual capacity of the other. A half arc's members
// stand together rather than in an array each, because solvers follow arcs in no order: an arc costs one cache line, not five.
//
// Threads: an instance belongs to one thread at a time. Copies are independent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ph::scheduler::flow {

// Indexes are stable until what they name is removed; then they are given out again.
using NodeIndex = std::int32_t;
using ArcIndex = std::int32_t;
using Amount = std::int64_t;
using Cost = std::int64_t;

inline constexpr std::int32_t kNone = -1;
// Bounds, so that no sum overflows: costs are within ±kMaxCost, capacities and supplies within kMaxAmount, which also is "no bound"; and the total
// of supply × cost × arcs on a way fits 62 bits.
inline constexpr Cost kMaxCost = Cost{1} << 30;
inline constexpr Amount kMaxAmount = Amount{1} << 30;

class Network {
 public:
  // Positive: that much flow begins here; negative: ends here. All of it has to, so supplies sum up to zero where there is no sink (add_sink).
  NodeIndex add_node(Amount supply = 0);
  // At most one: the node that takes whatever the others supply. Its own supply is minus the sum of theirs, always.
  NodeIndex add_sink();
  // With its arcs.
  void remove_node(NodeIndex node);
  // Not of the sink.
  void set_supply(NodeIndex node, Amount supply);

  // Between two different nodes; several between the same two are fine: a price that rises with use is several arcs, the cheapest first.
  // A price may be negative, and so may cycles.
  ArcIndex add_arc(NodeIndex from, NodeIndex to, Amount capacity, Cost cost);
  void remove_arc(ArcIndex arc);
  // Flow above it is cut: the arc's ends then have an excess and a deficit, which the next solve sees to.
  void set_capacity(ArcIndex arc, Amount capacity);
  void set_cost(ArcIndex arc, Cost cost);
  // Forgets all flow and all prices: the next solve begins from nothing.
  void forget_flow();

  Amount flow(ArcIndex arc) const { return arcs_[arc ^ 1].residual; }
  Amount capacity(ArcIndex arc) const { return arcs_[arc].residual + arcs_[arc ^ 1].residual; }
  Cost cost(ArcIndex arc) const { return arcs_[arc].cost; }
  NodeIndex from(ArcIndex arc) const { return arcs_[arc ^ 1].head; }
  NodeIndex to(ArcIndex arc) const { return arcs_[arc].head; }
  Amount supply(NodeIndex node) const { return nodes_[node].supply; }
  NodeIndex sink() const { return sink_; }

  bool has_node(NodeIndex node) const { return node >= 0 && node < node_slots() && (nodes_[node].flags & kAlive) != 0; }
  // Of a whole arc: even indexes.
  bool has_arc(ArcIndex arc) const { return arc >= 0 && arc < arc_slots() && arcs_[arc].head != kNone; }
  std::int32_t node_count() const { return node_count_; }
  std::int32_t arc_count() const { return arc_count_; }
  // One above the highest index: what an array by index needs. Arcs count twice (half arcs); walk whole ones by `a += 2`.
  std::int32_t node_slots() const { return static_cast<std::int32_t>(nodes_.size()); }
  ArcIndex arc_slots() const { return static_cast<ArcIndex>(arcs_.size()); }
  // The sum of all supplies and demands; where it is not zero nothing is feasible.
  Amount imbalance() const { return sink_ == kNone ? supply_sum_ : 0; }
  // What the flow costs.
  Cost flow_cost() const { return flow_cost_; }
  // What is held, in bytes.
  std::size_t bytes() const;

  // A walk over the half arcs that leave a node, those of arcs that come in (odd) included:
  //   for (ArcIndex a = network.first(node); a != kNone; a = network.next(a))
  // Neither adding to the walked node nor removing the half arc one stands on is allowed meanwhile.
  // Those that go out come first, the newest in front; then those that come in.
  ArcIndex first(NodeIndex node) const { return nodes_[node].first; }
  ArcIndex first_in(NodeIndex node) const {
    const Node& of = nodes_[node];
    return of.last_out == kNone ? of.first : arcs_[of.last_out].next;
  }
  ArcIndex next(ArcIndex half) const { return arcs_[half].next; }

  // ---- For solvers. `half` is any half arc.
  Amount residual(ArcIndex half) const { return arcs_[half].residual; }
  // What the node has too much of: supply + what comes in − what goes out. All zero: the flow carries every supply to a demand.
  Amount excess(NodeIndex node) const { return nodes_[node].excess; }
  // The price of the last solve. Where prices are exact, no half arc with residual capacity has a reduced cost below zero.
  Cost price(NodeIndex node) const { return nodes_[node].price; }
  void set_price(NodeIndex node, Cost price) { nodes_[node].price = price; }
  Cost reduced_cost(ArcIndex half) const {
    const Half& arc = arcs_[half];
    return arc.cost + nodes_[arcs_[half ^ 1].head].price - nodes_[arc.head].price;
  }
  void push(ArcIndex half, Amount amount) {
    Half& there = arcs_[half];
    Half& back = arcs_[half ^ 1];
    there.residual -= amount;
    back.residual += amount;
    nodes_[back.head].excess -= amount;
    nodes_[there.head].excess += amount;
    flow_cost_ += amount * there.cost;
  }

  // What changed since the prices were exact the last time. When `all_changed`, the lists are not kept and everything counts.
  bool all_changed() const { return all_changed_; }
  std::span<const ArcIndex> changed_arcs() const { return changed_arcs_; }     // whole arcs; some are gone meanwhile
  std::span<const NodeIndex> changed_nodes() const { return changed_nodes_; }  // whose excess changed; some are gone meanwhile
  // Came since: has no price yet.
  bool is_new(NodeIndex node) const { return (nodes_[node].flags & kNew) != 0; }
  void priced(NodeIndex node) { nodes_[node].flags &= static_cast<std::uint8_t>(~kNew); }
  // By a solver when it is through: `exact` says that prices are.
  void solved(bool exact);

 private:
  struct Half {
    Amount residual = 0;
    Cost cost = 0;
    NodeIndex head = kNone;
    ArcIndex next = kNone;
    ArcIndex previous = kNone;
    bool changed = false;  // is in changed_arcs_; of the even half
  };
  struct Node {
    Amount supply = 0;
    Amount excess = 0;
    Cost price = 0;
    ArcIndex first = kNone;
    ArcIndex last_out = kNone;
    std::uint8_t flags = 0;
  };
  static constexpr std::uint8_t kAlive = 1, kNew = 2, kChanged = 4;

  void link(ArcIndex half, NodeIndex from);
  void unlink(ArcIndex half, NodeIndex from);
  void arc_changed(ArcIndex arc);
  void node_changed(NodeIndex node);
  void add_supply(NodeIndex node, Amount more);

  std::vector<Half> arcs_;
  std::vector<Node> nodes_;
  std::vector<ArcIndex> free_arcs_;
  std::vector<NodeIndex> free_nodes_;
  std::vector<ArcIndex> changed_arcs_;
  std::vector<NodeIndex> changed_nodes_;
  std::int32_t node_count_ = 0;
  std::int32_t arc_count_ = 0;
  NodeIndex sink_ = kNone;
  Amount supply_sum_ = 0;  // the sink's not counted
  Cost flow_cost_ = 0;
  bool all_changed_ = false;
};

}  // namespace ph::scheduler::flow
