#include "election/leadership.h"

#include "base/assert.h"

namespace ph::election {

std::shared_ptr<const Term> Leadership::term() const {
  const std::lock_guard lock(mutex_);
  return term_;
}

std::shared_ptr<const Term> Leadership::term_for_write(Steady now) const {
  // The two are looked at together: certainty of one term says nothing about another.
  const std::lock_guard lock(mutex_);
  return certain(now) ? term_ : nullptr;
}

void Leadership::begin(std::shared_ptr<const Term> term, Steady certain_until) {
  PH_ASSERT(term != nullptr);
  const std::lock_guard lock(mutex_);
  term_ = std::move(term);
  extend(certain_until);
  leading_.store(true, std::memory_order_release);
}

void Leadership::extend(Steady certain_until) {
  certain_until_.store(certain_until.time_since_epoch().count(), std::memory_order_release);
  doubtful_.store(false, std::memory_order_release);
}

void Leadership::doubt() { doubtful_.store(true, std::memory_order_release); }

void Leadership::end() {
  const std::lock_guard lock(mutex_);
  leading_.store(false, std::memory_order_release);
  term_.reset();
}

}  // namespace ph::election
