#include <algorithm>
#include <deque>
#include <vector>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/times.h"
#include "apiserver/upkeep/upkeep.h"

namespace ph::apiserver {
namespace {

// An event as it was last written. Later writes get entries of their own; the older ones then mean nothing.
struct Due {
  std::string key;
  Revision revision;
  Steady at;
};

Duration age_of(const Entry& entry, Time now) {
  core::v1::Event event;
  api::decode_envelope(*entry.protobuf, event);
  const Time written = std::max({api::to_time(event.metadata().creation_timestamp()), api::to_time(event.last_timestamp()),
                                 api::to_time(event.event_time()), api::to_time(event.series().last_observed_time())});
  return std::clamp<Duration>(now - written, Duration::zero(), 24h);
}

// One transaction removes so many, …
constexpr std::size_t kBatch = 100;
// … and so long those that are due wait for others; with short lives a twentieth of that.
constexpr Duration kGather = 10s;

std::deque<Due> existing(const Core& core, const Snapshot& snapshot) {
  std::deque<Due> due;
  const Steady now = core.executor.clock().steady();
  for (const EntryRef& entry : *snapshot.entries) {
    due.push_back({entry->key, entry->revision, now + core.options.event_ttl - age_of(*entry, core.now())});
  }
  std::ranges::stable_sort(due, {}, &Due::at);
  return due;
}

// One transaction removes all of them that have not been written again.
Task<void> expire(Core& core, Served& events, std::vector<Due> batch) {
  for (;;) {
    std::erase_if(batch, [&](const Due& due) {
      const EntryRef entry = events.cache->find(due.key);
      return !entry || entry->revision != due.revision;
    });
    if (batch.empty()) co_return;
    Transaction transaction;
    for (const Due& due : batch) {
      std::string key = events.prefix + due.key;
      transaction.preconditions.push_back({.key = key, .kind = Precondition::Kind::AtRevision, .revision = due.revision});
      transaction.mutations.push_back({.key = std::move(key), .value = std::nullopt, .last_value_only = true});
    }
    transaction.author = "system:apiserver";
    const auto committed = co_await core.store.commit(std::move(transaction));
    if (committed) co_return;
    // It was written again meanwhile, and has an entry of its own for that.
    batch.erase(batch.begin() + static_cast<std::ptrdiff_t>(committed.error().precondition));
  }
}

Task<void> expire_due(Core& core, Served& events, std::deque<Due>& due) {
  const Steady now = core.executor.clock().steady();
  while (!due.empty() && due.front().at <= now) {
    std::vector<Due> batch;
    for (; !due.empty() && due.front().at <= now && batch.size() < kBatch; due.pop_front())
      batch.push_back(std::move(due.front()));
    co_await expire(core, events, std::move(batch));
  }
}

}  // namespace

Task<void> expire_events(Core& core) {
  Served& events = core.of(api::schema_of<core::v1::Event>());
  const Clock& clock = core.executor.clock();
  const Duration gather = std::min<Duration>(kGather, core.options.event_ttl / 20);
  for (;;) {
    const auto watch = events.cache->watch(events.cache->revision());
    std::deque<Due> due = existing(core, events.cache->snapshot());
    while (watch) {
      const Steady wake = (due.empty() ? clock.steady() + core.options.event_ttl : due.front().at) + gather;
      if (wake <= clock.steady()) {
        co_await expire_due(core, events, due);
        continue;
      }
      const auto changes = co_await watch->next(wake);
      if (!changes) break;
      for (const CacheEvent& change : *changes) {
        if (change.after) due.push_back({change.after->key, change.revision, clock.steady() + core.options.event_ttl});
      }
    }
    if (!core.ready()) co_return;
    co_await yield();
  }
}

}  // namespace ph::apiserver
