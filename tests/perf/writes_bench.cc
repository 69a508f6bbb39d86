// What a write costs the apiserver's thread, and beside it a read: whole requests through a standard server on the memory store, no sockets.
//   build/release/bin/writes_bench
// Counters: allocations and allocated bytes a request.
#include <atomic>
#include <cstdlib>
#include <new>

#include <benchmark/benchmark.h>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/patch/managed_fields.h"
#include "api/times.h"
#include "tests/apiserver/standard_world.h"

namespace {
std::atomic<std::uint64_t> g_allocations, g_allocated_bytes;
}

void* operator new(std::size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  g_allocated_bytes.fetch_add(size, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace ph::apiserver::testing {
namespace {

using core::v1::Pod;

const char* const kPods = "/api/v1/namespaces/default/pods";

// As a replica set makes it.
const char* const kNewPod = R"({"metadata":{"generateName":"frontend-6c9b5d4f7d-","labels":{"app":"guestbook",
"pod-template-hash":"6c9b5d4f7d","tier":"frontend"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet",
"name":"frontend-6c9b5d4f7d","uid":"8d1f9e0b-27b1-4e3c-8f0f-6b1c5c2d9a10","controller":true,"blockOwnerDeletion":true}]},
"spec":{"containers":[{"name":"php-redis","image":"gcr.io/google-samples/gb-frontend:v5","ports":[{"containerPort":80}],
"env":[{"name":"GET_HOSTS_FROM","value":"dns"}],"resources":{"limits":{"cpu":"500m","memory":"256Mi"},
"requests":{"cpu":"100m","memory":"100Mi"}},"livenessProbe":{"httpGet":{"path":"/healthz","port":80}}}]}})";

// As a kubelet patches it; %s: the restarts, so that each differs from the one before.
std::string status_patch(int restarts) {
  const std::string since = R"("lastTransitionTime":"2026-01-01T00:00:01Z","status":"True")";
  std::string conditions;
  for (const char* type : {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"}) {
    conditions += std::string(R"({"lastProbeTime":null,"type":")") + type + "\"," + since + "},";
  }
  conditions.pop_back();
  return R"({"metadata":{"uid":null},"status":{"$setElementOrder/conditions":[{"type":"PodReadyToStartContainers"},{"type":"Initialized"},
    {"type":"Ready"},{"type":"ContainersReady"},{"type":"PodScheduled"}],"conditions":[)" +
         conditions +
         R"(],"containerStatuses":[{"containerID":"hollow://3f0e7c1e-5a7e-4c0e-9d8e-0d7f3e9b2a11/php-redis/0",
    "image":"gcr.io/google-samples/gb-frontend:v5","imageID":"hollow-pullable://gcr.io/google-samples/gb-frontend:v5","lastState":{},
    "name":"php-redis","ready":true,"restartCount":)" +
         std::to_string(restarts) +
         R"(,"started":true,"state":{"running":{"startedAt":"2026-01-01T00:00:01Z"}}}],"hostIP":"10.0.0.42","hostIPs":[{"ip":"10.0.0.42"}],
    "phase":"Running","podIP":"10.42.0.7","podIPs":[{"ip":"10.42.0.7"}],"startTime":"2026-01-01T00:00:01Z"}})";
}

class World {
 public:
  World() { must(world_.post("/api/v1/namespaces/default/serviceaccounts", R"({"metadata":{"name":"default"}})").status); }

  // In protobuf, as our own clients speak.
  template <class T>
  std::string ask(std::string method, std::string target, const T& object) {
    HttpRequest request = StandardWorld::request(std::move(method), std::move(target), api::encode_envelope(object));
    request.headers.set("Content-Type", "application/vnd.kubernetes.protobuf");
    return send(std::move(request));
  }
  std::string get(std::string target) { return send(StandardWorld::request("GET", std::move(target))); }
  std::string patch(std::string target, std::string body) {
    HttpRequest request = StandardWorld::request("PATCH", std::move(target), std::move(body));
    request.headers.set("Content-Type", "application/strategic-merge-patch+json");
    return send(std::move(request));
  }

  Pod create_pod() { return decoded<Pod>(ask("POST", kPods, new_pod())); }
  // One that runs.
  Pod run_pod() {
    const Pod pod = create_pod();
    bind(pod.metadata().name());
    patch(target(pod) + "/status", status_patch(0));
    return decoded<Pod>(patch(target(pod) + "/status", status_patch(1)));
  }
  void bind(const std::string& name) {
    core::v1::Binding binding;
    binding.mutable_metadata()->set_name(name);
    binding.mutable_metadata()->set_namespace_("default");
    binding.mutable_target()->set_kind("Node");
    binding.mutable_target()->set_name("node-0042");
    ask("POST", std::string(kPods) + "/" + name + "/binding", binding);
  }

  static std::string target(const Pod& pod) { return std::string(kPods) + "/" + pod.metadata().name(); }
  static const Pod& new_pod() {
    static const Pod pod = [] {
      Pod out;
      api::decode_json(kNewPod, out);
      return out;
    }();
    return pod;
  }
  template <class T>
  static T decoded(const std::string& body) {
    T out;
    api::decode_envelope(body, out);
    return out;
  }

 private:
  std::string send(HttpRequest request) {
    request.headers.add("Accept", "application/vnd.kubernetes.protobuf");
    request.headers.add("User-Agent", "bench/1.0");
    Reply reply = world_.send(std::move(request));
    must(reply.status, reply.body);
    return std::move(reply.body);
  }
  static void must(int status, const std::string& body = {}) {
    if (status == 200 || status == 201) return;
    std::fprintf(stderr, "a request was answered %d: %s\n", status, body.c_str());
    std::abort();
  }

  StandardWorld world_;
};

// Counts what `request` allocates.
template <class F>
void measure(benchmark::State& state, F request) {
  std::uint64_t count = 0, bytes = 0;
  for (auto _ : state) {
    const std::uint64_t count_before = g_allocations, bytes_before = g_allocated_bytes;
    request();
    count += g_allocations - count_before;
    bytes += g_allocated_bytes - bytes_before;
  }
  state.counters["allocations"] = benchmark::Counter(static_cast<double>(count), benchmark::Counter::kAvgIterations);
  state.counters["bytes"] = benchmark::Counter(static_cast<double>(bytes), benchmark::Counter::kAvgIterations);
}

void create_pod(benchmark::State& state) {
  World world;
  measure(state, [&] { world.create_pod(); });
}

void get_pod(benchmark::State& state) {
  World world;
  const std::string target = World::target(world.run_pod());
  measure(state, [&] { world.get(target); });
}

void bind_pod(benchmark::State& state) {
  World world;
  std::vector<std::string> names;
  for (auto _ : state) {
    state.PauseTiming();
    const Pod pod = world.create_pod();
    state.ResumeTiming();
    world.bind(pod.metadata().name());
  }
}

// The first report of a pod that has just been bound, as most of a rollout's are.
void patch_first_status(benchmark::State& state) {
  World world;
  const std::string body = status_patch(0);
  for (auto _ : state) {
    state.PauseTiming();
    const Pod pod = world.create_pod();
    world.bind(pod.metadata().name());
    state.ResumeTiming();
    world.patch(World::target(pod) + "/status", body);
  }
}

void patch_status(benchmark::State& state) {
  World world;
  const std::string target = World::target(world.run_pod()) + "/status";
  const std::string bodies[] = {status_patch(2), status_patch(3)};
  int next = 0;
  measure(state, [&] { world.patch(target, bodies[++next % 2]); });
}

void put_status(benchmark::State& state) {
  World world;
  Pod pod = world.run_pod();
  pod.mutable_metadata()->clear_resource_version();
  const std::string target = World::target(pod) + "/status";
  int next = 1;
  measure(state, [&] {
    pod.mutable_status()->mutable_container_statuses(0)->set_restart_count(++next);
    world.ask("PUT", target, pod);
  });
}

void patch_label(benchmark::State& state) {
  World world;
  const std::string target = World::target(world.run_pod());
  int next = 0;
  measure(state, [&] { world.patch(target, R"({"metadata":{"labels":{"round":")" + std::to_string(++next) + R"("}}})"); });
}

core::v1::Event event(const Pod& pod) {
  core::v1::Event out;
  out.mutable_metadata()->set_namespace_("default");
  out.mutable_involved_object()->set_kind("Pod");
  out.mutable_involved_object()->set_api_version("v1");
  out.mutable_involved_object()->set_namespace_("default");
  out.mutable_involved_object()->set_name(pod.metadata().name());
  out.mutable_involved_object()->set_uid(pod.metadata().uid());
  out.mutable_involved_object()->set_resource_version(pod.metadata().resource_version());
  out.set_type("Normal");
  out.set_reason("Scheduled");
  out.set_message("Successfully assigned default/" + pod.metadata().name() + " to node-0042");
  out.mutable_source()->set_component("default-scheduler");
  out.set_reporting_component("default-scheduler");
  out.set_count(1);
  api::set_time(out.mutable_first_timestamp(), sim::SimClock::kStart);
  api::set_time(out.mutable_last_timestamp(), sim::SimClock::kStart);
  return out;
}

void create_event(benchmark::State& state) {
  World world;
  core::v1::Event out = event(world.create_pod());
  int next = 0;
  measure(state, [&] {
    out.mutable_metadata()->set_name("frontend-6c9b5d4f7d-x2x8p." + std::to_string(100'000'000 + ++next));
    world.ask("POST", "/api/v1/namespaces/default/events", out);
  });
}

void count_event(benchmark::State& state) {
  World world;
  core::v1::Event out = event(world.create_pod());
  out.mutable_metadata()->set_name("one");
  world.ask("POST", "/api/v1/namespaces/default/events", out);
  int next = 1;
  measure(state, [&] {
    world.patch("/api/v1/namespaces/default/events/one",
                R"({"count":)" + std::to_string(++next) + R"(,"lastTimestamp":"2026-01-01T00:00:01Z","message":"again"})");
  });
}

void update_lease(benchmark::State& state) {
  World world;
  coordination::v1::Lease lease;
  lease.mutable_metadata()->set_name("node-0042");
  lease.mutable_metadata()->set_namespace_("default");
  lease.mutable_spec()->set_holder_identity("node-0042");
  lease.mutable_spec()->set_lease_duration_seconds(40);
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  lease = World::decoded<coordination::v1::Lease>(world.ask("POST", leases, lease));
  Time now = sim::SimClock::kStart;
  measure(state, [&] {
    api::set_time(lease.mutable_spec()->mutable_renew_time(), now += 10s);
    lease = World::decoded<coordination::v1::Lease>(world.ask("PUT", leases + "/node-0042", lease));
  });
}

// A fixed number: the store keeps its history, and longer runs would measure that.
constexpr int kRequests = 3000;
#define WRITE(name) BENCHMARK(name)->Iterations(kRequests)->Unit(benchmark::kMicrosecond)
WRITE(create_pod);
WRITE(get_pod);
WRITE(bind_pod);
WRITE(patch_first_status);
WRITE(patch_status);
WRITE(put_status);
WRITE(patch_label);
WRITE(create_event);
WRITE(count_event);
WRITE(update_lease);

// The managed fields alone: a pod is created, and its status changes.
void record_created(benchmark::State& state) {
  World world;
  Pod pod = world.create_pod();
  pod.mutable_metadata()->clear_managed_fields();
  measure(state, [&] {
    api::Object copy = api::Object::of(pod);
    api::record_update(copy, nullptr, {"bench", "Update", ""}, sim::SimClock::kStart);
  });
}
void record_status(benchmark::State& state) {
  World world;
  const api::Object old = api::Object::of(world.run_pod());
  Pod now = old.as<Pod>();
  now.mutable_status()->mutable_container_statuses(0)->set_restart_count(7);
  measure(state, [&] {
    api::Object copy = api::Object::of(now);
    api::record_update(copy, &old, {"kubelet", "Update", "status"}, sim::SimClock::kStart);
  });
}
BENCHMARK(record_created)->Unit(benchmark::kMicrosecond);
BENCHMARK(record_status)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ph::apiserver::testing

BENCHMARK_MAIN();
