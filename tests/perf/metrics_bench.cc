// What counting costs: an addition, an observation, a scrape of 10,000 series, and a request with and without.
//
//   build/release/bin/metrics_bench
#include <benchmark/benchmark.h>

#include "apiserver/standard.h"
#include "apiserver/storage/memory.h"
#include "base/metrics.h"
#include "tests/base/manual_executor.h"

namespace ph {
namespace {

void counter_add(benchmark::State& state) {
  Metrics metrics;
  const auto counter = single<Counter>(&metrics, {Stability::Alpha, "c_total", "Bench.", {}});
  for (auto _ : state) counter.add();
}
BENCHMARK(counter_add)->Threads(1)->Threads(2);

void counter_add_of_no_metrics(benchmark::State& state) {
  Counter counter;
  for (auto _ : state) {
    benchmark::DoNotOptimize(counter);
    counter.add();
  }
}
BENCHMARK(counter_add_of_no_metrics);

void histogram_observe(benchmark::State& state) {
  Metrics metrics;
  const auto histogram = single<Histogram>(
      &metrics, {Stability::Alpha, "h", "Bench.", {}, exponential_buckets(0.001, 2, static_cast<int>(state.range(0)))});
  double value = 0.0001;
  for (auto _ : state) {
    histogram.observe(value);
    value = value < 100 ? value * 1.7 : 0.0001;
  }
}
BENCHMARK(histogram_observe)->Arg(5)->Arg(23);

void series_look_up(benchmark::State& state) {
  Metrics metrics;
  const Family<Counter> family(&metrics, {Stability::Alpha, "c_total", "Bench.", {"resource", "verb"}});
  for (auto _ : state) benchmark::DoNotOptimize(family.with({"deployments", "LIST"}));
}
BENCHMARK(series_look_up);

// 10,000 lines: 5,000 counters, and histograms of 23 buckets for the rest.
void scrape(benchmark::State& state) {
  Metrics metrics;
  const Family<Counter> counters(&metrics,
                                 {Stability::Stable, "apiserver_request_total", "Bench.", {"code", "group", "resource", "verb"}});
  for (int i = 0; i < 5000; ++i) counters.with({"200", "apps", "resource-" + std::to_string(i), "LIST"}).add(i);
  const Family<Histogram> histograms(&metrics, {Stability::Stable,
                                                "apiserver_request_duration_seconds",
                                                "Bench.",
                                                {"group", "resource", "verb"},
                                                exponential_buckets(0.005, 1.5, 23)});
  for (int i = 0; i < 5000 / 26; ++i) histograms.with({"apps", "resource-" + std::to_string(i), "LIST"}).observe(0.1 * i);
  std::size_t bytes = 0;
  for (auto _ : state) bytes = metrics.render().size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(scrape)->Unit(benchmark::kMillisecond);

// A whole apiserver without sockets: a namespace is read, or a config map is written again, by an administrator.
struct World {
  explicit World(Metrics* metrics) {
    apiserver::ServerOptions options;
    options.keep_kubernetes_service = false;
    options.keep_api_services = false;
    options.keep_flow_schemas = false;
    options.metrics = metrics;
    store = apiserver::memory_store(executor, executor.clock(), {.metrics = metrics});
    server = std::make_unique<apiserver::ApiServer>(executor, rng, *store, Log(), options);
    apiserver::StandardOptions standard;
    standard.token_keys = apiserver::make_simulated_token_keys();
    server->install(apiserver::standard_extensions(*server, executor.clock(), rng, std::move(standard)));
    scope.spawn(server->start());
    executor.drain();
  }
  ~World() {
    scope.cancel();
    server.reset();
    executor.drain();
  }

  int ask(std::string method, std::string target, std::string body) {
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json");
    request.peer.identity = Identity{.name = "admin", .uid = {}, .groups = {"system:masters"}, .extra = {}};
    int status = 0;
    scope.spawn([](apiserver::ApiServer& server, HttpRequest request, int& status) -> Task<void> {
      status = (co_await server.handle(std::move(request))).status;
    }(*server, std::move(request), status));
    executor.drain();
    return status;
  }

  SystemClock clock;  // a real one: reading it is part of the cost
  ph::testing::ManualExecutor executor{clock};
  SeededRng rng{1};
  std::unique_ptr<apiserver::Store> store;
  std::unique_ptr<apiserver::ApiServer> server;
  Scope scope{executor};
};

void read_request(benchmark::State& state) {
  Metrics metrics;
  World world(state.range(0) ? &metrics : nullptr);
  for (auto _ : state) {
    if (world.ask("GET", "/api/v1/namespaces/default", {}) != 200) state.SkipWithError("not answered");
  }
}
void write_request(benchmark::State& state) {
  Metrics metrics;
  World world(state.range(0) ? &metrics : nullptr);
  int n = 0;
  for (auto _ : state) {
    const std::string name = "c" + std::to_string(n++);
    if (world.ask("POST", "/api/v1/namespaces/default/configmaps",
                  R"({"metadata":{"name":")" + name + R"("},"data":{"a":"b"}})") != 201) {
      state.SkipWithError("not answered");
    }
  }
}
// Argument: 1 counts.
BENCHMARK(read_request)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);
BENCHMARK(write_request)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond)->Iterations(20000);

}  // namespace
}  // namespace ph

BENCHMARK_MAIN();
