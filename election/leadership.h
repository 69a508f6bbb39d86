// Leadership: what the rest of a daemon may know of its election, from any thread and without waiting for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "api/fence.h"
#include "base/revision.h"
#include "base/time.h"

namespace ph::election {

// One stretch of leading. No two terms have the same fence.
struct Term {
  api::Fence fence;
  std::string fence_header;  // fence_text(fence)
  // Of the write that began the term: all that earlier leaders wrote under a fence has a smaller revision.
  Revision since;
};

// Threads: any; the election writes, everybody reads. Until an election has written it, nobody leads.
class Leadership {
 public:
  // Whether this process leads, as far as the election knows. True does not mean that a write may leave: see `certain`.
  bool leading() const { return leading_.load(std::memory_order_acquire); }

  // Until when nobody else can lead: the last renewal's sending plus the renew deadline. When not leading, that of the last
  // term; zero before the first.
  Steady certain_until() const { return Steady(Duration(certain_until_.load(std::memory_order_acquire))); }
  // Whether this process leads at `now`, whatever happens elsewhere.
  bool certain(Steady now) const { return leading() && !doubtful_.load(std::memory_order_acquire) && now < certain_until(); }

  // The present term; null when not leading.
  std::shared_ptr<const Term> term() const;

  // The term under which a write may leave now; null when there is none.
  std::shared_ptr<const Term> term_for_write(Steady now) const;

  // Writes that guarded transports refused, since the start.
  std::uint64_t refused_writes() const { return refused_.load(std::memory_order_relaxed); }
  void count_refused() { refused_.fetch_add(1, std::memory_order_relaxed); }

  // -- For the election.
  void begin(std::shared_ptr<const Term> term, Steady certain_until);
  void extend(Steady certain_until);
  // Leading, but nothing is certain until the next `extend` or `begin`.
  void doubt();
  void end();

 private:
  std::atomic<bool> leading_ = false;
  std::atomic<bool> doubtful_ = false;
  std::atomic<Duration::rep> certain_until_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  mutable std::mutex mutex_;  // held for the copy of a pointer
  std::shared_ptr<const Term> term_;
};

}  // namespace ph::election
