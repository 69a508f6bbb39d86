// What must be true of a network after a solve. Empty: all is well; otherwise the first thing that is not.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "scheduler/flow/network.h"
#include "scheduler/flow/solver.h"

namespace ph::scheduler::flow::test {

// Capacities are kept, what the network says of excess and cost is what its arcs say, lists are whole.
inline std::string wrong_sums(const Network& network) {
  std::vector<Amount> excess(static_cast<std::size_t>(network.node_slots()), 0);
  Cost cost = 0;
  int arcs = 0, halves = 0;
  Amount supplies = 0;
  for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
    if (!network.has_arc(a)) continue;
    ++arcs;
    if (network.flow(a) < 0 || network.flow(a) > network.capacity(a))
      return fmt::format("arc {} has a flow of {}", a, network.flow(a));
    excess[network.from(a)] -= network.flow(a);
    excess[network.to(a)] += network.flow(a);
    cost += network.flow(a) * network.cost(a);
  }
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    if (!network.has_node(n)) continue;
    supplies += network.supply(n);
    if (excess[n] + network.supply(n) != network.excess(n)) return fmt::format("node {} has another excess than it says", n);
    for (ArcIndex a = network.first(n); a != kNone; a = network.next(a)) {
      ++halves;
      if (network.from(a) != n) return fmt::format("arc {} is in the list of node {}", a, n);
    }
  }
  if (arcs != network.arc_count() || halves != 2 * arcs)
    return fmt::format("{} arcs of {}, {} halves", arcs, network.arc_count(), halves);
  if (cost != network.flow_cost()) return fmt::format("the flow costs {}, not {}", cost, network.flow_cost());
  if (supplies != network.imbalance()) return fmt::format("supplies are {}, not {}", supplies, network.imbalance());
  return {};
}

// Nobody sends on more than there is, nobody holds more than it supplies.
inline std::string wrong_flow(const Network& network, const Outcome& outcome) {
  if (std::string wrong = wrong_sums(network); !wrong.empty()) return wrong;
  Amount uncovered = 0;
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    if (!network.has_node(n)) continue;
    const Amount supply = network.supply(n), excess = network.excess(n);
    if (excess > std::max<Amount>(supply, 0) || excess < std::min<Amount>(supply, 0)) {
      return fmt::format("node {} with a supply of {} is left with {}", n, supply, excess);
    }
    uncovered += std::max<Amount>(excess, 0);
  }
  if (uncovered != outcome.uncovered) return fmt::format("{} uncovered, not {}", uncovered, outcome.uncovered);
  if (outcome.cost != network.flow_cost()) return "the outcome has another cost";
  return {};
}

// The proof that a flow is the cheapest: nothing in excess, and prices at which no half arc with room costs less than nothing.
inline std::string wrong_prices(const Network& network) {
  for (ArcIndex a = 0; a < network.arc_slots(); ++a) {
    if (!network.has_arc(a & ~1)) continue;
    if (network.residual(a) > 0 && network.reduced_cost(a) < 0) {
      return fmt::format("half arc {} from {} to {} has room for {} at {}", a, network.from(a), network.to(a),
                         network.residual(a), network.reduced_cost(a));
    }
  }
  return {};
}

}  // namespace ph::scheduler::flow::test
