// What one scheduling cycle costs: 5,000 nodes, a node chosen and assumed each time.
//
//   build/release/bin/scheduler_bench
#include <benchmark/benchmark.h>

#include "scheduler/scheduler.h"
#include "tests/scheduler/make.h"
#include "tests/sim/executor.h"

namespace ph::scheduler::test {
namespace {

class NoTransport final : public Transport {
 public:
  Task<HttpResponse> send(HttpRequest, bool) override { co_return HttpResponse{}; }
};

struct Bench {
  sim::SimExecutor executor;
  SystemRng rng;  // as the program: what a number costs belongs to a cycle
  Metrics metrics;
  NoTransport transport;
  informers::Client client{transport, "bench"};
  informers::Informers informers{executor, client, rng, {}};
  Scheduler scheduler;
  Bench(int nodes, int percentage, bool counts)
      : scheduler({.executor = executor,
                   .clock = executor.clock(),
                   .rng = rng,
                   .client = client,
                   .informers = informers,
                   .log = {},
                   .metrics = counts ? &metrics : nullptr},
                  configuration(percentage)) {
    for (int i = 0; i < nodes; ++i) {
      scheduler.cache().put_node(share_node(make_node("node-" + std::to_string(i))
                                                .has("cpu", "32")
                                                .has("memory", "128Gi")
                                                .label("topology.kubernetes.io/zone", "zone-" + std::to_string(i % 3))
                                                .label("pool", i % 10 == 0 ? "special" : "common")));
    }
  }
  static Configuration configuration(int percentage) {
    auto out = Configuration::defaults();
    out.percentage_of_nodes_to_score = percentage;
    return out;
  }
};

// `alone`: as the first pod of its class, about whom nothing is known.
void run(benchmark::State& state, const MakePod& like, bool alone) {
  Bench bench(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)), state.range(2) != 0);
  std::size_t evaluated = 0, cycles = 0, full = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const Pod pod = MakePod(like).uid("uid-" + std::to_string(cycles));
    const PodRef info = make_pod_info(pod);
    state.ResumeTiming();
    CycleState cycle(info);
    Diagnosis diagnosis;
    const Profile& profile = *bench.scheduler.profile("default-scheduler");
    const auto placement = alone ? bench.scheduler.place(profile, cycle, pod, diagnosis)
                                 : bench.scheduler.place_like_others(profile, cycle, pod, diagnosis);
    if (placement.node) {
      benchmark::DoNotOptimize(bench.scheduler.cache().assume(placed_on(*info, placement.node->name())));
    } else {
      ++full;
    }
    evaluated += placement.evaluated;
    ++cycles;
  }
  state.counters["nodes/cycle"] = static_cast<double>(evaluated) / static_cast<double>(cycles);
  state.counters["full"] = static_cast<double>(full);
  state.counters["cycles/s"] = benchmark::Counter(static_cast<double>(cycles), benchmark::Counter::kIsRate);
}

MakePod plain() { return make_pod().with(container().image("img:1").asks("cpu", "10m").asks("memory", "20Mi")); }
MakePod refused() { return make_pod().with(container().image("img:1").asks("cpu", "64")); }

void first_plain_pod(benchmark::State& state) { run(state, plain(), true); }
void first_selecting_pod(benchmark::State& state) { run(state, plain().selects("pool", "special"), true); }
void first_refused_pod(benchmark::State& state) { run(state, refused(), true); }
void plain_pod(benchmark::State& state) { run(state, plain(), false); }
void selecting_pod(benchmark::State& state) { run(state, plain().selects("pool", "special"), false); }
void refused_pod(benchmark::State& state) { run(state, refused(), false); }

// Arguments: nodes, percentageOfNodesToScore (0: adaptive), whether metrics are counted. Pods after the first of their class look at all.
#define WITH_AND_WITHOUT(pod, percentage) \
  BENCHMARK(pod)->Args({5000, percentage, 0})->Args({5000, percentage, 1})->Unit(benchmark::kMicrosecond)
WITH_AND_WITHOUT(first_plain_pod, 0);
WITH_AND_WITHOUT(first_plain_pod, 100);
WITH_AND_WITHOUT(first_selecting_pod, 0);
WITH_AND_WITHOUT(first_refused_pod, 0);
WITH_AND_WITHOUT(plain_pod, 0);
WITH_AND_WITHOUT(selecting_pod, 0);
WITH_AND_WITHOUT(refused_pod, 0);

}  // namespace
}  // namespace ph::scheduler::test

BENCHMARK_MAIN();
