// Which watchers an event of a cache concerns, found without asking each; private to this folder.
//
// Watchers that are interested in a value of a field stand in the group of that value, and a group knows the numbers of the
// events in the window that had the value before or after. Of each event a field is read once, however many watchers there are;
// of events from before somebody asked for the field when a watcher wants to start there. All of it belongs to the cache's executor.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "apiserver/cache/event_window.h"

namespace ph::apiserver {

class Watch;

// The watchers of one value, and the events of the window that concern them, by number. Values are known by their hashes: those
// that share one are told of each other's events.
class WatchGroup {
 public:
  using Hash = std::uint64_t;
  WatchGroup(Hash value, std::uint64_t from) : value(value), from_(from) {}

  // The events from this number on are known.
  std::uint64_t from() const { return from_; }

  // The first event from `number` on, which is not before `from`; `end` when there is none.
  std::uint64_t next(std::uint64_t number, std::uint64_t end) const;

  void append(std::uint64_t number, std::uint64_t begin);
  // The events of [number, from).
  void prepend(std::uint64_t number, const std::vector<std::uint64_t>& events);

  const Hash value;
  std::list<Watch*> watches;
  bool touched = false;  // by events that its watchers have not been woken for

 private:
  std::uint64_t from_;
  std::vector<std::uint64_t> numbers_;  // rising; the first ones may have left the window
  std::size_t sweep_at_ = 16;
};

// One field of a cache's objects, as long as a watcher is interested in it.
class FieldIndex {
 public:
  FieldIndex(const EventWindow& window, Interest::Read read);

  // The group of the value, which is made when it is the first watcher's.
  WatchGroup& join(std::string_view value);
  void leave(WatchGroup& group);  // when it has no watchers any more
  bool empty() const { return groups_.empty(); }

  // The window's newest event. Groups that it concerns and that were not touched yet are added to `touched`.
  void push(std::vector<WatchGroup*>& touched);

  // Makes the group know the events from `number` on, which the window holds. Reads a bounded number of older events; false: it
  // has to be called again.
  bool reach(WatchGroup& group, std::uint64_t number);

  void each(const std::function<void(Watch&)>& visit) const;

 private:
  struct Values {
    WatchGroup::Hash before, after;  // the same when there is only one of the two
    bool unknown;                    // it could not be read: every group is concerned
    bool have(WatchGroup::Hash value) const { return unknown || before == value || after == value; }
  };
  Values read(const CacheEvent& event) const;
  void forget_old();
  void concern(WatchGroup& group, std::uint64_t number, std::vector<WatchGroup*>& touched);

  const EventWindow& window_;
  const Interest::Read read_;
  std::uint64_t from_;         // number of the first event in `values_`
  std::deque<Values> values_;  // up to the window's end
  std::unordered_map<WatchGroup::Hash, WatchGroup> groups_;
};

// All watchers of a cache.
class WatchIndex {
 public:
  explicit WatchIndex(const EventWindow& window) : window_(window) {}
  WatchIndex(const WatchIndex&) = delete;
  WatchIndex& operator=(const WatchIndex&) = delete;

  // Where a watcher stands; without an interest in no group.
  struct Place {
    std::string name;
    FieldIndex* field = nullptr;
    WatchGroup* group = nullptr;
    std::list<Watch*>::iterator self;
  };
  Place enter(Watch& watch, std::optional<Interest> interest);
  void leave(const Place& place);
  std::size_t size() const { return size_; }

  // The window has a new event.
  void pushed();
  // Wakes whom the events since the last time concern, or adds him to those who are due.
  void wake();
  // The cache is closed.
  void end_all();

  // Ends those that have to be told an event before `cut`, or one before `edge` and have not read for too long; how many.
  std::size_t expire(std::uint64_t edge, std::uint64_t cut, Steady now);
  // The first event that one of the others has still to be told; past all events when there is none.
  std::uint64_t needed() const;

 private:
  void each(const std::function<void(Watch&)>& visit) const;

  const EventWindow& window_;
  std::size_t size_ = 0;
  std::list<Watch*> others_;  // without an interest, in the order of their making
  std::map<std::string, FieldIndex, std::less<>> fields_;
  std::vector<WatchGroup*> touched_;
};

}  // namespace ph::apiserver
