#include <algorithm>
#include <deque>

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

std::deque<Due> existing(const Core& core, const Snapshot& snapshot) {
  std::deque<Due> due;
  const Steady now = core.executor.clock().steady();
  for (const EntryRef& entry : *snapshot.entries) {
    due.push_back({entry->key, entry->revision, now + core.options.event_ttl - age_of(*entry, core.now())});
  }
  std::ranges::stable_sort(due, {}, &Due::at);
  return due;
}

Task<void> expire(Core& core, Served& events, Due due) {
  const EntryRef entry = events.cache->find(due.key);
  if (!entry || entry->revision != due.revision) co_return;
  Transaction transaction;
  transaction.preconditions.push_back(
      {.key = events.prefix + due.key, .kind = Precondition::Kind::AtRevision, .revision = due.revision});
  transaction.mutations.push_back({.key = events.prefix + due.key, .value = std::nullopt, .last_value_only = true});
  transaction.author = "system:apiserver";
  // Refused: it was written again, and has an entry of its own for that.
  (void)co_await core.store.commit(std::move(transaction));
}

}  // namespace

Task<void> expire_events(Core& core) {
  Served& events = core.of(api::schema_of<core::v1::Event>());
  const Clock& clock = core.executor.clock();
  for (;;) {
    const Snapshot snapshot = events.cache->snapshot();
    std::deque<Due> due = existing(core, snapshot);
    const auto watch = events.cache->watch(snapshot.revision);
    while (watch) {
      while (!due.empty() && due.front().at <= clock.steady()) {
        Due first = std::move(due.front());
        due.pop_front();
        co_await expire(core, events, std::move(first));
      }
      const Steady wake = due.empty() ? clock.steady() + core.options.event_ttl : due.front().at;
      const auto changes = co_await watch->next(wake);
      if (!changes) break;
      for (const CacheEvent& change : *changes) {
        if (change.after) due.push_back({change.after->key, change.revision, clock.steady() + core.options.event_ttl});
      }
    }
    if (!core.ready) co_return;
    co_await yield();
  }
}

}  // namespace ph::apiserver
