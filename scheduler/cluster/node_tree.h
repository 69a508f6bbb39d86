// The order in which nodes are tried: zones take turns, so that the first nodes of a sample lie in different zones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/kinds.h"

namespace ph::scheduler {

class NodeTree {
 public:
  // The node is new. Where it now stands in the list; all others stay in their order.
  std::size_t add(const core::v1::Node& node);
  // By its labels at the time it was added.
  void remove(const core::v1::Node& node);
  void update(const core::v1::Node& before, const core::v1::Node& after);
  // All names: the first of each zone, the second of each, … Valid until the tree changes.
  std::vector<std::string_view> list() const;
  std::size_t size() const { return size_; }

 private:
  // Counts up: what has come first has the lowest.
  using Number = std::uint64_t;
  struct Zone {
    std::map<Number, std::string> nodes;
    std::unordered_map<std::string_view, Number> numbers;  // by the names in `nodes`
  };
  std::map<Number, Zone> zones_;  // none is empty
  std::unordered_map<std::string, Number> zone_numbers_;
  Number last_ = 0;
  std::size_t size_ = 0;
};

// Region and zone of a node in one word; empty when it has neither.
std::string zone_of(const core::v1::Node& node);

}  // namespace ph::scheduler
