// Snapshot: the nodes as one scheduling cycle sees them. The cache brings it up to date by copying only what has
// changed.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/cluster/node_info.h"

namespace ph::scheduler {

class Snapshot {
 public:
  // In the order in which they are tried.
  std::span<const NodeInfo* const> nodes() const { return order_; }
  // The nodes with pods on them that have required anti-affinity.
  std::span<const NodeInfo* const> repelling() const { return repelling_; }
  // Null: no such node.
  const NodeInfo* find(std::string_view name) const {
    const auto found = nodes_.find(name);
    return found == nodes_.end() ? nullptr : found->second.get();
  }
  std::uint64_t generation() const { return generation_; }

 private:
  friend class Cache;
  std::map<std::string, std::unique_ptr<NodeInfo>, std::less<>> nodes_;
  std::vector<const NodeInfo*> order_, repelling_;
  std::uint64_t generation_ = 0, order_version_ = 0;
};

}  // namespace ph::scheduler
