// A watcher of a cache: a position in its window of events, of which it is told those that its group knows; private to this folder.
#pragma once

#include <limits>

#include "apiserver/cache/hub.h"

namespace ph::apiserver {

class Watch final : public CacheWatch {
 public:
  Watch(std::shared_ptr<WatchCache::Impl> cache, Revision since, std::optional<Interest> interest,
        std::shared_ptr<const EntryList> initial);
  ~Watch() override;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  Task<std::optional<std::vector<CacheEvent>>> next(Steady deadline) override;
  void on_events(std::function<Told()> tell) override { tell_ = std::move(tell); }
  const CacheEvent* coming() override;
  void pass() override { ++next_; }
  void note_read() override { ++read_; }
  const EntryList* initial() const override { return initial_.get(); }
  void initial_done() override { initial_ = nullptr; }
  Revision revision() const override;
  bool lost() const override { return expired_ || cache_->closed; }
  bool expired() const override { return expired_; }

  // There are events: whoever waits in `next` looks again, in a later turn; or he is told of them then, by `tell`.
  void notify();
  // Tells of events, which takes it out of those that are `due`; what that has cost.
  std::size_t tell();

  // The first event that has to be held for it.
  static constexpr std::uint64_t kNothing = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t needs() const;
  // Whether it has read anything since it was asked this, or not for long enough. Time counts from the first time.
  bool has_read(Steady now);
  // It is told no more, and holds nothing any more: the cache is closed; or it was too slow.
  void end();
  void expire();

 private:
  struct Wait;
  // Whoever waits in `next` looks again, in a later turn.
  void wake();
  bool prepare();
  std::uint64_t upcoming() const;
  const CacheEvent* first();
  std::vector<CacheEvent> take();
  void arm(Steady deadline);
  void disarm();

  const std::shared_ptr<WatchCache::Impl> cache_;
  const Revision since_;  // may be ahead of the store
  std::shared_ptr<const EntryList> initial_;
  std::uint64_t next_;  // of the events from this number on none has been told
  bool expired_ = false;
  std::uint64_t read_ = 1;       // grows whenever it reads
  std::uint64_t read_seen_ = 0;  // … as it was when it was last seen to grow, …
  Steady seen_{};                // … which was then
  std::shared_ptr<detail::Suspended> parked_;
  std::function<Told()> tell_;
  bool due_ = false;
  std::list<Watch*>::iterator place_in_due_;
  // Kept from one wait to the next while the deadline stays the same: most waits end by an event.
  TimerId timer_ = 0;
  Steady timer_at_{};
  const WatchIndex::Place place_;
};

}  // namespace ph::apiserver
