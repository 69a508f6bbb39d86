#include "scheduler/flow/graph_check.h"

#include <gtest/gtest.h>

#include <sstream>

#include "scheduler/flow/solver.h"

namespace ph::scheduler::flow::test {
namespace {

class GraphCheck : public ::testing::Test {
 protected:
  Network network;
  NodeIndex sink = network.add_sink(), machine = network.add_node(), pod = network.add_node(1);
  ArcIndex to_machine = network.add_arc(pod, machine, 1, 3), to_sink = network.add_arc(machine, sink, kMaxAmount, -2);
};

TEST_F(GraphCheck, AWholeNetworkIsFine) {
  EXPECT_EQ(graph_problem(network), "");
  make_relaxation()->solve(network, {});
  EXPECT_EQ(graph_problem(network), "");
  EXPECT_EQ(graph_problem(Network()), "");
}

TEST_F(GraphCheck, ASupplyWithoutAWayIsTold) {
  network.set_capacity(to_machine, 0);
  EXPECT_EQ(graph_problem(network), "node 2 supplies 1 and has no way to any demand");
}

TEST_F(GraphCheck, ADeadEndIsTold) {
  const NodeIndex end = network.add_node();
  network.add_arc(pod, end, 1, 0);
  EXPECT_EQ(graph_problem(network), "node 3 is a dead end");
}

TEST_F(GraphCheck, ImbalanceIsTold) {
  network.remove_node(sink);
  EXPECT_EQ(graph_problem(network), "supplies are 1 more than demands");
}

TEST_F(GraphCheck, IsDrawn) {
  make_relaxation()->solve(network, {});
  std::ostringstream out;
  write_graph(out, network, [&](NodeIndex n) { return n == machine ? std::string("node \"a\"") : std::string(); });
  EXPECT_EQ(out.str(),
            "digraph G {\nrankdir=LR;\n"
            "0[label=\"0 (-1)\", shape=doublecircle];\n1[label=\"node \\\"a\\\"\"];\n2[label=\"2 (+1)\"];\n"
            "2->1 [label=\"1/1 @3\", style=bold];\n1->0 [label=\"1/∞ @-2\", style=bold];\n}\n");
}

}  // namespace
}  // namespace ph::scheduler::flow::test
