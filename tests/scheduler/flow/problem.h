// Problems for solvers: what a network says, without a flow; random ones of several shapes, and random changes of a network.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "scheduler/flow/network.h"

namespace ph::scheduler::flow::test {

struct Problem {
  struct Arc {
    int from, to;
    Amount capacity;
    Cost cost;
  };
  std::vector<Amount> supplies;
  std::vector<Arc> arcs;

  int node(Amount supply = 0) {
    supplies.push_back(supply);
    return static_cast<int>(supplies.size()) - 1;
  }
  void arc(int from, int to, Amount capacity, Cost cost) { arcs.push_back({from, to, capacity, cost}); }
};

// Nodes get the indexes of the problem's.
inline Network network_of(const Problem& problem) {
  Network out;
  for (const Amount supply : problem.supplies) out.add_node(supply);
  for (const auto& [from, to, capacity, cost] : problem.arcs) out.add_arc(from, to, capacity, cost);
  return out;
}

// What a network asks now. Nodes that are gone have neither supply nor arcs.
inline Problem problem_of(const Network& network) {
  Problem out;
  for (NodeIndex n = 0; n < network.node_slots(); ++n) out.node(network.has_node(n) ? network.supply(n) : 0);
  for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
    if (network.has_arc(a)) out.arc(network.from(a), network.to(a), network.capacity(a), network.cost(a));
  }
  return out;
}

inline int between(Rng& rng, int least, int most) {
  return least + static_cast<int>(rng.below(static_cast<std::uint64_t>(most - least + 1)));
}

// Costs as policies make them: sometimes all different, sometimes many alike.
inline Cost any_cost(Rng& rng, Cost most) { return static_cast<Cost>(rng.below(static_cast<std::uint64_t>(most) + 1)); }

// Pods, classes, racks, machines whose price rises with use, unscheduled. Routable by construction.
inline Problem scheduling(Rng& rng) {
  Problem out;
  const Cost most = rng.below(2) == 0 ? 5 : 1000;
  const int sink = out.node();
  const int pods = between(rng, 1, 20), machines = between(rng, 1, 8), classes = between(rng, 1, 4), racks = between(rng, 1, 3);
  std::vector<int> machine, rack, group;
  for (int i = 0; i < machines; ++i) {
    machine.push_back(out.node());
    for (int slot = between(rng, 0, 3); slot >= 0; --slot) out.arc(machine.back(), sink, between(rng, 0, 2), any_cost(rng, most));
  }
  for (int i = 0; i < racks; ++i) rack.push_back(out.node());
  for (int i = 0; i < machines; ++i) out.arc(rack[rng.below(rack.size())], machine[i], between(rng, 0, 4), any_cost(rng, most));
  const int unscheduled = out.node();
  out.arc(unscheduled, sink, kMaxAmount, any_cost(rng, 3 * most));
  for (int i = 0; i < classes; ++i) {
    group.push_back(out.node(between(rng, 0, 1) * between(rng, 0, 5)));
    out.supplies[sink] -= out.supplies[group.back()];
    out.arc(group.back(), unscheduled, kMaxAmount, any_cost(rng, most));
    for (const int r : rack) {
      if (rng.below(2) == 0) out.arc(group.back(), r, between(rng, 0, 9), any_cost(rng, most));
    }
    for (const int m : machine) {
      if (rng.below(3) == 0) out.arc(group.back(), m, between(rng, 0, 3), any_cost(rng, most));
    }
  }
  for (int i = 0; i < pods; ++i) {
    const int pod = out.node(1);
    --out.supplies[sink];
    out.arc(pod, unscheduled, 1, any_cost(rng, most) + most);
    out.arc(pod, group[rng.below(group.size())], 1, any_cost(rng, 3));
  }
  return out;
}

// Flow from one corner to the other, both ways on each edge. Perhaps not routable.
inline Problem grid(Rng& rng) {
  Problem out;
  const int width = between(rng, 2, 6), height = between(rng, 2, 6);
  const Cost most = rng.below(2) == 0 ? 3 : 500;
  for (int i = 0; i < width * height; ++i) out.node();
  const Amount supply = between(rng, 1, 8);
  out.supplies.front() = supply;
  out.supplies.back() = -supply;
  const auto both = [&](int a, int b) {
    out.arc(a, b, between(rng, 0, 6), any_cost(rng, most));
    out.arc(b, a, between(rng, 0, 6), any_cost(rng, most));
  };
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (x + 1 < width) both(y * width + x, y * width + x + 1);
      if (y + 1 < height) both(y * width + x, y * width + x + width);
    }
  }
  return out;
}

// Anything: several sources and demands, arcs side by side, arcs without capacity, nodes out of reach. `least`: negative costs, and so
// negative cycles, when it is.
inline Problem tangle(Rng& rng, Cost least) {
  Problem out;
  const int nodes = between(rng, 2, 14), arcs = between(rng, 1, 5 * nodes);
  for (int i = 0; i < nodes; ++i) out.node();
  for (int i = between(rng, 0, nodes); i > 0; --i) {
    const Amount supply = between(rng, 0, 5);
    out.supplies[rng.below(out.supplies.size())] += supply;
    out.supplies[rng.below(out.supplies.size())] -= supply;
  }
  for (int i = 0; i < arcs; ++i) {
    const int from = between(rng, 0, nodes - 1), to = between(rng, 0, nodes - 2);
    out.arc(from, to < from ? to : to + 1, between(rng, -3, 9) < 0 ? 0 : between(rng, 1, 9), least + any_cost(rng, 40 - least));
  }
  if (rng.below(3) != 0) {  // mostly routable: a way out of everything, at a high price
    const int out_of_it = out.node();
    for (int i = 0; i < nodes; ++i) {
      if (out.supplies[i] > 0) out.arc(i, out_of_it, out.supplies[i], 300);
      if (out.supplies[i] < 0) out.arc(out_of_it, i, -out.supplies[i], 200);
    }
  }
  return out;
}

// Costs by a price of each node: negative ones, but no cycle below zero.
inline Problem shifted(Rng& rng) {
  Problem out = rng.below(2) == 0 ? tangle(rng, 0) : grid(rng);
  std::vector<Cost> price;
  for (std::size_t i = 0; i < out.supplies.size(); ++i) price.push_back(any_cost(rng, 100));
  for (Problem::Arc& arc : out.arcs) arc.cost += price[arc.from] - price[arc.to];
  return out;
}

struct Shape {
  const char* name;
  Problem (*make)(Rng&);
  bool negative_costs, negative_cycles;
};

inline constexpr Shape kShapes[] = {
    {"scheduling", scheduling, false, false},
    {"grid", grid, false, false},
    {"tangle", [](Rng& rng) { return tangle(rng, 0); }, false, false},
    {"shifted", shifted, true, false},
    {"cycles", [](Rng& rng) { return tangle(rng, -30); }, true, true},
};

inline NodeIndex any_node(const Network& network, Rng& rng) {
  NodeIndex n = static_cast<NodeIndex>(rng.below(static_cast<std::uint64_t>(network.node_slots())));
  while (!network.has_node(n)) n = (n + 1) % network.node_slots();
  return n;
}

inline ArcIndex any_arc(const Network& network, Rng& rng) {
  if (network.arc_count() == 0) return kNone;
  ArcIndex a = 2 * static_cast<ArcIndex>(rng.below(static_cast<std::uint64_t>(network.arc_slots() / 2)));
  while (!network.has_arc(a)) a = (a + 2) % network.arc_slots();
  return a;
}

// A cluster on its way: pods come and go, machines die and are joined, fill, and change their prices. `network` has a sink.
class Cluster {
 public:
  explicit Cluster(Rng& rng, int machines, int classes) : rng_(rng) {
    sink_ = network.add_sink();
    unscheduled_ = network.add_node();
    network.add_arc(unscheduled_, sink_, kMaxAmount, 0);
    for (int i = 0; i < classes; ++i) add_class();
    for (int i = 0; i < machines; ++i) add_machine();
  }

  void step() {
    switch (rng_.below(12)) {
      case 0: add_machine(); break;
      case 1: remove_machine(); break;
      case 2: resize(); break;
      case 3: reprice(); break;
      case 4:
      case 5: remove_pod(); break;
      case 6:
        if (classes_.size() < 6) add_class();
        break;
      case 7: rewire(); break;
      case 8: more_of_a_class(); break;
      default: add_pod(); break;
    }
  }

  Network network;

 private:
  void add_class() {
    classes_.push_back(network.add_node());
    network.add_arc(classes_.back(), unscheduled_, kMaxAmount, between(rng_, 50, 90));
    for (const NodeIndex m : machines_) connect(classes_.back(), m);
  }
  void connect(NodeIndex group, NodeIndex machine) {
    if (rng_.below(4) != 0) network.add_arc(group, machine, between(rng_, 1, 6), between(rng_, 0, 40));
  }
  void add_machine() {
    machines_.push_back(network.add_node());
    for (int slot = 0, slots = between(rng_, 0, 4); slot < slots; ++slot)
      network.add_arc(machines_.back(), sink_, between(rng_, 1, 2), 3 * slot);
    for (const NodeIndex c : classes_) connect(c, machines_.back());
  }
  void remove_machine() {
    if (machines_.empty()) return;
    const std::size_t i = rng_.below(machines_.size());
    network.remove_node(machines_[i]);
    machines_.erase(machines_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  void resize() {
    const ArcIndex a = any_arc(network, rng_);
    if (network.from(a) != unscheduled_ && network.to(a) != unscheduled_) network.set_capacity(a, between(rng_, 0, 4));
  }
  void reprice() { network.set_cost(any_arc(network, rng_), between(rng_, -5, 60)); }
  void rewire() {
    const ArcIndex a = any_arc(network, rng_);
    if (network.from(a) == unscheduled_ || network.to(a) == unscheduled_) return;
    const NodeIndex from = network.from(a), to = network.to(a);
    network.remove_arc(a);
    network.add_arc(from, to, between(rng_, 0, 5), between(rng_, 0, 40));
  }
  void add_pod() {
    pods_.push_back(network.add_node(1));
    network.add_arc(pods_.back(), unscheduled_, 1, between(rng_, 60, 99));
    network.add_arc(pods_.back(), classes_[rng_.below(classes_.size())], 1, 0);
  }
  void remove_pod() {
    if (pods_.empty()) return;
    const std::size_t i = rng_.below(pods_.size());
    network.remove_node(pods_[i]);
    pods_.erase(pods_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  void more_of_a_class() { network.set_supply(classes_[rng_.below(classes_.size())], between(rng_, 0, 6)); }

  Rng& rng_;
  NodeIndex sink_, unscheduled_;
  std::vector<NodeIndex> classes_, machines_, pods_;
};

}  // namespace ph::scheduler::flow::test
