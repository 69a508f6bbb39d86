// Watch cache: what one resource holds, in memory, and its recent changes for watchers.
//
// Filled from the store at start, fed by it afterwards. An entry is immutable and shared by every reader and watcher;
// its bytes were encoded once, by the write. Everything belongs to the apiserver's executor, but for entries and snapshots, which may
// be read on any thread, and `published` and `version`, by which other threads come to them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/cache/entries.h"
#include "apiserver/cache/options.h"
#include "apiserver/storage/store.h"
#include "base/revision.h"
#include "base/sync.h"

namespace ph::apiserver {

struct CacheEvent {
  Revision revision;
  EntryRef before;   // null: it did not exist
  EntryRef after;    // null: deleted; the last state is `deleted`
  EntryRef deleted;  // for a deletion: the last state, with the deletion's revision spliced in
};

// All objects of one moment, ordered by key. Any thread may read the entries.
struct Snapshot {
  Revision revision;
  std::shared_ptr<const EntryList> entries;
};

// What a watcher looks for at least: objects that have a value. It is told of the changes of those that had it before or have
// it after, and maybe of others; with 5,000 watchers of as many values a change concerns one or two of them.
struct Interest {
  // Of an entry; nothing when it cannot be read, then the change is told to all. Does not throw.
  using Read = std::function<std::optional<std::string>(const EntryRef&)>;

  std::string field;  // names what `read` reads: the same of a cache by the same name
  Read read;          // may be called as long as there is any watch with that name
  std::string value;
};

// Events after a revision, in order. Dropping it ends the watch.
//
// Who reads slowly is waited for: what it has still to be told is held, as CacheOptions::backlog_max allows. Who does not read at all
// is ended when its events have left the window (CacheOptions::unread_max).
class CacheWatch {
 public:
  virtual ~CacheWatch() = default;
  // The next events (at least one), or nothing: the watch is `lost`. `deadline`: at that time it returns an empty list, so that the
  // caller can send a bookmark or end.
  virtual Task<std::optional<std::vector<CacheEvent>>> next(Steady deadline) = 0;

  // -- Instead of a turn for each watch that waits: those that want it are told of events one after the other.

  // Called while somebody waits in `next` and there may be events: takes what `coming` shows. What is not taken ends the wait.
  // `cost`: of what has been done, as `Turn` counts. Does not throw, and ends no watch.
  struct Told {
    bool all = false;
    std::size_t cost = 0;
  };
  virtual void on_events(std::function<Told()> tell) = 0;
  // The first event that has not been told, when that is known; null: there is none, or `next` has to be asked. It is there until
  // the next change.
  virtual const CacheEvent* coming() = 0;
  // It has been told.
  virtual void pass() = 0;
  // It has read something that it held already: it is not as if it had gone away.
  virtual void note_read() = 0;
  // What it was given to begin with, until it says that it is done with that, or is lost; then null.
  virtual const EntryList* initial() const = 0;
  virtual void initial_done() = 0;
  // Up to which revision everything has been delivered once `next` has handed out all it had.
  virtual Revision revision() const = 0;
  // It was ended, or the cache was closed: `next` would say so.
  virtual bool lost() const = 0;
  // It was ended because it was too slow: events that it should be told of may be gone.
  virtual bool expired() const = 0;
};

// Small: of what changes all the time and nobody asks for the past of (events, heartbeats).
enum class WindowSize : unsigned char { Normal, Small };

// Feeds all watch caches of one store: one follower, each change goes to the cache of its prefix, and all caches
// advance to the store's revision together. Make it before the store's first commit; caches may come later. Hub and
// caches may go away before the store.
class CacheHub {
 public:
  CacheHub(Store& store, Executor& executor, CacheOptions options = {});
  ~CacheHub();
  CacheHub(const CacheHub&) = delete;
  CacheHub& operator=(const CacheHub&) = delete;

  // Fills all caches that have not been, in one pass over the store's history.
  Task<void> fill();
  Revision revision() const;

  struct Impl;

 private:
  friend class WatchCache;
  std::shared_ptr<Impl> impl_;
};

class WatchCache {
 public:
  // One of many caches of a store. Prefixes of one hub differ.
  WatchCache(CacheHub& hub, std::string prefix, WindowSize size = WindowSize::Normal);
  // With a hub of its own.
  // `prefix`: the storage prefix with a trailing slash, e.g. "/registry/pods/".
  WatchCache(Store& store, Executor& executor, std::string prefix);
  ~WatchCache();

  WatchCache(const WatchCache&) = delete;
  WatchCache& operator=(const WatchCache&) = delete;

  // Loads what the store holds, and as much history as it keeps, for this and every other cache of the hub that is not
  // filled yet; then returns at once for those. Before it is filled a cache is empty and cannot be watched.
  Task<void> fill();

  EntryRef find(std::string_view key) const;
  std::size_t size() const;
  // The store's newest revision, whatever resource it touched: reads of this cache are as fresh as that.
  Revision revision() const;

  // The present, cheap to take (shared until the next change).
  Snapshot snapshot();
  // The same for other threads: threads any. Nothing while there is no such snapshot: the cache has changed since somebody asked last,
  // or is just being changed. Then the executor is to be asked, which makes one when it comes to `publish`; a cache that nobody
  // asks costs nothing. It is never older than what any executor's work, `next` of a watch or answer has told before.
  std::optional<Snapshot> published() const;
  // Makes what was asked for in vain.
  void publish() const;
  // As `find`, for whoever asks (base/anywhere.h): nothing when only the executor can tell.
  std::optional<EntryRef> look(std::string_view key) const;
  // Threads: any. Another number after each change, before anybody is told of that.
  std::uint64_t version() const;
  // The state at an older revision, for `continue` and exact reads; nothing when it cannot be rebuilt any more.
  std::optional<Snapshot> snapshot_at(Revision revision);
  // A list of that moment goes on with another page: it is kept for `snapshot_at`, of a small window also when that has moved on; a
  // minute at most without being asked for. `first`: that was the list's first page. And: that was its last one.
  void keep_for_pages(Snapshot snapshot, bool first);
  void pages_end(Revision revision);

  // Every event after this revision is held.
  Revision since() const;
  // Everything after `since` that is of interest; nothing when the events since then are no longer held (the client gets 410).
  // `initial`: the moment that it begins with, if it does, of which `since` is the revision.
  std::unique_ptr<CacheWatch> watch(Revision since, std::optional<Interest> interest = {},
                                    std::shared_ptr<const EntryList> initial = {});

  // Where a client goes on that has been told of `told`. One revision may have changed several objects, and the client may have heard of
  // the first of them only: it hears of all of them once more.
  Revision resumes_after(Revision told) const;

  // Wakes all watchers with the end.
  void close();

  // Counters for tests and benchmarks.
  struct Stats {
    std::size_t watchers = 0;
    std::size_t events_held = 0;
    std::size_t bytes = 0;  // of the present's envelopes, of the window and of the backlog
    std::size_t window_bytes = 0;
    std::size_t backlog_bytes = 0;
    std::uint64_t squeezed = 0;  // events that have left the window before their time, for want of room
    std::uint64_t expired = 0;   // watches that were ended because they were too slow
    std::uint64_t changes = 0;   // told by the store since the cache was made
  };
  Stats stats() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace ph::apiserver
