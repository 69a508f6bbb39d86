// A watcher of a cache: a position in its window of events, of which it is told those that its group knows; private to this folder.
#pragma once

#include "apiserver/cache/hub.h"

namespace ph::apiserver {

class Watch final : public CacheWatch {
 public:
  Watch(std::shared_ptr<WatchCache::Impl> cache, Revision since, std::optional<Interest> interest);
  ~Watch() override;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  Task<std::optional<std::vector<CacheEvent>>> next(Steady deadline) override;
  Revision revision() const override;
  bool lost() const override;

  // Something has happened in the cache: whoever waits in `next` looks again, in a later turn.
  void wake();

 private:
  struct Wait;
  bool prepare();
  std::uint64_t upcoming() const;
  std::vector<CacheEvent> take();
  void arm(Steady deadline);
  void disarm();

  const std::shared_ptr<WatchCache::Impl> cache_;
  const Revision since_;  // may be ahead of the store
  std::uint64_t next_;    // of the events from this number on none has been told
  std::shared_ptr<detail::Suspended> parked_;
  // Kept from one wait to the next while the deadline stays the same: most waits end by an event.
  TimerId timer_ = 0;
  Steady timer_at_{};
  const WatchIndex::Place place_;
};

}  // namespace ph::apiserver
