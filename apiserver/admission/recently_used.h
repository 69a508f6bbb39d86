// What was used last, by key.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/assert.h"

namespace ph::apiserver::admission {

// At most so many values: the one that has not been used for the longest time goes for a new one. Belongs to one executor.
template <class Value>
class RecentlyUsed {
 public:
  explicit RecentlyUsed(std::size_t most) : most_(most) { PH_ASSERT(most > 0); }
  RecentlyUsed(const RecentlyUsed&) = delete;
  RecentlyUsed& operator=(const RecentlyUsed&) = delete;

  // Null: there is none. What is found has been used.
  Value* find(const std::string& key) {
    const auto known = known_.find(key);
    if (known == known_.end()) return nullptr;
    used_.splice(used_.begin(), used_, known->second);
    return &used_.front().second;
  }
  // The one that there is, or a new one.
  Value& at(const std::string& key) {
    if (Value* known = find(key)) return *known;
    if (used_.size() >= most_) {
      known_.erase(used_.back().first);
      used_.pop_back();
    }
    used_.emplace_front(key, Value());
    known_[key] = used_.begin();
    return used_.front().second;
  }

 private:
  using Used = std::list<std::pair<std::string, Value>>;  // the latest first

  const std::size_t most_;
  Used used_;
  std::unordered_map<std::string, typename Used::iterator> known_;
};

}  // namespace ph::apiserver::admission
