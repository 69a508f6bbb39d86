// A solve that is ended early leaves a feasible flow, says what is not covered, and the next one goes on from there.
#include <gtest/gtest.h>

#include "scheduler/flow/solver.h"
#include "tests/scheduler/flow/check.h"
#include "tests/scheduler/flow/problem.h"

namespace ph::scheduler::flow::test {
namespace {

struct Named {
  const char* name;
  std::unique_ptr<Solver> (*make)();
};

const Named kAll[] = {
    {"relaxation", make_relaxation},
    {"cost_scaling", make_cost_scaling},
    {"auction", make_auction},
    {"race", [] { return make_race(Turns::kSideBySide); }},
    {"in_turn", [] { return make_race(Turns::kOneAfterAnother, 500); }},
};

class Limited : public ::testing::TestWithParam<Named> {};

// Cut at every place, more or less.
TEST_P(Limited, AStoppedSolveLeavesAFeasibleFlow) {
  const auto solver = GetParam().make(), exact = make_relaxation();
  int stopped = 0;
  for (int i = 0; i < 400; ++i) {
    SeededRng rng(static_cast<std::uint64_t>(i));
    const Shape& shape = kShapes[i % std::size(kShapes)];
    const Problem problem = shape.make(rng);
    SCOPED_TRACE(fmt::format("{} {}", shape.name, i));
    Network network = network_of(problem), other = network_of(problem);
    const Outcome outcome = solver->solve(network, {.stop = {}, .iterations = static_cast<std::int64_t>(rng.below(600))});
    ASSERT_EQ(wrong_flow(network, outcome), "");
    stopped += outcome.found == Found::kStopped;
    const Outcome next = exact->solve(network, {}), best = exact->solve(other, {});
    ASSERT_EQ(next.found, best.found);
    if (best.found == Found::kOptimal) {
      ASSERT_EQ(next.cost, best.cost);
    }
  }
  EXPECT_GT(stopped, 20);
}

TEST_P(Limited, AStopThatIsAskedForIsHeard) {
  SeededRng rng(7);
  Cluster cluster(rng, 400, 5);
  for (int i = 0; i < 6000; ++i) cluster.step();
  const Outcome outcome = GetParam().make()->solve(cluster.network, {.stop = [] { return true; }});
  EXPECT_EQ(wrong_flow(cluster.network, outcome), "");
  // Side by side the other may be through before it hears of it, and is taken then.
  if (std::string_view(GetParam().name) == "race" && outcome.found == Found::kOptimal) return;
  EXPECT_EQ(outcome.found, Found::kStopped);
  EXPECT_GT(outcome.uncovered, 0);
}

TEST_P(Limited, NothingToDoIsDoneAtOnce) {
  Network network;
  const auto solver = GetParam().make();
  EXPECT_EQ(solver->solve(network, {}).found, Found::kOptimal);
  const NodeIndex sink = network.add_sink(), source = network.add_node();
  network.add_arc(source, sink, 3, 5);
  EXPECT_EQ(solver->solve(network, {}).cost, 0);
  network.set_supply(source, 3);
  EXPECT_EQ(solver->solve(network, {}).cost, 15);
  EXPECT_EQ(solver->solve(network, {}).cost, 15);
  network.set_supply(source, 4);
  const Outcome outcome = solver->solve(network, {});
  EXPECT_EQ(outcome.found, Found::kInfeasible);
  EXPECT_GE(outcome.uncovered, 1);
  network.remove_node(sink);
  EXPECT_EQ(solver->solve(network, {}).found, Found::kInfeasible);
}

INSTANTIATE_TEST_SUITE_P(Solvers, Limited, ::testing::ValuesIn(kAll),
                         [](const auto& info) { return std::string(info.param.name); });

// What the simulation counts on: the same changes, the same flow, arc by arc.
TEST(InTurn, OneHistoryOneFlow) {
  const auto run = [] {
    SeededRng rng(11);
    Cluster cluster(rng, 30, 4);
    const auto solver = make_race(Turns::kOneAfterAnother, 300);
    std::vector<Amount> flows;
    for (int i = 0; i < 40; ++i) {
      for (int changes = 0; changes < 10; ++changes) cluster.step();
      flows.push_back(solver->solve(cluster.network, {}).cost);
      for (ArcIndex a = 0; a < cluster.network.arc_slots(); a += 2) flows.push_back(cluster.network.flow(a));
    }
    return flows;
  };
  EXPECT_EQ(run(), run());
}

TEST(Changes, IndexesAreGivenOutAgain) {
  Network network;
  const NodeIndex sink = network.add_sink(), a = network.add_node(2), b = network.add_node();
  const ArcIndex ab = network.add_arc(a, b, 2, 1);
  network.add_arc(b, sink, 2, 1);
  make_relaxation()->solve(network, {});
  EXPECT_EQ(network.flow(ab), 2);
  network.set_capacity(ab, 1);
  EXPECT_EQ(network.flow(ab), 1);
  EXPECT_EQ(network.excess(a), 1);
  EXPECT_EQ(network.excess(b), -1);
  EXPECT_EQ(network.supply(sink), -2);
  network.remove_node(b);
  EXPECT_FALSE(network.has_node(b));
  EXPECT_FALSE(network.has_arc(ab));
  EXPECT_EQ(network.arc_count(), 0);
  EXPECT_EQ(network.add_node(), b);
  EXPECT_EQ(wrong_sums(network), "");
}

}  // namespace
}  // namespace ph::scheduler::flow::test
