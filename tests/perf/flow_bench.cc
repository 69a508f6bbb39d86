// What a solve costs: networks of machines, racks, pods in classes, with a price that rises as a machine fills, at a given use of the cluster.
// From nothing, and after a moment's changes (a hundred pods end, a hundred come, a machine dies, one joins). Counters: the network's
// megabytes, the solver's steps, and of approximate answers the gap in percent.
//
//   build/release/bin/flow_bench --benchmark_filter='12500/.*race'
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <vector>

#include "base/rng.h"
#include "scheduler/flow/solver.h"

namespace ph::scheduler::flow {
namespace {

struct Size {
  int machines, pods, classes, percent;  // of the slots that pods would take
  bool direct;                           // each class has an arc to each machine, rather than by racks and to a few it prefers
  const char* name;
};

class Datacenter {
 public:
  explicit Datacenter(const Size& size, std::uint64_t seed = 1) : size_(size), rng_(seed) {
    slots_ = static_cast<double>(size.pods) * 100 / size.percent / size.machines;
    sink_ = network.add_sink();
    unscheduled_ = network.add_node();
    network.add_arc(unscheduled_, sink_, kMaxAmount, 0);
    for (int i = 0; i < size.machines / 40 + 1; ++i) racks_.push_back(network.add_node());
    for (int i = 0; i < size.machines; ++i) add_machine();
    if (!size.direct) cluster_ = network.add_node();
    if (!size.direct) {
      for (const NodeIndex rack : racks_) network.add_arc(cluster_, rack, 40 * 64, 5);
    }
    for (int i = 0; i < size.classes; ++i) add_class();
    for (int i = 0; i < size.pods; ++i) add_pod();
  }

  void moment() {
    for (int i = 0; i < 100; ++i) {
      const std::size_t at = rng_.below(pods_.size());
      network.remove_node(pods_[at]);
      pods_[at] = pods_.back();
      pods_.pop_back();
    }
    const std::size_t at = rng_.below(machines_.size());
    network.remove_node(machines_[at]);
    machines_[at] = machines_.back();
    machines_.pop_back();
    add_machine();
    if (size_.direct) {
      for (const NodeIndex c : classes_) network.add_arc(c, machines_.back(), 64, static_cast<Cost>(rng_.below(100)));
    }
    for (int i = 0; i < 100; ++i) add_pod();
  }

  Network network;

 private:
  void add_machine() {
    machines_.push_back(network.add_node());
    if (!size_.direct) network.add_arc(racks_[rng_.below(racks_.size())], machines_.back(), 64, 0);
    double slots = slots_ + rng_.fraction();
    for (Cost cost = static_cast<Cost>(rng_.below(20)); slots >= 1; cost += 10) {
      const int step = std::min(4, static_cast<int>(slots));
      network.add_arc(machines_.back(), sink_, step, cost);
      slots -= step;
    }
  }
  void add_class() {
    const NodeIndex made = network.add_node();
    classes_.push_back(made);
    if (size_.direct) {
      for (const NodeIndex m : machines_) network.add_arc(made, m, 64, static_cast<Cost>(rng_.below(100)));
    } else {
      network.add_arc(made, cluster_, kMaxAmount, 40);
      for (int i = 0; i < 30; ++i)
        network.add_arc(made, machines_[rng_.below(machines_.size())], 64, static_cast<Cost>(rng_.below(30)));
    }
  }
  void add_pod() {
    pods_.push_back(network.add_node(1));
    network.add_arc(pods_.back(), unscheduled_, 1, 1000 + static_cast<Cost>(rng_.below(200)));
    network.add_arc(pods_.back(), classes_[rng_.below(classes_.size())], 1, 0);
  }

  const Size size_;
  SeededRng rng_;
  double slots_;
  NodeIndex sink_, unscheduled_, cluster_ = kNone;
  std::vector<NodeIndex> racks_, machines_, classes_, pods_;
};

struct Named {
  const char* name;
  std::unique_ptr<Solver> (*make)();
};

constexpr Named kSolvers[] = {
    {"relaxation", make_relaxation},
    {"cost_scaling", make_cost_scaling},
    {"auction", make_auction},
    {"race", [] { return make_race(Turns::kSideBySide); }},
};

constexpr Size kSizes[] = {
    {1'000, 10'000, 100, 50, false, "racks"},      {1'000, 10'000, 100, 90, true, "direct"},
    {12'500, 10'000, 200, 50, false, "racks"},     {12'500, 150'000, 1'800, 50, false, "racks"},
    {12'500, 150'000, 1'800, 90, false, "racks"},  {12'500, 150'000, 1'800, 97, false, "racks"},
    {12'500, 150'000, 1'800, 105, false, "racks"}, {12'500, 150'000, 100, 90, true, "direct"},
};

void count(benchmark::State& state, const Network& network, const Outcome& outcome) {
  if (outcome.found != Found::kOptimal && outcome.found != Found::kApproximate) state.SkipWithError("not solved");
  state.counters["MB"] = static_cast<double>(network.bytes()) / 1e6;
  state.counters["steps"] = static_cast<double>(outcome.iterations);
  state.counters["cost"] = static_cast<double>(outcome.cost);
  if (outcome.cost != 0) state.counters["gap%"] = 100.0 * static_cast<double>(outcome.gap) / static_cast<double>(outcome.cost);
}

void scratch(benchmark::State& state, const Size& size, const Named& named) {
  Datacenter datacenter(size);
  const auto solver = named.make();
  Outcome outcome;
  for (auto _ : state) {
    state.PauseTiming();
    datacenter.network.forget_flow();
    state.ResumeTiming();
    outcome = solver->solve(datacenter.network, {});
  }
  count(state, datacenter.network, outcome);
}

void incremental(benchmark::State& state, const Size& size, const Named& named) {
  Datacenter datacenter(size);
  const auto solver = named.make();
  Outcome outcome = make_relaxation()->solve(datacenter.network, {});
  for (auto _ : state) {
    state.PauseTiming();
    datacenter.moment();
    state.ResumeTiming();
    outcome = solver->solve(datacenter.network, {});
  }
  count(state, datacenter.network, outcome);
}

void register_all() {
  for (const Size& size : kSizes) {
    for (const Named& named : kSolvers) {
      const std::string name =
          fmt::format("{}_machines/{}_pods/{}%/{}/{}", size.machines, size.pods, size.percent, size.name, named.name);
      benchmark::RegisterBenchmark(("scratch/" + name).c_str(), scratch, size, named)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime()
          ->Iterations(1);
      benchmark::RegisterBenchmark(("incremental/" + name).c_str(), incremental, size, named)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime()
          ->Iterations(20);
    }
  }
}

}  // namespace
}  // namespace ph::scheduler::flow

int main(int argc, char** argv) {
  ph::scheduler::flow::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
