// The insides of hub and caches; private to this folder.
#pragma once

#include <list>
#include <map>

#include "apiserver/cache/cache.h"
#include "apiserver/cache/event_window.h"
#include "apiserver/cache/watch_index.h"

namespace ph::apiserver {

struct CacheHub::Impl : std::enable_shared_from_this<Impl> {
  Impl(Store& store, Executor& executor, CacheOptions options);

  void changed(std::span<const Change> changes);
  Task<void> fill();
  Task<void> fill_now();
  bool all_filled() const;

  Store& store;
  Executor& executor;
  const CacheOptions options;
  Revision revision;
  std::map<std::string, WatchCache::Impl*, std::less<>> caches;  // by prefix
  std::uint64_t made = 0;  // caches
  bool filling = false;
  Event filled;  // set when a filling ends, well or not
  std::string last_trimmed;
};

struct WatchCache::Impl {
  Impl(std::shared_ptr<CacheHub::Impl> hub, std::string prefix);

  EntryRef make_entry(const std::string& key, Revision revision, const SharedBytes& stored) const;
  void apply(const Change& change);
  void finish_fill(const Recent& recent);
  void wake();
  void leave_hub();
  const std::shared_ptr<const EntryList>& list();
  Snapshot rebuild(Revision revision);

  const std::shared_ptr<CacheHub::Impl> hub;
  const std::string prefix;
  const std::uint64_t serial;  // of the hub's caches
  EntryTree entries;
  std::size_t bytes = 0;  // of the present
  std::uint64_t changes = 0;
  EventWindow window;
  bool filled = false;
  bool closed = false;
  std::vector<Change> early;                 // changes that came before the cache was filled
  std::shared_ptr<const EntryList> present;  // the list of the present, while nothing has changed since it was made
  std::list<Snapshot> rebuilt;               // older states, latest used first
  WatchIndex watches;
  bool touched = false;                      // by the batch of changes that is being applied
};

}  // namespace ph::apiserver
