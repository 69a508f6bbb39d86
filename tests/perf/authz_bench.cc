// What a decision costs among 5,000 roles and bindings: of one who is in a few of them, in none, and in all.
//
//   build/release/bin/authz_bench
#include <benchmark/benchmark.h>

#include "api/codec.h"
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

}  // namespace
}  // namespace ph::apiserver

BENCHMARK_MAIN();
