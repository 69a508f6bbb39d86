// A store that lives in memory: for the simulation and for clusters that are thrown away.
#pragma once

#include <functional>
#include <memory>

#include "apiserver/storage/store.h"
#include "base/executor.h"
#include "base/metrics.h"

namespace ph::apiserver {

struct MemoryOptions {
  Duration history_duration = std::chrono::minutes(10);
  std::size_t history_records = 100'000;
  Metrics* metrics = nullptr;  // outlives the store; null: nothing is counted

  // For faults. Awaited by each commit before it is judged and after it was applied and fed to the followers: it may
  // sleep (a slow disk), throw (the answer is lost) or have the whole caller destroyed (a crash).
  enum class Moment { BeforeWrite, AfterWrite };
  std::function<Task<void>(const Transaction&, Moment)> fault;
};

// Deterministic: everything happens on `executor`, in the order of the calls. A commit takes effect one turn after it
// was awaited, so that commits interleave as they do with a real disk.
std::unique_ptr<Store> memory_store(Executor& executor, const Clock& clock, MemoryOptions options = {});

}  // namespace ph::apiserver
