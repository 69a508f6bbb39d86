// The order in which nodes are tried: zones take turns, so that the first nodes of a sample lie in different zones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"

namespace ph::scheduler {

class NodeTree {
 public:
  void add(const core::v1::Node& node);
  // By its labels at the time it was added.
  void remove(const core::v1::Node& node);
  void update(const core::v1::Node& before, const core::v1::Node& after);
  // All names: the first of each zone, the second of each, …
  std::vector<std::string> list() const;
  std::size_t size() const;

 private:
  struct Zone {
    std::string name;
    std::vector<std::string> nodes;
  };
  std::vector<Zone> zones_;  // in the order of their first node
};

// Region and zone of a node in one word; empty when it has neither.
std::string zone_of(const core::v1::Node& node);

}  // namespace ph::scheduler
