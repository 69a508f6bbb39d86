// The store and the watch cache in numbers:
//   build/release/bin/store_bench [--benchmark_filter=…]
// Directories are made below TMPDIR (default /tmp); what a sync costs is that disk's affair.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <chrono>
#include <fstream>
#include <optional>

#include "apiserver/cache/cache.h"
#include "apiserver/storage/memory.h"
#include "apiserver/storage/rocksdb.h"
#include "apiserver/storage/snapshot.h"
#include "apiserver/storage/store_directory.h"
#include "base/rng.h"
#include "tests/apiserver/storage_directory.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;

constexpr int kObjects = 50'000;

std::string key_of(std::uint64_t i) {
  return "/registry/pods/namespace-" + std::to_string(i % 100) + "/some-deployment-" + std::to_string(100'000 + i);
}
// About the size of a pod, and as compressible.
std::string pod(std::uint64_t i) {
  SeededRng rng(i);
  std::string text;
  while (text.size() < 1'950) text += "app.kubernetes.io/name=" + rng.text(40, "abcdefghijklmnopqrstuvwxyz0123456789");
  return make_object("some-deployment-" + std::to_string(100'000 + i), text);
}

std::size_t heap() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}
double resident_mb() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0, resident = 0;
  statm >> size >> resident;
  return static_cast<double>(resident) * 4096 / 1e6;
}

Task<void> write_some(Store& store, std::uint64_t first, std::uint64_t step, std::uint64_t count, std::uint64_t keys,
                      const std::string& value) {
  for (std::uint64_t i = 0; i < count; ++i) {
    // Spread over the keys, the same for each run.
    const std::uint64_t number = (first + i * step) * 7919 % keys;
    (void)co_await store.commit({{}, {{key_of(number), value}}, "bench"});
  }
}

void write_all(ManualExecutor& executor, Store& store, std::uint64_t clients, std::uint64_t per_client, std::uint64_t keys,
               const std::string& value) {
  std::vector<Task<void>> tasks;
  for (std::uint64_t c = 0; c < clients; ++c) tasks.push_back(write_some(store, c, clients, per_client, keys, value));
  executor.run(all(std::move(tasks)));
}

// Commits of 2 kB values. Arguments: clients that wait for their answers, keys, whether syncs are real.
void rocks_commits(benchmark::State& state) {
  TestDirectory directory;
  ManualExecutor executor;
  const auto store = open_rocksdb_store(directory.path(), executor, executor.time, {.sync = state.range(2) != 0});
  const std::string value = pod(1);
  const auto clients = static_cast<std::uint64_t>(state.range(0));
  const auto keys = static_cast<std::uint64_t>(state.range(1));
  if (keys > 1) write_all(executor, *store, 1'000, keys / 1'000, keys, value);
  const std::uint64_t per_client = clients == 1 ? 500 : 100;
  for (auto _ : state) write_all(executor, *store, clients, per_client, keys, value);
  state.counters["commits/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * clients * per_client), benchmark::Counter::kIsRate);
}
BENCHMARK(rocks_commits)
    ->ArgNames({"clients", "keys", "sync"})
    ->Args({1, 1, 1})
    ->Args({64, 1, 1})
    ->Args({64, kObjects, 1})
    ->Args({1, 1, 0})
    ->Args({64, 1, 0})
    ->Args({64, kObjects, 0})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void memory_commits(benchmark::State& state) {
  ManualExecutor executor;
  const auto store = memory_store(executor, executor.time);
  const std::string value = pod(1);
  for (auto _ : state) write_all(executor, *store, 64, 100, kObjects, value);
  state.counters["commits/s"] = benchmark::Counter(static_cast<double>(state.iterations() * 6'400), benchmark::Counter::kIsRate);
}
BENCHMARK(memory_commits)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

// What judging costs when keys are not in memory: reads of random keys of 50,000, one after the other.
void rocks_reads(benchmark::State& state) {
  TestDirectory directory;
  ManualExecutor executor;
  const auto store = open_rocksdb_store(directory.path(), executor, executor.time, {.sync = false});
  write_all(executor, *store, 1'000, kObjects / 1'000, kObjects, pod(1));
  // Many preconditions in one transaction: the reads without the hops between threads.
  constexpr int kReads = 1'000;
  SeededRng rng(1);
  for (auto _ : state) {
    state.PauseTiming();
    Transaction transaction;
    for (int i = 0; i < kReads; ++i) {
      transaction.preconditions.push_back({key_of(rng.below(kObjects)), Precondition::Kind::Exists, {}});
    }
    state.ResumeTiming();
    if (!executor.run(store->commit(std::move(transaction)))) state.SkipWithError("a key is missing");
  }
  state.counters["per read"] = benchmark::Counter(static_cast<double>(state.iterations() * kReads),
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(rocks_reads)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

struct Watcher {
  std::unique_ptr<CacheWatch> watch;
  std::size_t seen = 0;
  static Task<void> follow(Watcher& watcher, std::size_t until) {
    while (watcher.seen < until) {
      const auto events = co_await watcher.watch->next(Steady::max());
      if (!events) co_return;
      watcher.seen += events->size();
    }
  }
};

// Events delivered to watchers, written by 16 clients.
void fan_out(benchmark::State& state) {
  ManualExecutor executor;
  const auto store = memory_store(executor, executor.time);
  WatchCache cache(*store, executor, "/registry/pods/");
  executor.run(cache.fill());
  const std::string value = pod(1);
  constexpr std::size_t kWrites = 320;
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    std::vector<Watcher> watchers(count);
    std::vector<Task<void>> tasks;
    for (Watcher& watcher : watchers) {
      watcher.watch = cache.watch(cache.revision());
      tasks.push_back(Watcher::follow(watcher, kWrites));
    }
    for (std::uint64_t c = 0; c < 16; ++c) tasks.push_back(write_some(*store, c, 16, kWrites / 16, 1'000, value));
    executor.run(all(std::move(tasks)));
    for (const Watcher& watcher : watchers) {
      if (watcher.seen != kWrites) state.SkipWithError("a watcher missed events");
    }
  }
  state.counters["events/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kWrites * count), benchmark::Counter::kIsRate);
}
BENCHMARK(fan_out)
    ->ArgName("watchers")
    ->Arg(1)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// A snapshot after every write, of 50,000 objects: what a LIST costs before the first byte is copied.
void snapshot_per_write(benchmark::State& state) {
  ManualExecutor executor;
  const auto store = memory_store(executor, executor.time);
  WatchCache cache(*store, executor, "/registry/pods/");
  executor.run(cache.fill());
  const std::string value = pod(1);
  write_all(executor, *store, 1'000, kObjects / 1'000, kObjects, value);
  std::uint64_t i = 0;
  for (auto _ : state) {
    executor.run(store->commit({{}, {{key_of(++i * 7919 % kObjects), value}}, ""}));
    if (state.range(0) != 0) benchmark::DoNotOptimize(cache.snapshot());
  }
}
BENCHMARK(snapshot_per_write)
    ->ArgName("snapshots")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMicrosecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// From nothing to filled caches; arguments: objects of 2 kB. The heap counts what RocksDB keeps (up to 4 MB of blocks) and
// the events resumed from history (20,000 here) among the objects' overhead. Restarts of a store that was stopped without warning are
// the same: nothing is written when a store is closed.
void restart(benchmark::State& state) {
  const auto objects = static_cast<std::uint64_t>(state.range(0));
  TestDirectory directory;
  {
    ManualExecutor executor;
    const auto store = open_rocksdb_store(directory.path(), executor, executor.time, {.sync = false});
    for (std::uint64_t i = 0; i < objects; ++i) executor.run(store->commit(put(key_of(i), pod(i))));
  }
  double open = 0, fill = 0, overhead = 0, resident = 0;
  for (auto _ : state) {
    malloc_trim(0);
    const double resident_before = resident_mb();
    const auto start = std::chrono::steady_clock::now();
    ManualExecutor executor;
    const auto store = open_rocksdb_store(directory.path(), executor, executor.time);
    const auto opened = std::chrono::steady_clock::now();
    const std::size_t heap_before = heap();
    WatchCache cache(*store, executor, "/registry/pods/");
    executor.run(cache.fill());
    const auto filled = std::chrono::steady_clock::now();
    if (cache.size() != objects) state.SkipWithError("objects are missing");
    open += std::chrono::duration<double>(opened - start).count() * 1e3;
    fill += std::chrono::duration<double>(filled - opened).count() * 1e3;
    overhead = objects == 0 ? 0 : static_cast<double>(heap() - heap_before - cache.stats().bytes) / static_cast<double>(objects);
    resident = resident_mb() - resident_before;
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["open_ms"] = open / rounds;
  state.counters["fill_ms"] = fill / rounds;
  state.counters["heap_per_object_over_bytes"] = overhead;
  state.counters["resident_MB"] = resident;
}
BENCHMARK(restart)
    ->ArgName("objects")
    ->Arg(0)
    ->Arg(500)
    ->Arg(kObjects)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Iterations(5);

// A snapshot of 50,000 objects of 2 kB while the store runs, as bytes; and a store made from it. Neither does what the
// program adds: the file and its sync, TLS.
void snapshot_and_restore(benchmark::State& state) {
  struct Restore final : SnapshotDecoder::Visitor {
    explicit Restore(StoreBuilder& builder) : builder(builder) {}
    void value(std::string_view key, Revision created, std::string_view value) override { builder.add(key, created, value); }
    StoreBuilder& builder;
  };
  TestDirectory directory;
  ManualExecutor executor;
  const auto store = open_rocksdb_store(directory.path(), executor, executor.time, {.sync = false});
  for (std::uint64_t i = 0; i < kObjects; ++i) executor.run(store->commit(put(key_of(i), pod(i))));
  double taking = 0, restoring = 0;
  std::size_t size = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    std::string bytes;
    {
      SnapshotEncoder encoder;
      const auto view = executor.run(store->view());
      bytes = encoder.begin(view->revision(), executor.time.now());
      while (const auto item = view->next()) bytes += encoder.value(item->key, item->created, item->value);
      bytes += encoder.end();
    }
    const auto taken = std::chrono::steady_clock::now();
    TestDirectory other;
    StoreBuilder builder(other.path(), Revision{1'000'000});
    Restore restore(builder);
    SnapshotDecoder decoder(restore);
    for (std::size_t at = 0; at < bytes.size(); at += 256 << 10) decoder.feed(std::string_view(bytes).substr(at, 256 << 10));
    decoder.finish();
    builder.finish();
    if (decoder.values() != kObjects) state.SkipWithError("objects are missing");
    taking += std::chrono::duration<double>(taken - start).count() * 1e3;
    restoring += std::chrono::duration<double>(std::chrono::steady_clock::now() - taken).count() * 1e3;
    size = bytes.size();
  }
  state.counters["snapshot_ms"] = taking / static_cast<double>(state.iterations());
  state.counters["restore_ms"] = restoring / static_cast<double>(state.iterations());
  state.counters["MB"] = static_cast<double>(size) / 1e6;
}
BENCHMARK(snapshot_and_restore)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime()->Iterations(5);

}  // namespace
}  // namespace ph::apiserver

BENCHMARK_MAIN();
