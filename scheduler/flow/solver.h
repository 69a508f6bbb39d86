// Solver: min-cost max-flow on a Network, from whatever flow and prices are there. One interface; which is best depends:
//
//   relaxation     few changes, or room for most: local, and hardly slower for a larger network
//   cost scaling   much is contested: its time depends little on how much
//   auction        a batch far larger than the machines, and good enough will do: says how far from the best it may be
//   race           relaxation and cost scaling at once, the first answer taken (Gog et al., OSDI 2016, §6.1)
//
// Supplies must all be routable: callers give each source a way to stay unscheduled, with a price. Where they are not, the answer is
// kInfeasible, whatever the solver.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>

#include "scheduler/flow/network.h"

namespace ph::scheduler::flow {

enum class Found {
  kOptimal,
  kApproximate,  // every supply is covered, at a cost that is at most `gap` above the best
  kStopped,      // by the limits; what is there is feasible, `uncovered` of the supply not routed
  kInfeasible,   // some supply has no way to a demand, or supplies and demands are not equal
};

struct Outcome {
  Found found = Found::kOptimal;
  Cost cost = 0;                // of the flow that is in the network now
  Amount uncovered = 0;         // supply that is not routed; 0 unless stopped or infeasible
  Cost gap = 0;                 // of kApproximate
  std::int64_t iterations = 0;  // the solver's own steps, for comparing a solver with itself
  std::string_view solver;      // who found it
};

struct Limits {
  // Asked now and then (every few microseconds at most, every few milliseconds at least), on the thread that called solve: true ends the
  // solve. Clocks are the caller's business. Empty: never.
  std::function<bool()> stop;
  // Ends it after so many of Outcome's iterations: a bound that is the same on every machine.
  std::int64_t iterations = std::numeric_limits<std::int64_t>::max();
};

// Keeps its working memory between solves, and nothing else: any solver may follow any other on a network. Threads: one at a time.
class Solver {
 public:
  virtual ~Solver() = default;
  virtual std::string_view name() const = 0;
  // Whatever it finds, the network's flow keeps to capacities, no node sends on more than it has, and what is not routed stays at its source.
  virtual Outcome solve(Network& network, const Limits& limits) = 0;
};

// Bertsekas' relaxation: dual ascent on sets of nodes around an excess. Bertsekas & Tseng, "Relaxation methods for minimum cost
// ordinary and generalized network flow problems" (1988).
std::unique_ptr<Solver> make_relaxation();

// Goldberg's cost scaling by push and relabel, with global price updates and price refinement. Goldberg, "An efficient implementation of
// a scaling minimum-cost flow algorithm" (1997).
std::unique_ptr<Solver> make_cost_scaling();

// Bertsekas' auction (epsilon relaxation): prices are bid up in coarse steps until everything is routed. Answers kApproximate, or kOptimal
// when the gap is zero.
std::unique_ptr<Solver> make_auction();

enum class Turns {
  kSideBySide,       // cost scaling on a thread of its own and a copy of the network
  kOneAfterAnother,  // on the calling thread: relaxation, for its share of the iterations; then cost scaling. The same each time
};
// The answer is the first that is optimal or infeasible. When both are stopped: the one that leaves less uncovered; of equals the cheaper.
// `relaxation_share`: how many iterations relaxation has at most when they take turns.
std::unique_ptr<Solver> make_race(Turns turns, std::int64_t relaxation_share = 4'000'000);

}  // namespace ph::scheduler::flow
