// Every solver's cost is the others' and that of oracles nobody here wrote. PH_FLOW_NETWORKS=100000 in the environment: so many networks.
#include "scheduler/flow/solver.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/scheduler/flow/check.h"
#include "tests/scheduler/flow/oracles.h"

namespace ph::scheduler::flow::test {
namespace {

int asked(const char* variable, int otherwise) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? otherwise : std::atoi(value);
}

struct Named {
  const char* name;
  std::unique_ptr<Solver> (*make)();
};

const Named kExact[] = {
    {"relaxation", make_relaxation},
    {"cost scaling", make_cost_scaling},
    {"race", [] { return make_race(Turns::kSideBySide); }},
    {"in turn", [] { return make_race(Turns::kOneAfterAnother, 100); }},
};

void expect_answer(Solver& solver, Network& network, const Answer& expected) {
  const Outcome outcome = solver.solve(network, {});
  ASSERT_EQ(wrong_flow(network, outcome), "");
  if (!expected) {
    ASSERT_EQ(outcome.found, Found::kInfeasible);
    return;
  }
  ASSERT_EQ(outcome.uncovered, 0);
  ASSERT_EQ(outcome.found, Found::kOptimal);
  ASSERT_EQ(outcome.cost, *expected);
  ASSERT_EQ(wrong_prices(network), "");
}

// Twelve changes between solves, by one solver or by any in turn; each time the cost is that of the oracle, which begins from nothing.
void run_history(std::uint64_t seed, const std::vector<Solver*>& solvers) {
  SeededRng rng(seed);
  Cluster cluster(rng, between(rng, 2, 10), between(rng, 1, 4));
  for (int i = 0; i < 25; ++i) {
    for (int changes = between(rng, 1, 12); changes > 0; --changes) cluster.step();
    ASSERT_EQ(wrong_sums(cluster.network), "");
    const Problem problem = problem_of(cluster.network);
#ifdef PH_HAS_LEMON
    const Answer expected = by_simplex(problem);
#else
    const Answer expected = by_cycle_canceling(problem);
#endif
    Solver& solver = *solvers[rng.below(solvers.size())];
    SCOPED_TRACE(fmt::format("history {}, solve {} by {}", seed, i, solver.name()));
    ASSERT_NO_FATAL_FAILURE(expect_answer(solver, cluster.network, expected));
  }
}

TEST(Histories, ASolverGoesOnFromItsOwnAnswers) {
  for (const Named& named : kExact) {
    const auto solver = named.make();
    for (int seed = 0; seed < asked("PH_FLOW_HISTORIES", 1000) / 4; ++seed) {
      ASSERT_NO_FATAL_FAILURE(run_history(static_cast<std::uint64_t>(seed), {solver.get()}));
    }
  }
}

TEST(Histories, ASolverGoesOnFromAnothersAnswers) {
  std::vector<std::unique_ptr<Solver>> solvers;
  std::vector<Solver*> all;
  for (const Named& named : kExact) all.push_back(solvers.emplace_back(named.make()).get());
  for (int seed = 0; seed < asked("PH_FLOW_HISTORIES", 1000); ++seed) {
    ASSERT_NO_FATAL_FAILURE(run_history(static_cast<std::uint64_t>(100'000 + seed), all));
  }
}

class Random : public ::testing::TestWithParam<Shape> {};

TEST_P(Random, EverySolverAgreesWithEveryOracle) {
  const int networks = asked("PH_FLOW_NETWORKS", 5000) / static_cast<int>(std::size(kShapes));
  std::vector<std::unique_ptr<Solver>> solvers;
  for (const Named& named : kExact) solvers.push_back(named.make());
  for (int i = 0; i < networks; ++i) {
    SeededRng rng(static_cast<std::uint64_t>(i));
    const Problem problem = GetParam().make(rng);
    std::vector<Answer> answers;
#if !__has_feature(undefined_behavior_sanitizer)  // Boost adds up the distances of nodes out of reach
    if (!GetParam().negative_costs) answers.push_back(by_shortest_paths(problem));
#endif
    if (!GetParam().negative_cycles && i % 4 == 0) answers.push_back(by_cycle_canceling(problem));
#ifdef PH_HAS_LEMON
    answers.push_back(by_simplex(problem));
#endif
    for (const Answer& answer : answers) ASSERT_EQ(answer, answers.front()) << "oracles differ on network " << i;
    for (const auto& solver : solvers) {
      SCOPED_TRACE(fmt::format("{} on network {}", solver->name(), i));
      Network network = network_of(problem);
      if (answers.empty()) answers.push_back(solver->solve(network, {}).cost);
      ASSERT_NO_FATAL_FAILURE(expect_answer(*solver, network, answers.front()));
    }
  }
}

// The auction need not find the best, but says how far it may be from it, and is never wrong about what is feasible.
TEST_P(Random, TheAuctionKeepsToItsGap) {
  const auto auction = make_auction(), exact = make_relaxation();
  for (int i = 0; i < asked("PH_FLOW_NETWORKS", 5000) / static_cast<int>(std::size(kShapes)); ++i) {
    SeededRng rng(static_cast<std::uint64_t>(i));
    const Problem problem = GetParam().make(rng);
    SCOPED_TRACE(fmt::format("network {}", i));
    Network network = network_of(problem), other = network_of(problem);
    const Outcome best = exact->solve(other, {}), outcome = auction->solve(network, {});
    ASSERT_EQ(wrong_flow(network, outcome), "");
    ASSERT_EQ(outcome.found == Found::kInfeasible, best.found == Found::kInfeasible);
    if (best.found == Found::kInfeasible) continue;
    ASSERT_EQ(outcome.uncovered, 0);
    ASSERT_EQ(outcome.found, outcome.gap == 0 ? Found::kOptimal : Found::kApproximate);
    ASSERT_GE(outcome.cost, best.cost);
    ASSERT_LE(outcome.cost - outcome.gap, best.cost);
    // An exact solver goes on from there.
    const Outcome polished = exact->solve(network, {});
    ASSERT_EQ(polished.found, Found::kOptimal);
    ASSERT_EQ(polished.cost, best.cost);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Random, ::testing::ValuesIn(kShapes),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ph::scheduler::flow::test
