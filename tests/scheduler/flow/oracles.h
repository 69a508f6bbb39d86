// Others' min-cost flows: Boost.Graph's and, where it is installed, LEMON's. Heavy: one test includes it.
#pragma once

#include <optional>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/cycle_canceling.hpp>
#include <boost/graph/edmonds_karp_max_flow.hpp>
#include <boost/graph/find_flow_cost.hpp>
#include <boost/graph/successive_shortest_path_nonnegative_weights.hpp>

#if __has_include(<lemon/network_simplex.h>)
#define PH_HAS_LEMON 1
#include <lemon/list_graph.h>
#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>
#endif

#include "tests/scheduler/flow/problem.h"

namespace ph::scheduler::flow::test {

namespace boosted {

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using Graph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                          boost::property<boost::edge_capacity_t, Amount,
                                          boost::property<boost::edge_residual_capacity_t, Amount,
                                                          boost::property<boost::edge_reverse_t, Traits::edge_descriptor,
                                                                          boost::property<boost::edge_weight_t, Cost>>>>>;

inline void add(Graph& graph, std::size_t from, std::size_t to, Amount capacity, Cost cost) {
  const auto there = boost::add_edge(from, to, graph).first, back = boost::add_edge(to, from, graph).first;
  boost::put(boost::edge_capacity, graph, there, capacity);
  boost::put(boost::edge_capacity, graph, back, 0);
  boost::put(boost::edge_weight, graph, there, cost);
  boost::put(boost::edge_weight, graph, back, -cost);
  boost::put(boost::edge_reverse, graph, there, back);
  boost::put(boost::edge_reverse, graph, back, there);
}

struct Built {
  Graph graph;
  std::size_t source, sink;
  Amount wanted = 0;
};

inline Built build(const Problem& problem) {
  const std::size_t nodes = problem.supplies.size();
  Built out{.graph = Graph(nodes + 2), .source = nodes, .sink = nodes + 1};
  for (const auto& [from, to, capacity, cost] : problem.arcs) add(out.graph, from, to, capacity, cost);
  for (std::size_t n = 0; n < nodes; ++n) {
    if (problem.supplies[n] > 0) add(out.graph, out.source, n, problem.supplies[n], 0);
    if (problem.supplies[n] < 0) add(out.graph, n, out.sink, -problem.supplies[n], 0);
    out.wanted += std::max<Amount>(0, problem.supplies[n]);
  }
  return out;
}

inline bool routed(const Built& built) {
  Amount sent = 0;
  for (auto [e, end] = boost::out_edges(built.source, built.graph); e != end; ++e) {
    sent += boost::get(boost::edge_capacity, built.graph, *e) - boost::get(boost::edge_residual_capacity, built.graph, *e);
  }
  return sent == built.wanted;
}

}  // namespace boosted

// The least cost, or nothing when not everything can be routed.
using Answer = std::optional<Cost>;

// No negative costs.
inline Answer by_shortest_paths(const Problem& problem) {
  boosted::Built built = boosted::build(problem);
  if (built.wanted == 0) return 0;
  boost::successive_shortest_path_nonnegative_weights(built.graph, built.source, built.sink);
  if (!boosted::routed(built)) return std::nullopt;
  return boost::find_flow_cost(built.graph);
}

// Any costs: from a maximal flow it cancels every negative cycle that it finds from a node that reaches all.
inline Answer by_cycle_canceling(const Problem& problem) {
  boosted::Built built = boosted::build(problem);
  if (built.wanted == 0) return 0;
  boost::edmonds_karp_max_flow(built.graph, built.source, built.sink);
  if (!boosted::routed(built)) return std::nullopt;
  boost::cycle_canceling(built.graph);
  return boost::find_flow_cost(built.graph);
}

#ifdef PH_HAS_LEMON
inline Answer by_simplex(const Problem& problem) {
  lemon::SmartDigraph graph;
  std::vector<lemon::SmartDigraph::Node> nodes;
  for (std::size_t i = 0; i < problem.supplies.size(); ++i) nodes.push_back(graph.addNode());
  lemon::SmartDigraph::ArcMap<Amount> capacity(graph);
  lemon::SmartDigraph::ArcMap<Cost> cost(graph);
  lemon::SmartDigraph::NodeMap<Amount> supply(graph);
  for (std::size_t i = 0; i < nodes.size(); ++i) supply[nodes[i]] = problem.supplies[i];
  for (const Problem::Arc& arc : problem.arcs) {
    const auto a = graph.addArc(nodes[arc.from], nodes[arc.to]);
    capacity[a] = arc.capacity;
    cost[a] = arc.cost;
  }
  lemon::NetworkSimplex<lemon::SmartDigraph, Amount, Cost> simplex(graph);
  simplex.upperMap(capacity).costMap(cost).supplyMap(supply);
  if (simplex.run() != simplex.OPTIMAL) return std::nullopt;
  return simplex.totalCost();
}
#endif

}  // namespace ph::scheduler::flow::test
