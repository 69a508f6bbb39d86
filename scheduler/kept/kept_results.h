// KeptResults: the results of the classes of pods that have come up lately.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "scheduler/kept/class_results.h"

namespace ph::scheduler {

class KeptResults {
 public:
  // Null for a class that comes up for the first time: one pod alone is better served by looking at some of the nodes.
  ClassResults* of(const Profile& profile, ClassKey key);

 private:
  static constexpr std::size_t kMost = 64;        // classes with results
  static constexpr std::size_t kMostSeen = 4096;  // classes that are remembered
  struct Class {
    std::string key;
    std::unique_ptr<ClassResults> results;
  };
  using Order = std::list<Class>;

  Order order_;  // the last that came up first
  std::unordered_map<std::string_view, Order::iterator> by_key_;
};

}  // namespace ph::scheduler
