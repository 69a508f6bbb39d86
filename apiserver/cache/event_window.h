// The recent events of one cache, numbered without holes: watchers are positions in it, not queues. In front of the window proper
// there may be a backlog, of events that are held for watchers that have still to be told of them.
#pragma once

#include <algorithm>
#include <deque>
#include <utility>

#include "apiserver/cache/cache.h"
#include "base/assert.h"

namespace ph::apiserver {

// What the windows of a hub hold together.
struct WindowBytes {
  std::size_t windows = 0;
  std::size_t backlogs = 0;
};

class EventWindow {
 public:
  // The references outlive it.
  EventWindow(const CacheOptions& options, WindowSize size, WindowBytes& all) : options_(options), size_(size), all_(all) {}
  ~EventWindow() { clear(); }
  EventWindow(const EventWindow&) = delete;
  EventWindow& operator=(const EventWindow&) = delete;

  // Numbers of the events held: the backlog is [begin, edge), the window proper [edge, end).
  std::uint64_t begin() const { return begin_; }
  std::uint64_t edge() const { return edge_; }
  std::uint64_t end() const { return begin_ + slots_.size(); }
  const CacheEvent& operator[](std::uint64_t number) const { return slots_[number - begin_].event; }
  std::size_t size() const { return slots_.size(); }
  // Of states that nothing but events hold, and of what the events themselves take.
  std::size_t bytes() const { return bytes_; }
  std::size_t backlog_bytes() const { return backlog_bytes_; }
  // Events that have left the window proper before their time, for want of room.
  std::uint64_t squeezed() const { return squeezed_; }

  // Every event after this revision is held.
  Revision since() const { return since_; }
  // `several`: that revision has changed more than one object.
  void start_at(Revision since, bool several) {
    PH_ASSERT(slots_.empty());
    since_ = since;
    several_at_since_ = several;
  }

  // The first event after `revision`.
  std::uint64_t after(Revision revision) const {
    const auto at = std::ranges::upper_bound(slots_, revision, {}, [](const Slot& s) { return s.event.revision; });
    return begin_ + (at - slots_.begin());
  }

  // Whether there is more than one event of that revision, be they held or not.
  bool has_several(Revision revision) const {
    if (revision == since_) return several_at_since_;
    return std::ranges::equal_range(slots_, revision, {}, [](const Slot& s) { return s.event.revision; }).size() > 1;
  }

  void push(CacheEvent event, Time time) {
    PH_ASSERT(slots_.empty() ? event.revision > since_ : event.revision >= slots_.back().event.revision);
    const std::size_t bytes = kEventBytes + size_of(event.before) + size_of(event.deleted);
    bytes_ += bytes;
    all_.windows += bytes;
    slots_.push_back({std::move(event), time, bytes});
  }

  // What is too old, or too much for this one alone, becomes backlog.
  void trim(Time now) {
    while (!only_newest()) {
      const std::size_t events = end() - edge_;
      const bool crowded = events > options_.events_max || (size_ == WindowSize::Small && bytes_ > options_.bytes_min);
      if (!crowded && (events <= options_.events_min || slot(edge_).time >= now - options_.window)) return;
      advance(crowded);
    }
  }
  // Its oldest revision becomes backlog, to make room for others; false: it holds no more than it may keep.
  bool shrink() {
    if (bytes_ <= options_.bytes_min || only_newest()) return false;
    advance(true);
    return true;
  }

  // The number that the backlog has to begin with, to be so many bytes less.
  std::uint64_t cut(std::size_t bytes) const {
    std::uint64_t number = begin_;
    for (std::size_t freed = 0; number < edge_ && freed < bytes; ++number) freed += slot(number).bytes;
    return number;
  }
  // Drops the backlog before `number`.
  void release(std::uint64_t number) {
    for (number = std::min(number, edge_); begin_ < number; ++begin_) {
      const Slot& gone = slots_.front();
      const auto is_of_it = [&](Revision revision) { return revision == gone.event.revision; };
      several_at_since_ = is_of_it(since_) || (slots_.size() > 1 && is_of_it(slots_[1].event.revision));
      since_ = gone.event.revision;
      backlog_bytes_ -= gone.bytes;
      all_.backlogs -= gone.bytes;
      slots_.pop_front();
    }
  }

  // Drops everything.
  void clear() {
    if (!slots_.empty()) since_ = slots_.back().event.revision;
    begin_ = edge_ = end();
    slots_.clear();
    all_.windows -= std::exchange(bytes_, 0);
    all_.backlogs -= std::exchange(backlog_bytes_, 0);
  }

 private:
  struct Slot {
    CacheEvent event;
    Time time;
    std::size_t bytes;
  };

  // About what an event takes by itself, and an entry beside its key and object.
  static constexpr std::size_t kEventBytes = 128;
  static constexpr std::size_t kEntryBytes = 160;
  static std::size_t size_of(const EntryRef& entry) {
    return entry ? kEntryBytes + entry->key.size() + entry->protobuf->size() : 0;
  }

  const Slot& slot(std::uint64_t number) const { return slots_[number - begin_]; }
  bool only_newest() const { return edge_ == end() || slot(edge_).event.revision == slots_.back().event.revision; }

  // Moves the edge over a whole revision: a watch that begins there has to be told all of the next one.
  void advance(bool squeezed) {
    const Revision left = slot(edge_).event.revision;
    for (; edge_ < end() && slot(edge_).event.revision == left; ++edge_) {
      const std::size_t bytes = slot(edge_).bytes;
      bytes_ -= bytes;
      backlog_bytes_ += bytes;
      all_.windows -= bytes;
      all_.backlogs += bytes;
      squeezed_ += squeezed;
    }
  }

  const CacheOptions& options_;
  const WindowSize size_;
  WindowBytes& all_;
  std::deque<Slot> slots_;
  std::uint64_t begin_ = 0, edge_ = 0;
  Revision since_;
  bool several_at_since_ = false;
  std::size_t bytes_ = 0, backlog_bytes_ = 0;
  std::uint64_t squeezed_ = 0;
};

}  // namespace ph::apiserver
