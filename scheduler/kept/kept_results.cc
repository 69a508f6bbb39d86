#include "scheduler/kept/kept_results.h"

#include <iterator>

namespace ph::scheduler {

ClassResults* KeptResults::of(const Profile& profile, ClassKey key) {
  key += profile.scheduler_name();
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    order_.splice(order_.begin(), order_, known->second);
    if (!order_.front().results) {
      order_.front().results = std::make_unique<ClassResults>();
      if (order_.size() > kMost) std::next(order_.begin(), kMost)->results.reset();
    }
    return order_.front().results.get();
  }
  order_.push_front({std::move(key), nullptr});
  by_key_.emplace(order_.front().key, order_.begin());
  if (order_.size() > kMostSeen) {
    by_key_.erase(order_.back().key);
    order_.pop_back();
  }
  // Those that have been passed by kMost others lose their results.
  if (order_.size() > kMost) std::next(order_.begin(), kMost)->results.reset();
  return nullptr;
}

}  // namespace ph::scheduler
