// Bytes are what happens to a network: nodes and arcs come, change and go, and now and then all is solved. Every solver finds the same cost or
// that there is none, keeps to capacities, and leaves prices that prove it; one that is cut short leaves a feasible flow.
#include <array>
#include <memory>

#include "base/assert.h"
#include "scheduler/flow/solver.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/fuzzers.h"
#include "tests/scheduler/flow/check.h"

namespace ph::fuzz {
namespace {

using namespace scheduler::flow;

constexpr std::int32_t kNodesMost = 24, kArcsMost = 96;
constexpr int kSolvesMost = 12;

class History {
 public:
  void run(std::string_view input) {
    Bytes bytes(input);
    while (!bytes.empty() && solves_ < kSolvesMost) step(bytes);
    solve(0, 255);
  }

 private:
  Amount amount(Bytes& bytes) {
    const std::uint8_t byte = bytes.byte();
    return byte == 255 ? kMaxAmount : byte % 12;
  }
  Cost cost(Bytes& bytes) { return static_cast<std::int8_t>(bytes.byte()); }
  NodeIndex node(Bytes& bytes) {
    const NodeIndex n = network_.node_slots() == 0 ? kNone : bytes.byte() % network_.node_slots();
    return network_.has_node(n) ? n : kNone;
  }
  ArcIndex arc(Bytes& bytes) {
    const ArcIndex a = network_.arc_slots() == 0 ? kNone : bytes.byte() * 2 % network_.arc_slots();
    return network_.has_arc(a) ? a : kNone;
  }

  void step(Bytes& bytes) {
    switch (bytes.byte() % 10) {
      case 0:
        if (network_.node_count() < kNodesMost) network_.add_node(bytes.byte() % 4);
        break;
      case 1: add_arc(bytes); break;
      case 2: add_arc(bytes); break;
      case 3:
        if (const NodeIndex n = node(bytes); n != kNone) network_.remove_node(n);
        break;
      case 4:
        if (const ArcIndex a = arc(bytes); a != kNone) network_.remove_arc(a);
        break;
      case 5:
        if (const ArcIndex a = arc(bytes); a != kNone) network_.set_cost(a, cost(bytes));
        break;
      case 6:
        if (const ArcIndex a = arc(bytes); a != kNone) network_.set_capacity(a, amount(bytes));
        break;
      case 7:
        if (const NodeIndex n = node(bytes); n != kNone && n != network_.sink()) network_.set_supply(n, bytes.byte() % 9 - 3);
        break;
      case 8:
        if (network_.sink() == kNone) network_.add_sink();
        break;
      default: {
        const std::uint8_t who = bytes.byte();
        solve(who, bytes.byte());
      }
    }
  }

  void add_arc(Bytes& bytes) {
    const NodeIndex from = node(bytes), to = node(bytes);
    if (from == kNone || to == kNone || from == to || network_.arc_count() >= kArcsMost) return;
    const Amount capacity = amount(bytes);
    network_.add_arc(from, to, capacity, cost(bytes));
  }

  // All on copies, but the one whose answer the history goes on from.
  void solve(std::uint8_t who, std::uint8_t steps) {
    ++solves_;
    PH_ASSERT(test::wrong_sums(network_).empty());
    Network first = network_;
    const Outcome expected = solve_on(*solvers_[0], first);
    for (std::size_t i = 1; i < solvers_.size(); ++i) {
      Network other = network_;
      const Outcome outcome = solve_on(*solvers_[i], other);
      PH_ASSERT((outcome.found == Found::kInfeasible) == (expected.found == Found::kInfeasible));
      if (outcome.found == Found::kOptimal) PH_ASSERT(outcome.cost == expected.cost);
      if (outcome.found == Found::kApproximate)
        PH_ASSERT(outcome.cost >= expected.cost && outcome.cost - outcome.gap <= expected.cost);
    }
    Network scratch = network_;
    scratch.forget_flow();
    PH_ASSERT(solve_on(*solvers_[1], scratch).found == expected.found);
    if (expected.found == Found::kOptimal) PH_ASSERT(scratch.flow_cost() == expected.cost);
    Solver& solver = *solvers_[who % solvers_.size()];
    const Outcome cut = solver.solve(network_, {.stop = {}, .iterations = steps == 255 ? 1'000'000 : steps * 2});
    PH_ASSERT(test::wrong_flow(network_, cut).empty());
  }

  static Outcome solve_on(Solver& solver, Network& network) {
    const Outcome out = solver.solve(network, {});
    PH_ASSERT(out.found != Found::kStopped);
    PH_ASSERT(test::wrong_flow(network, out).empty());
    if (out.found == Found::kOptimal) PH_ASSERT(out.uncovered == 0 && test::wrong_prices(network).empty());
    return out;
  }

  Network network_;
  int solves_ = 0;
  const std::array<std::unique_ptr<Solver>, 4> solvers_ = {make_relaxation(), make_cost_scaling(), make_auction(),
                                                           make_race(Turns::kOneAfterAnother, 50)};
};

}  // namespace

void flow(std::string_view input) { History().run(input); }

}  // namespace ph::fuzz
