// What changes cost the apiserver's thread when they are watched: watches through a server on the memory store, no sockets. The
// changes are committed to the store, so that no request is in the numbers.
//   build/release/bin/watch_bench
// Counters: the time of a delivery, deliveries a second; what is read of it is a frame, not its way over a connection.
#include <benchmark/benchmark.h>

#include "api/codec.h"
#include "api/kinds.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using core::v1::Pod;

constexpr int kNodes = 5'000;

std::string node_name(int node) { return "node-" + std::to_string(node); }
std::string pod_key(int node) { return "/registry/pods/default/pod-of-" + node_name(node); }

// About as large as a pod that runs.
std::string pod(int node, int round) {
  Pod out;
  out.mutable_metadata()->set_name("pod-of-" + node_name(node));
  out.mutable_metadata()->set_namespace_("default");
  out.mutable_metadata()->set_uid("8d1f9e0b-27b1-4e3c-8f0f-6b1c5c2d9a10");
  for (const char* label : {"app", "tier", "pod-template-hash"}) (*out.mutable_metadata()->mutable_labels())[label] = "frontend";
  out.mutable_spec()->set_node_name(node_name(node));
  auto& container = *out.mutable_spec()->add_containers();
  container.set_name("php-redis");
  container.set_image("gcr.io/google-samples/gb-frontend:v5");
  for (const char* name : {"GET_HOSTS_FROM", "A", "B", "C"}) {
    auto& env = *container.add_env();
    env.set_name(name);
    env.set_value(std::string(100, 'x'));
  }
  for (const char* type : {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"}) {
    auto& condition = *out.mutable_status()->add_conditions();
    condition.set_type(type);
    condition.set_status("True");
    condition.set_message("round " + std::to_string(round));
  }
  return api::encode_envelope(out);
}

class World {
 public:
  explicit World(ServerOptions options = quiet_options()) : api_(std::move(options)), scope_(api_.executor) {
    for (int node = 0; node < kNodes; ++node) put(node, 0);
    api_.executor.drain();
  }
  ~World() { scope_.cancel(); }

  void watch(const std::string& query) { scope_.spawn(follow(api_.server.get(), request(query), &delivered_)); }
  // And read nothing of it.
  void open(const std::string& query) { scope_.spawn(open(api_.server.get(), request(query), &open_)); }
  void put(int node, int round) { scope_.spawn(commit(api_.store.get(), {{}, {{pod_key(node), pod(node, round)}}, "bench"})); }
  void drain() { api_.executor.drain(); }
  std::string revision() const { return to_string(api_.store->revision()); }
  std::uint64_t delivered() const { return delivered_; }

 private:
  static Task<void> follow(ApiServer* server, HttpRequest request, std::uint64_t* delivered) {
    HttpResponse response = co_await server->handle(std::move(request));
    while (co_await response.stream->next()) ++*delivered;
  }
  static Task<void> open(ApiServer* server, HttpRequest request, std::vector<HttpResponse>* open) {
    open->push_back(co_await server->handle(std::move(request)));
  }
  static HttpRequest request(const std::string& query) {
    return Harness::request("GET", "/api/v1/pods?watch=1&" + query, {}, {}, "application/vnd.kubernetes.protobuf;stream=watch");
  }
  static Task<void> commit(Store* store, Transaction transaction) { (void)co_await store->commit(std::move(transaction)); }

  Harness api_;
  std::uint64_t delivered_ = 0;
  std::vector<HttpResponse> open_;
  Scope scope_;
};

void count(benchmark::State& state, std::uint64_t deliveries, std::uint64_t wanted) {
  if (deliveries != wanted) state.SkipWithError("other events were delivered than there were");
  const auto number = static_cast<double>(deliveries);
  state.counters["delivery"] = benchmark::Counter(number, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["deliveries/s"] = benchmark::Counter(number, benchmark::Counter::kIsRate);
}

// Every watcher is told of every change. Argument: how many there are.
void watch_all(benchmark::State& state) {
  World world;
  for (int i = 0; i < state.range(0); ++i) world.watch("resourceVersion=" + world.revision());
  world.drain();
  std::uint64_t changes = 0;
  for (auto _ : state) {
    ++changes;
    world.put(static_cast<int>(changes * 7919 % kNodes), static_cast<int>(changes));
    world.drain();
  }
  count(state, world.delivered(), changes * static_cast<std::uint64_t>(state.range(0)));
}
BENCHMARK(watch_all)->ArgName("watchers")->Arg(0)->Arg(1)->Arg(1'000)->Iterations(1'000)->Unit(benchmark::kMicrosecond);

// As kubelets do: each watches the pods of its node, of which one changes.
void watch_own_node(benchmark::State& state) {
  World world;
  for (int i = 0; i < state.range(0); ++i)
    world.watch("resourceVersion=" + world.revision() + "&fieldSelector=spec.nodeName%3D" + node_name(i));
  world.drain();
  std::uint64_t changes = 0;
  for (auto _ : state) {
    ++changes;
    world.put(static_cast<int>(changes * 7919 % static_cast<std::uint64_t>(state.range(0))), static_cast<int>(changes));
    world.drain();
  }
  count(state, world.delivered(), changes);
}
BENCHMARK(watch_own_node)->ArgName("watchers")->Arg(100)->Arg(kNodes)->Iterations(1'000)->Unit(benchmark::kMicrosecond);

// One that reads beside many that do not, on a server whose windows are full: events are held for them.
void watch_beside_unread(benchmark::State& state) {
  ServerOptions options = quiet_options();
  options.cache.bytes_max = 1 << 20;
  World world(std::move(options));
  for (int i = 0; i < 2'000; ++i) world.put(i, 1);
  world.drain();
  for (int i = 0; i < state.range(0); ++i) world.open("resourceVersion=" + world.revision());
  world.watch("resourceVersion=" + world.revision());
  world.drain();
  std::uint64_t changes = 0;
  for (auto _ : state) {
    ++changes;
    world.put(static_cast<int>(changes * 7919 % kNodes), static_cast<int>(changes));
    world.drain();
  }
  count(state, world.delivered(), changes);
}
BENCHMARK(watch_beside_unread)->ArgName("unread")->Arg(0)->Arg(1'000)->Iterations(5'000)->Unit(benchmark::kMicrosecond);

// And all of them again after they have lost their connections: each from where it was, a change of each pod ago.
void resume_own_node(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto world = std::make_unique<World>();
    const std::string since = world->revision();
    for (int node = 0; node < kNodes; ++node) world->put(node, 1);
    world->drain();
    state.ResumeTiming();
    for (int i = 0; i < kNodes; ++i) world->watch("resourceVersion=" + since + "&fieldSelector=spec.nodeName%3D" + node_name(i));
    world->drain();
    count(state, world->delivered(), kNodes);
    state.PauseTiming();
    world.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(resume_own_node)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ph::apiserver::testing

BENCHMARK_MAIN();
