// The insides of hub and caches; private to this folder.
#pragma once

#include <atomic>
#include <limits>
#include <list>
#include <map>

#include "apiserver/cache/cache.h"
#include "apiserver/cache/event_window.h"
#include "apiserver/cache/watch_index.h"
#include "base/anywhere.h"
#include "base/published.h"

namespace ph::apiserver {

struct CacheHub::Impl : std::enable_shared_from_this<Impl> {
  Impl(Store& store, Executor& executor, CacheOptions options);

  void changed(std::span<const Change> changes);
  Task<void> fill();
  Task<void> fill_now();
  bool all_filled() const;
  // Keeps what the windows, and what the backlogs hold together within its budget.
  void fit(Steady now);
  void shrink_windows(Steady now);
  void shrink_backlogs(Steady now);
  // Shows other threads the caches at the new `revision`, all at once.
  void publish(std::span<WatchCache::Impl* const> touched);

  Store& store;
  Executor& executor;
  const CacheOptions options;
  Revision revision;
  // Twice the revision that is published; one more while that is changing. Who reads the same even number before and after has read
  // caches of that revision.
  std::atomic<std::uint64_t> published;
  WindowBytes bytes;
  std::map<std::string, WatchCache::Impl*, std::less<>> caches;  // by prefix
  std::uint64_t made = 0;                                        // caches
  bool filling = false;
  Event filled;  // set when a filling ends, well or not
  std::string last_trimmed;
};

struct WatchCache::Impl : std::enable_shared_from_this<WatchCache::Impl> {
  Impl(std::shared_ptr<CacheHub::Impl> hub, std::string prefix, WindowSize size);

  EntryRef make_entry(const std::string& key, Revision revision, const SharedBytes& stored) const;
  void apply(const Change& change);
  void finish_fill(const Recent& recent);
  void trim(Time now, Steady steady);
  // Lets go of what has left the window and no watch that reads has still to be told. Watches that have to be told an event before
  // `cut` are ended.
  void settle(Steady now, std::uint64_t cut = 0);
  struct Moment {
    Snapshot snapshot;
    Steady used;
    int lists = 0;  // that go on from there
  };
  Moment* moment(Revision revision);
  Moment& keep(Snapshot snapshot);
  void close();
  void leave_hub();
  // Tells the watches in `due` of events, some of them in each turn.
  void deliver_soon();
  void deliver();
  const std::shared_ptr<const EntryList>& list();
  Snapshot rebuild(Revision revision);
  // Shows other threads the present if they have asked for it, else that there is something new.
  void publish_or_retract();

  const std::shared_ptr<CacheHub::Impl> hub;
  const std::string prefix;
  const std::uint64_t serial;  // of the hub's caches
  const WindowSize size;
  EntryTree entries;
  std::size_t bytes = 0;  // of the present
  std::uint64_t changes = 0;
  std::atomic<std::uint64_t> version = 0;  // another one after each change
  Published<EntryList> published;          // the present; null: it is not to be had without the executor
  std::atomic<bool> wanted = false;        // by another thread, since it was published
  EventWindow window;
  bool filled = false;
  bool closed = false;
  std::vector<Change> early;                 // changes that came before the cache was filled
  std::shared_ptr<const EntryList> present;  // the list of the present, while nothing has changed since it was made
  std::list<Moment> moments;                 // older states, latest used first
  WatchIndex watches;
  // No watch that reads has still to be told an event before this one. To look for it means to ask them all: that is not done again
  // before so many events more have left the window, or so much time has passed.
  std::uint64_t needed = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t look_at_edge = 0;
  Steady look_at = Steady::min();
  std::uint64_t expired = 0;  // watches
  bool touched = false;       // by the batch of changes that is being applied
  std::list<Watch*> due;      // those that are to be told of events
  bool delivering = false;    // a turn for that has been asked for
};

}  // namespace ph::apiserver
