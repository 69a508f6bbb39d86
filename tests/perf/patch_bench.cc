// What patches of the greatest size cost, as the apiserver applies them.
//   build/release/bin/patch_bench
#include <benchmark/benchmark.h>

#include "api/kinds.h"
#include "apiserver/rest/patching.h"

namespace ph::apiserver {
namespace {

constexpr int kOperations = 9'990;

core::v1::Pod listed(int finalizers) {
  core::v1::Pod pod;
  pod.mutable_metadata()->set_name("a");
  for (int i = 0; i < finalizers; ++i) pod.mutable_metadata()->add_finalizers("a/" + std::to_string(i));
  return pod;
}

void apply(benchmark::State& state, PatchType type, const core::v1::Pod& pod, const std::string& patch) {
  const api::Object object = api::Object::of(pod);
  for (auto _ : state) {
    std::vector<std::string> warnings;
    benchmark::DoNotOptimize(apply_patch(type, patch, object, api::Unknown::Warn, warnings));
  }
}

std::string operations(const std::string& one, int count = kOperations) {
  std::string out = "[";
  for (int i = 0; i < count; ++i) out += (i ? "," : "") + one;
  return out + "]";
}

// Into a list of so many items.
void insert_at_the_front(benchmark::State& state) {
  apply(state, PatchType::Json, listed(static_cast<int>(state.range(0))),
        operations(R"({"op":"add","path":"/metadata/finalizers/0","value":"b/x"})"));
}
void remove_from_the_front(benchmark::State& state) {
  apply(state, PatchType::Json, listed(static_cast<int>(state.range(0))),
        operations(R"({"op":"remove","path":"/metadata/finalizers/0"})"));
}
void move_to_the_front(benchmark::State& state) {
  apply(state, PatchType::Json, listed(static_cast<int>(state.range(0))),
        operations(R"({"op":"move","from":"/metadata/finalizers/-1","path":"/metadata/finalizers/0"})"));
}
// The whole list there and back.
void move_the_list(benchmark::State& state) {
  apply(state, PatchType::Json, listed(static_cast<int>(state.range(0))),
        operations(
            R"({"op":"move","from":"/metadata/finalizers","path":"/x"},{"op":"move","from":"/x","path":"/metadata/finalizers"})",
            kOperations / 2));
}
void test_the_list(benchmark::State& state) {
  apply(state, PatchType::Json, listed(static_cast<int>(state.range(0))),
        operations(R"({"op":"test","path":"/metadata/finalizers/0","value":"a/0"})"));
}
// Lists merged by key, each item in both.
void merge_by_key(benchmark::State& state) {
  core::v1::Pod pod;
  pod.mutable_metadata()->set_name("a");
  std::string items;
  for (int i = 0; i < state.range(0); ++i) {
    pod.mutable_spec()->add_containers()->set_name("c" + std::to_string(i));
    items += (i ? "," : "") + (R"({"name":"c)" + std::to_string(i) + R"(","image":"i"})");
  }
  apply(state, PatchType::Strategic, pod,
        R"({"spec":{"containers":[)" + items + R"(],"$setElementOrder/containers":[)" + items + "]}}");
}

BENCHMARK(insert_at_the_front)->Arg(10)->Arg(10'000)->Arg(200'000)->Unit(benchmark::kMillisecond);
BENCHMARK(remove_from_the_front)->Arg(10'000)->Arg(200'000)->Unit(benchmark::kMillisecond);
BENCHMARK(move_to_the_front)->Arg(10'000)->Arg(200'000)->Unit(benchmark::kMillisecond);
BENCHMARK(move_the_list)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(test_the_list)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(merge_by_key)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ph::apiserver

BENCHMARK_MAIN();
