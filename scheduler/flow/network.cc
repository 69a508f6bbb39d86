// What changes the network. Flow that is no longer allowed is cut here; that its ends do not balance then is the next solve's business.
#include "scheduler/flow/network.h"

#include <algorithm>

#include "base/assert.h"

namespace ph::scheduler::flow {

NodeIndex Network::add_node(Amount supply) {
  PH_ASSERT(supply >= -kMaxAmount && supply <= kMaxAmount);
  NodeIndex node;
  if (free_nodes_.empty()) {
    node = node_slots();
    nodes_.emplace_back();
  } else {
    node = free_nodes_.back();
    free_nodes_.pop_back();
    const std::uint8_t listed = nodes_[node].flags & kChanged;
    nodes_[node] = Node{.flags = listed};
  }
  nodes_[node].flags |= kAlive | kNew;
  ++node_count_;
  node_changed(node);
  add_supply(node, supply);
  return node;
}

NodeIndex Network::add_sink() {
  PH_ASSERT(sink_ == kNone);
  const NodeIndex node = add_node();
  sink_ = node;
  nodes_[node].supply = nodes_[node].excess = -supply_sum_;
  return node;
}

void Network::remove_node(NodeIndex node) {
  PH_ASSERT(has_node(node));
  while (nodes_[node].first != kNone) remove_arc(nodes_[node].first & ~1);
  if (node == sink_) {
    sink_ = kNone;
  } else {
    add_supply(node, -nodes_[node].supply);
  }
  nodes_[node].flags &= kChanged;
  nodes_[node].excess = 0;
  free_nodes_.push_back(node);
  --node_count_;
}

void Network::set_supply(NodeIndex node, Amount supply) {
  PH_ASSERT(has_node(node) && node != sink_ && supply >= -kMaxAmount && supply <= kMaxAmount);
  if (supply != nodes_[node].supply) add_supply(node, supply - nodes_[node].supply);
}

void Network::add_supply(NodeIndex node, Amount more) {
  if (more == 0) return;
  nodes_[node].supply += more;
  nodes_[node].excess += more;
  supply_sum_ += more;
  node_changed(node);
  if (sink_ == kNone) return;
  nodes_[sink_].supply -= more;
  nodes_[sink_].excess -= more;
  node_changed(sink_);
}

ArcIndex Network::add_arc(NodeIndex from, NodeIndex to, Amount capacity, Cost cost) {
  PH_ASSERT(has_node(from) && has_node(to) && from != to);
  PH_ASSERT(capacity >= 0 && capacity <= kMaxAmount && cost >= -kMaxCost && cost <= kMaxCost);
  ArcIndex arc;
  if (free_arcs_.empty()) {
    arc = arc_slots();
    arcs_.resize(arcs_.size() + 2);
  } else {
    arc = free_arcs_.back();
    free_arcs_.pop_back();
  }
  Half& there = arcs_[arc];
  Half& back = arcs_[arc + 1];
  there.residual = capacity;
  there.cost = cost;
  there.head = to;
  back.residual = 0;
  back.cost = -cost;
  back.head = from;
  link(arc, from);
  link(arc + 1, to);
  ++arc_count_;
  arc_changed(arc);
  return arc;
}

void Network::remove_arc(ArcIndex arc) {
  PH_ASSERT(has_arc(arc) && (arc & 1) == 0);
  set_capacity(arc, 0);
  unlink(arc, arcs_[arc + 1].head);
  unlink(arc + 1, arcs_[arc].head);
  arcs_[arc].head = arcs_[arc + 1].head = kNone;
  free_arcs_.push_back(arc);
  --arc_count_;
}

void Network::set_capacity(ArcIndex arc, Amount capacity) {
  PH_ASSERT(has_arc(arc) && (arc & 1) == 0 && capacity >= 0 && capacity <= kMaxAmount);
  Half& there = arcs_[arc];
  Half& back = arcs_[arc + 1];
  if (capacity == there.residual + back.residual) return;
  if (const Amount cut = back.residual - capacity; cut > 0) {
    push(arc + 1, cut);
    node_changed(back.head);
    node_changed(there.head);
  }
  there.residual = capacity - back.residual;
  arc_changed(arc);
}

void Network::set_cost(ArcIndex arc, Cost cost) {
  PH_ASSERT(has_arc(arc) && (arc & 1) == 0 && cost >= -kMaxCost && cost <= kMaxCost);
  if (cost == arcs_[arc].cost) return;
  flow_cost_ += flow(arc) * (cost - arcs_[arc].cost);
  arcs_[arc].cost = cost;
  arcs_[arc + 1].cost = -cost;
  arc_changed(arc);
}

void Network::forget_flow() {
  for (ArcIndex a = 0; a < arc_slots(); a += 2) {
    arcs_[a].residual += arcs_[a + 1].residual;
    arcs_[a + 1].residual = 0;
  }
  for (Node& node : nodes_) {
    node.excess = node.supply;
    node.price = 0;
    if ((node.flags & kAlive) != 0) node.flags |= kNew;
  }
  flow_cost_ = 0;
  solved(false);
}

void Network::solved(bool exact) {
  for (const ArcIndex arc : changed_arcs_) arcs_[arc].changed = false;
  for (const NodeIndex node : changed_nodes_) nodes_[node].flags &= static_cast<std::uint8_t>(~kChanged);
  changed_arcs_.clear();
  changed_nodes_.clear();
  all_changed_ = !exact;
}

std::size_t Network::bytes() const {
  return arcs_.capacity() * sizeof(Half) + nodes_.capacity() * sizeof(Node) +
         (free_arcs_.capacity() + changed_arcs_.capacity()) * sizeof(ArcIndex) +
         (free_nodes_.capacity() + changed_nodes_.capacity()) * sizeof(NodeIndex);
}

void Network::link(ArcIndex half, NodeIndex from) {
  Node& node = nodes_[from];
  const bool out = (half & 1) == 0;
  const ArcIndex previous = out ? kNone : node.last_out;
  const ArcIndex next = previous == kNone ? node.first : arcs_[previous].next;
  arcs_[half].previous = previous;
  arcs_[half].next = next;
  if (next != kNone) arcs_[next].previous = half;
  if (previous != kNone) {
    arcs_[previous].next = half;
  } else {
    node.first = half;
  }
  if (out && node.last_out == kNone) node.last_out = half;
}

void Network::unlink(ArcIndex half, NodeIndex from) {
  Node& node = nodes_[from];
  const ArcIndex next = arcs_[half].next, previous = arcs_[half].previous;
  if (next != kNone) arcs_[next].previous = previous;
  if (previous != kNone) {
    arcs_[previous].next = next;
  } else {
    node.first = next;
  }
  if (node.last_out == half) node.last_out = previous;
}

void Network::arc_changed(ArcIndex arc) {
  if (all_changed_ || arcs_[arc].changed) return;
  arcs_[arc].changed = true;
  changed_arcs_.push_back(arc);
}

void Network::node_changed(NodeIndex node) {
  if (all_changed_ || (nodes_[node].flags & kChanged) != 0) return;
  nodes_[node].flags |= kChanged;
  changed_nodes_.push_back(node);
}

}  // namespace ph::scheduler::flow
