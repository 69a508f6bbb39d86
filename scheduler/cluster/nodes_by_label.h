// NodesByLabel: which nodes have a label with a value, for the label keys that somebody has asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "scheduler/cluster/node_info.h"

namespace ph::scheduler {

class NodesByLabel {
 public:
  // The slots of the nodes with the label, in no order; good until nodes change. `nodes` are all there are: they are looked through when
  // the key is asked for the first time.
  std::span<const std::uint32_t> of(const Interned& key, const Interned& value, std::span<const NodeInfo* const> nodes);
  // A node has come with its labels, or goes with them.
  void join(const NodeInfo& node);
  void leave(const NodeInfo& node);
  void clear() { by_key_.clear(); }

 private:
  static constexpr std::size_t kKeysMost = 16;
  struct ByAddress {
    // Interned: equal texts lie at one address.
    std::size_t operator()(const Interned& text) const { return std::hash<const void*>()(text.view().data()); }
  };
  using Values = std::unordered_map<Interned, std::vector<std::uint32_t>, ByAddress>;

  std::unordered_map<Interned, Values, ByAddress> by_key_;
};

}  // namespace ph::scheduler
