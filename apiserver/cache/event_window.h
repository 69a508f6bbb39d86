// The recent events of one cache, numbered without holes: watchers are positions in it, not queues.
#pragma once

#include <algorithm>
#include <deque>

#include "apiserver/cache/cache.h"
#include "base/assert.h"

namespace ph::apiserver {

class EventWindow {
 public:
  explicit EventWindow(const CacheOptions& options) : options_(options) {}

  // Numbers of the events held: [begin, end).
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return begin_ + slots_.size(); }
  const CacheEvent& operator[](std::uint64_t number) const { return slots_[number - begin_].event; }
  std::size_t size() const { return slots_.size(); }
  // Of states that nothing but this window holds.
  std::size_t bytes() const { return bytes_; }

  // Every event after this revision is held.
  Revision since() const { return since_; }
  void start_at(Revision since) {
    PH_ASSERT(slots_.empty());
    since_ = since;
  }

  // The first event after `revision`.
  std::uint64_t after(Revision revision) const {
    const auto at = std::ranges::upper_bound(slots_, revision, {}, [](const Slot& s) { return s.event.revision; });
    return begin_ + (at - slots_.begin());
  }

  void push(CacheEvent event, Time time) {
    PH_ASSERT(slots_.empty() ? event.revision > since_ : event.revision >= slots_.back().event.revision);
    const std::size_t bytes = size_of(event.before) + size_of(event.deleted);
    bytes_ += bytes;
    slots_.push_back({std::move(event), time, bytes});
  }

  // Drops what is too old or too much, whole revisions at a time.
  void trim(Time now) {
    while (slots_.size() > options_.events_min && over(now)) {
      since_ = slots_.front().event.revision;
      while (!slots_.empty() && slots_.front().event.revision == since_) {
        bytes_ -= slots_.front().bytes;
        slots_.pop_front();
        ++begin_;
      }
    }
  }

 private:
  struct Slot {
    CacheEvent event;
    Time time;
    std::size_t bytes;
  };

  static std::size_t size_of(const EntryRef& entry) { return entry ? entry->protobuf->size() : 0; }
  bool over(Time now) const {
    return slots_.size() > options_.events_max || bytes_ > options_.bytes_max ||
           slots_.front().time < now - options_.window;
  }

  CacheOptions options_;
  std::deque<Slot> slots_;
  std::uint64_t begin_ = 0;
  Revision since_;
  std::size_t bytes_ = 0;
};

}  // namespace ph::apiserver
