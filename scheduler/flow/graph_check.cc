#include "scheduler/flow/graph_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/graphviz.hpp>
#include <boost/graph/reverse_graph.hpp>

namespace ph::scheduler::flow {
namespace {

struct NodeOf {
  NodeIndex index = kNone;
};
struct ArcOf {
  ArcIndex index = kNone;
};
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, NodeOf, ArcOf>;

// Of what is there, and of arcs those that may carry flow, or all.
struct Built {
  Graph graph;
  std::vector<std::size_t> vertex_of;  // by node
};

Built build(const Network& network, bool all) {
  Built out;
  out.vertex_of.resize(static_cast<std::size_t>(network.node_slots()));
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    if (network.has_node(n)) out.vertex_of[n] = boost::add_vertex(NodeOf{n}, out.graph);
  }
  for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
    if (!network.has_arc(a) || (!all && network.capacity(a) == 0)) continue;
    boost::add_edge(out.vertex_of[network.from(a)], out.vertex_of[network.to(a)], ArcOf{a}, out.graph);
  }
  return out;
}

std::string wrong_sums(const Network& network) {
  std::vector<Amount> excess(static_cast<std::size_t>(network.node_slots()), 0);
  Cost cost = 0;
  for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
    if (!network.has_arc(a)) continue;
    if (network.capacity(a) < 0 || network.capacity(a) > kMaxAmount)
      return fmt::format("arc {} has a capacity of {}", a, network.capacity(a));
    if (network.flow(a) < 0 || network.residual(a) < 0)
      return fmt::format("arc {} has a flow of {}/{}", a, network.flow(a), network.capacity(a));
    excess[network.from(a)] -= network.flow(a);
    excess[network.to(a)] += network.flow(a);
    cost += network.flow(a) * network.cost(a);
  }
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    if (network.has_node(n) && excess[n] + network.supply(n) != network.excess(n))
      return fmt::format("node {} is wrong about its excess", n);
  }
  if (cost != network.flow_cost()) return fmt::format("the flow costs {}, not {}", cost, network.flow_cost());
  if (network.imbalance() != 0) return fmt::format("supplies are {} more than demands", network.imbalance());
  return {};
}

}  // namespace

std::string graph_problem(const Network& network) {
  if (std::string wrong = wrong_sums(network); !wrong.empty()) return wrong;
  const Built built = build(network, false);
  const auto against = boost::make_reverse_graph(built.graph);
  std::vector<boost::default_color_type> colors(boost::num_vertices(built.graph), boost::white_color);
  const auto color = boost::make_iterator_property_map(colors.begin(), boost::get(boost::vertex_index, built.graph));
  boost::queue<std::size_t> queue;
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    if (!network.has_node(n) || (network.supply(n) >= 0 && n != network.sink())) continue;
    const std::size_t vertex = built.vertex_of[n];
    if (colors[vertex] == boost::white_color)
      boost::breadth_first_visit(against, vertex, queue, boost::default_bfs_visitor(), color);
  }
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    if (!network.has_node(n) || colors[built.vertex_of[n]] != boost::white_color) continue;
    if (network.supply(n) > 0) return fmt::format("node {} supplies {} and has no way to any demand", n, network.supply(n));
    if (boost::in_degree(built.vertex_of[n], built.graph) > 0) return fmt::format("node {} is a dead end", n);
  }
  return {};
}

void write_graph(std::ostream& out, const Network& network, const std::function<std::string(NodeIndex)>& label) {
  const Built built = build(network, true);
  const auto write_node = [&](std::ostream& to, std::size_t vertex) {
    const NodeIndex n = built.graph[vertex].index;
    std::string text = label ? label(n) : std::string();
    if (text.empty()) text = std::to_string(n);
    if (network.supply(n) != 0) text += fmt::format(" ({:+})", network.supply(n));
    to << "[label=" << boost::escape_dot_string(text) << (n == network.sink() ? ", shape=doublecircle]" : "]");
  };
  const auto write_arc = [&](std::ostream& to, const Graph::edge_descriptor& edge) {
    const ArcIndex a = built.graph[edge].index;
    const std::string capacity = network.capacity(a) == kMaxAmount ? "∞" : std::to_string(network.capacity(a));
    to << "[label=\"" << network.flow(a) << "/" << capacity << " @" << network.cost(a)
       << (network.flow(a) > 0 ? "\", style=bold]" : "\"]");
  };
  const auto write_all = [](std::ostream& to) { to << "rankdir=LR;\n"; };
  boost::write_graphviz(out, built.graph, write_node, write_arc, write_all);
}

}  // namespace ph::scheduler::flow
