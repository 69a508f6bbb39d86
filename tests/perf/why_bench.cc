// What an explanation costs, up to its JSON: 5,000 nodes with 30 pods each.
//
//   build/release/bin/why_bench
#include <benchmark/benchmark.h>

#include "scheduler/why/json.h"
#include "tests/scheduler/why_world.h"

namespace ph::scheduler::test {
namespace {

constexpr int kNodes = 5000, kPodsPerNode = 30;

WhyWorld& world() {
  static WhyWorld* made = [] {
    auto* out = new WhyWorld;
    for (int i = 0; i < kNodes; ++i) {
      const std::string name = "node-" + std::to_string(i);
      MakeNode node = make_node(name)
                          .has("cpu", "32")
                          .has("memory", "128Gi")
                          .label("kubernetes.io/hostname", name)
                          .label("topology.kubernetes.io/zone", "zone-" + std::to_string(i % 3))
                          .label("pool", i % 10 == 0 ? "special" : "common");
      if (i % 10 == 1) node = std::move(node).taint("team", "blue", "NoSchedule");
      out->cluster.node(node);
      for (int p = 0; p < kPodsPerNode; ++p) {
        out->cluster.pod(make_pod("pod-" + std::to_string(i) + "-" + std::to_string(p))
                             .on(name)
                             .label("app", "app-" + std::to_string(p))
                             .asks(std::to_string(900 + i % 100) + "m", "1Gi"));
      }
    }
    return out;
  }();
  return *made;
}

void run(benchmark::State& state, const Pod& pod, const std::string& edits = {}) {
  WhyWorld& all = world();
  std::size_t bytes = 0;
  benchmark::DoNotOptimize(all.explain(pod));  // the snapshot is there, as in a scheduler that runs
  for (auto _ : state) {
    const std::string text = why::to_json(all.explain(pod, edits));
    bytes = text.size();
    benchmark::DoNotOptimize(text.data());
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}

Pod plain(const std::string& cpu, int priority = 0) {
  return make_pod().priority(priority).label("app", "app-1").asks(cpu, "1Gi");
}

Pod spread() {
  Pod pod = plain("1");
  auto* constraint = pod.mutable_spec()->add_topology_spread_constraints();
  constraint->set_max_skew(1);
  constraint->set_topology_key("topology.kubernetes.io/zone");
  constraint->set_when_unsatisfiable("DoNotSchedule");
  (*constraint->mutable_label_selector()->mutable_match_labels())["app"] = "app-1";
  return pod;
}

void fits_anywhere(benchmark::State& state) { run(state, plain("1")); }
void fits_nowhere(benchmark::State& state) { run(state, plain("8")); }
void too_large_for_all(benchmark::State& state) { run(state, plain("64")); }
void preempts(benchmark::State& state) { run(state, plain("8", 10)); }
void spreads(benchmark::State& state) { run(state, spread()); }
void with_a_hundred_nodes_more(benchmark::State& state) { run(state, plain("8"), "addNodes=100:node-0"); }
void with_a_drained_node(benchmark::State& state) { run(state, plain("8"), "drain=node-7&uncordon=node-8"); }

BENCHMARK(fits_anywhere)->Unit(benchmark::kMillisecond);
BENCHMARK(fits_nowhere)->Unit(benchmark::kMillisecond);
BENCHMARK(too_large_for_all)->Unit(benchmark::kMillisecond);
BENCHMARK(preempts)->Unit(benchmark::kMillisecond);
BENCHMARK(spreads)->Unit(benchmark::kMillisecond);
BENCHMARK(with_a_hundred_nodes_more)->Unit(benchmark::kMillisecond);
BENCHMARK(with_a_drained_node)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ph::scheduler::test

BENCHMARK_MAIN();
