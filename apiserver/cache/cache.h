// Watch cache: what one resource holds, in memory, and its recent changes for watchers.
//
// Filled from the store at start, fed by it afterwards. An entry is immutable and shared by every reader and watcher; its
// bytes were encoded once, by the write. Everything belongs to the apiserver's executor, but entries may be read (rendered)
// on any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/storage/store.h"
#include "base/revision.h"
#include "base/sync.h"

namespace ph::apiserver {

// One object at one revision.
struct Entry {
  std::string key;        // "namespace/name", or "name" for what has no namespace
  Revision revision;      // of its last change
  SharedBytes protobuf;   // the k8s\0 envelope as clients get it, metadata.resourceVersion spliced in
  std::string_view name() const;
  std::string_view namespace_name() const;  // "" when it has none
};
using EntryRef = std::shared_ptr<const Entry>;

struct CacheEvent {
  Revision revision;
  EntryRef before;  // null: it did not exist
  EntryRef after;   // null: deleted; the last state is `deleted`
  EntryRef deleted; // for a deletion: the last state, with the deletion's revision spliced in
};

// All objects of one moment, ordered by key.
struct Snapshot {
  Revision revision;
  std::shared_ptr<const std::vector<EntryRef>> entries;
};

// Events after a revision, in order. Dropping it ends the watch.
class CacheWatch {
 public:
  virtual ~CacheWatch() = default;
  // The next events (at least one), or nothing: the watcher fell so far behind that its events were dropped, or the cache
  // was closed. `deadline`: at that time it returns an empty list, so that the caller can send a bookmark or end.
  virtual Task<std::optional<std::vector<CacheEvent>>> next(Steady deadline) = 0;
  // Up to which revision everything has been delivered once `next` has handed out all it had.
  virtual Revision revision() const = 0;
};

class WatchCache {
 public:
  // `prefix`: the storage prefix with a trailing slash, e.g. "/registry/pods/".
  WatchCache(Store& store, Executor& executor, std::string prefix);
  ~WatchCache();

  // Loads what the store holds, and as much history as it keeps. Call once, before serving.
  Task<void> fill();

  EntryRef find(std::string_view key) const;
  std::size_t size() const;
  // The store's newest revision, whatever resource it touched: reads of this cache are as fresh as that.
  Revision revision() const;

  // The present, cheap to take (shared until the next change).
  Snapshot snapshot();
  // The state at an older revision, for `continue` and exact reads; nothing when it cannot be rebuilt any more.
  std::optional<Snapshot> snapshot_at(Revision revision);

  // Everything after `since`; nothing when the events since then are no longer held (the client gets 410).
  std::unique_ptr<CacheWatch> watch(Revision since);

  // Wakes all watchers with the end.
  void close();

  // Counters for tests and benchmarks.
  struct Stats {
    std::size_t watchers = 0;
    std::size_t events_held = 0;
    std::size_t bytes = 0;
  };
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::apiserver
