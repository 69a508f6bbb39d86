// What a decision costs among 5,000 roles and bindings: of one who is in a few of them, in none, and in all; and of a node among 5,000 of
// 30 pods each.
//
//   build/release/bin/authz_bench
#include <benchmark/benchmark.h>

#include "api/codec.h"
#include "apiserver/authz/node_graph.h"
#include "apiserver/authz/rbac.h"

namespace ph::apiserver {
namespace {

constexpr int kSpaces = 100;

template <class T>
EntryRef entry(const T& message) {
  return std::make_shared<const Entry>(Entry{key_of(message).text(), Revision{1}, share(api::encode_envelope(message))});
}

std::string space_of(int i) { return "space-" + std::to_string(i % kSpaces); }

rbac::v1::Role role(int i) {
  rbac::v1::Role out;
  out.mutable_metadata()->set_name("role-" + std::to_string(i));
  out.mutable_metadata()->set_namespace_(space_of(i));
  for (int k = 0; k < 5; ++k) {
    auto* rule = out.add_rules();
    for (const char* verb : {"get", "list", "watch"}) rule->add_verbs(verb);
    rule->add_api_groups(k == 0 ? "" : "group-" + std::to_string(k));
    rule->add_resources(k == 4 ? "pods" : "resource-" + std::to_string(k));
    if (k == 4) rule->set_api_groups(0, "");
  }
  return out;
}

// Of a person of its own, and of a group that all are in.
rbac::v1::RoleBinding binding(int i) {
  rbac::v1::RoleBinding out;
  out.mutable_metadata()->set_name("binding-" + std::to_string(i));
  out.mutable_metadata()->set_namespace_(space_of(i));
  out.mutable_role_ref()->set_kind("Role");
  out.mutable_role_ref()->set_name("role-" + std::to_string(i));
  for (const auto& [kind, name] : {std::pair<std::string, std::string>("User", "user-" + std::to_string(i)), {"Group", "all"}}) {
    auto* subject = out.add_subjects();
    subject->set_kind(kind);
    subject->set_name(name);
  }
  return out;
}

RbacIndex::State cluster(int count) {
  EntryTree roles, bindings, none;
  for (int i = 0; i < count; ++i) {
    roles.put(entry(role(i)));
    bindings.put(entry(binding(i)));
  }
  return {none.list(), none.list(), roles.list(), bindings.list()};
}

const RbacIndex& index_of(int count) {
  static std::map<int, RbacIndex> known;
  const auto [found, fresh] = known.try_emplace(count);
  if (fresh) found->second.refresh(cluster(count));
  return found->second;
}

RequestInfo pods(const char* verb) {
  RequestInfo out;
  out.is_resource = true;
  out.verb = verb, out.resource = "pods", out.namespace_name = "space-7", out.name = "x";
  return out;
}

void decision(benchmark::State& state, const Identity& who, const char* verb) {
  const RbacIndex& index = index_of(static_cast<int>(state.range(0)));
  const RequestInfo request = pods(verb);
  for (auto _ : state) benchmark::DoNotOptimize(decide(index, {who, request}));
}

void allowed_by_one(benchmark::State& state) { decision(state, {.name = "user-7", .groups = {"system:authenticated"}}, "get"); }
void refused_to_a_stranger(benchmark::State& state) {
  decision(state, {.name = "joe", .groups = {"system:authenticated"}}, "get");
}
// Every binding of the namespace is one of his, and none lets him.
void refused_by_all(benchmark::State& state) { decision(state, {.name = "user-7", .groups = {"all"}}, "delete"); }
BENCHMARK(allowed_by_one)->Arg(50)->Arg(5000);
BENCHMARK(refused_to_a_stranger)->Arg(50)->Arg(5000);
BENCHMARK(refused_by_all)->Arg(5000);

// One binding comes; the others stay as they are.
void refresh_after_a_change(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  RbacIndex index;
  const RbacIndex::State before = cluster(count);
  EntryTree more(*before.role_bindings);
  more.put(entry(binding(count)));
  RbacIndex::State after = before;
  after.role_bindings = more.list();
  bool which = false;
  for (auto _ : state) index.refresh((which = !which) ? after : before);
}
BENCHMARK(refresh_after_a_change)->Arg(5000)->Unit(benchmark::kMicrosecond);

// -- Nodes

constexpr int kPodsANode = 30;

// With an account, a secret, two config maps (one of them the namespace's) and a claim.
core::v1::Pod pod(int i, const char* phase = "Running") {
  core::v1::Pod out;
  const std::string number = std::to_string(i);
  out.mutable_metadata()->set_name("pod-" + number);
  out.mutable_metadata()->set_namespace_(space_of(i));
  auto& spec = *out.mutable_spec();
  spec.set_node_name("node-" + std::to_string(i / kPodsANode));
  spec.set_service_account_name("default");
  const auto volume = [&](const char* name) -> core::v1::VolumeSource& {
    auto* added = spec.add_volumes();
    added->set_name(name);
    return *added->mutable_volume_source();
  };
  volume("token").mutable_projected()->add_sources()->mutable_config_map()->mutable_local_object_reference()->set_name("ca");
  volume("secret").mutable_secret()->set_secret_name("secret-" + number);
  volume("data").mutable_persistent_volume_claim()->set_claim_name("claim-" + number);
  auto* container = spec.add_containers();
  container->add_env_from()->mutable_config_map_ref()->mutable_local_object_reference()->set_name("settings-" + number);
  out.mutable_status()->set_phase(phase);
  return out;
}

struct Nodes {
  explicit Nodes(int nodes) {
    for (int i = 0; i < nodes * kPodsANode; ++i) pods.put(entry(pod(i)));
    graph.refresh({pods.list(), nullptr});
  }
  EntryTree pods;
  NodeGraph graph;
};

Nodes& nodes_of(int count) {
  static std::map<int, std::unique_ptr<Nodes>> known;
  auto& found = known[count];
  if (!found) found = std::make_unique<Nodes>(count);
  return *found;
}

void node_decision(benchmark::State& state, const std::string& secret) {
  const NodeGraph& graph = nodes_of(static_cast<int>(state.range(0))).graph;
  const std::string node = "node-7", space = space_of(7 * kPodsANode + 3);
  for (auto _ : state) benchmark::DoNotOptimize(graph.needs(node, Needed::Secret, space, secret));
}
void node_reads_a_secret(benchmark::State& state) { node_decision(state, "secret-" + std::to_string(7 * kPodsANode + 3)); }
// Every claim of its pods is looked at, too.
void node_is_refused_a_secret(benchmark::State& state) { node_decision(state, "secret-1"); }
BENCHMARK(node_reads_a_secret)->Arg(50)->Arg(5000);
BENCHMARK(node_is_refused_a_secret)->Arg(50)->Arg(5000);

// One pod changes between two decisions: its status, or what it needs.
void node_graph_follows(benchmark::State& state, bool needs_change) {
  Nodes& nodes = nodes_of(static_cast<int>(state.range(0)));
  NodeGraph graph = nodes.graph;
  core::v1::Pod changed = pod(8, "Failed");
  if (needs_change) changed.mutable_spec()->set_service_account_name("other");
  const auto before = nodes.pods.list();
  nodes.pods.put(entry(changed));
  const auto after = nodes.pods.list();
  nodes.pods.put(before->find(key_of(changed).text()));
  bool which = false;
  for (auto _ : state) graph.refresh({(which = !which) ? after : before, nullptr});
}
void node_graph_follows_a_status(benchmark::State& state) { node_graph_follows(state, false); }
void node_graph_follows_a_pod(benchmark::State& state) { node_graph_follows(state, true); }
BENCHMARK(node_graph_follows_a_status)->Arg(50)->Arg(5000)->Unit(benchmark::kMicrosecond);
BENCHMARK(node_graph_follows_a_pod)->Arg(50)->Arg(5000)->Unit(benchmark::kMicrosecond);

// All of it anew, as a server does once.
void node_graph_begins(benchmark::State& state) {
  const auto pods = nodes_of(static_cast<int>(state.range(0))).pods.list();
  for (auto _ : state) {
    NodeGraph graph;
    graph.refresh({pods, nullptr});
    benchmark::DoNotOptimize(graph);
  }
}
BENCHMARK(node_graph_begins)->Arg(5000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ph::apiserver

BENCHMARK_MAIN();
