#include "scheduler/flow/start.h"

#include <algorithm>
#include <limits>

namespace ph::scheduler::flow {
namespace {

constexpr std::size_t kLongestWayBack = 16;

// A price between these leaves no residual arc of the node with a negative reduced cost.
struct Fitting {
  Cost least = std::numeric_limits<Cost>::min();
  Cost most = std::numeric_limits<Cost>::max();
};

// What would have to be pushed at this price.
Amount wrong_at(const Network& network, NodeIndex node, Cost price) {
  Amount out = 0;
  for (ArcIndex a = network.first(node); a != kNone; a = network.next(a)) {
    const NodeIndex other = network.to(a);
    if (network.is_new(other)) continue;
    const Cost fits = network.price(other) - network.cost(a);
    if (price < fits) out += network.residual(a);
    if (price > fits) out += network.residual(a ^ 1);
  }
  return out;
}

}  // namespace

void Start::price_new(Network& network, NodeIndex node) const {
  Fitting fitting;
  for (ArcIndex a = network.first(node); a != kNone; a = network.next(a)) {
    const NodeIndex other = network.to(a);
    if (network.is_new(other)) continue;
    const Cost fits = network.price(other) - network.cost(a);
    if (network.residual(a) > 0) fitting.least = std::max(fitting.least, fits);
    if (network.residual(a ^ 1) > 0) fitting.most = std::min(fitting.most, fits);
  }
  constexpr Fitting kNoBound;
  Cost price = fitting.least;
  if (fitting.least == kNoBound.least) {
    price = fitting.most == kNoBound.most ? 0 : fitting.most;
  } else if (fitting.least > fitting.most && wrong_at(network, node, fitting.most) < wrong_at(network, node, fitting.least)) {
    price = fitting.most;
  }
  network.set_price(node, price);
  network.priced(node);
}

void Start::see(Network&, NodeIndex node) {
  if (mark_[node] != 0) return;
  mark_[node] = 1;
  seen_.push_back(node);
}

void Start::saturate(Network& network, ArcIndex arc) {
  const Cost cost = network.reduced_cost(arc);
  const ArcIndex half = cost < 0 ? arc : arc ^ 1;
  if (cost == 0 || network.residual(half) == 0) return;
  network.push(half, network.residual(half));
  see(network, network.from(arc));
  see(network, network.to(arc));
}

// From a node that sends on more than it gets, downstream along arcs whose flow may as well be less, to a node that gets too much.
void Start::take_back(Network& network, NodeIndex node) {
  while (network.excess(node) < 0) {
    way_.clear();
    Amount amount = -network.excess(node);
    NodeIndex at = node;
    while (network.excess(at) <= 0) {
      if (way_.size() == kLongestWayBack) return;
      ArcIndex a = network.first(at);
      while (a != kNone && ((a & 1) != 0 || network.flow(a) == 0 || network.reduced_cost(a) != 0)) a = network.next(a);
      if (a == kNone) return;
      amount = std::min(amount, network.flow(a));
      way_.push_back(a);
      at = network.to(a);
    }
    amount = std::min(amount, network.excess(at));
    for (const ArcIndex a : way_) {
      // A way that meets itself has less to give than it seemed.
      if (network.flow(a) < amount) return;
      network.push(a ^ 1, amount);
    }
  }
}

void Start::prepare(Network& network, std::vector<NodeIndex>& out) {
  mark_.assign(static_cast<std::size_t>(network.node_slots()), 0);
  seen_.clear();
  out.clear();
  if (network.all_changed()) {
    for (NodeIndex node = 0; node < network.node_slots(); ++node) {
      if (!network.has_node(node)) continue;
      if (network.is_new(node)) price_new(network, node);
      if (network.excess(node) != 0) see(network, node);
    }
    for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
      if (network.has_arc(a)) saturate(network, a);
    }
  } else {
    for (const NodeIndex node : network.changed_nodes()) {
      if (!network.has_node(node)) continue;
      if (network.is_new(node)) price_new(network, node);
      see(network, node);
    }
    for (const ArcIndex a : network.changed_arcs()) {
      if (network.has_arc(a)) saturate(network, a);
    }
  }
  for (const NodeIndex node : seen_) {
    if (network.excess(node) < 0 && node != network.sink() && network.supply(node) >= 0) take_back(network, node);
  }
  // Those where a way back ended had an excess before it, so they are among the seen.
  for (const NodeIndex node : seen_) {
    if (network.excess(node) > 0) out.push_back(node);
  }
  std::ranges::sort(out);
}

}  // namespace ph::scheduler::flow
