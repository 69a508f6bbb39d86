// EventCorrelator: decides what becomes of an event, as client-go's does. Equal events are counted up, many that differ only in
// their message are combined, and one source may not flood one object. No I/O; the last 4096 of each are remembered.
#pragma once

#include <list>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "base/time.h"
#include "core/v1.pb.h"

namespace ph::informers {

// A bounded map that forgets what was used longest ago.
template <class V>
class Recent {
 public:
  explicit Recent(std::size_t most) : most_(most) {}
  // The entry of `key`, made when there is none.
  V& operator[](const std::string& key) {
    const auto found = by_key_.find(key);
    if (found != by_key_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return found->second->second;
    }
    order_.emplace_front(key, V());
    by_key_.emplace(key, order_.begin());
    if (order_.size() > most_) {
      by_key_.erase(order_.back().first);
      order_.pop_back();
    }
    return order_.front().second;
  }

 private:
  std::size_t most_;
  std::list<std::pair<std::string, V>> order_;
  std::unordered_map<std::string, typename std::list<std::pair<std::string, V>>::iterator> by_key_;
};

struct Correlated {
  core::v1::Event event;  // to be created; or, when it counts up, the event that exists, with the new count and times
  bool counts_up = false;
  bool suppressed = false;  // by the spam limit
  std::string key;          // for `stored`
};

class EventCorrelator {
 public:
  Correlated correlate(core::v1::Event event, Time now);
  // What the server made of a created event.
  void stored(const Correlated& written);

 private:
  struct Similar {
    std::set<std::string> messages;
    std::optional<Time> last;
  };
  struct Known {
    std::string name;
    std::int32_t count = 0;
    meta::v1::Time first;
  };
  struct Bucket {
    std::optional<double> tokens;
    Time filled{};
  };

  std::string combine(core::v1::Event& event, Time now);
  bool allowed(const core::v1::Event& event, Time now);

  Recent<Similar> similar_{4096};
  Recent<Known> known_{4096};
  Recent<Bucket> buckets_{4096};
};

}  // namespace ph::informers
