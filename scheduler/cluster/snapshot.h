// Snapshot: the nodes as one scheduling cycle sees them. The cache brings it up to date by copying only what has
// changed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scheduler/cluster/journal.h"
#include "scheduler/cluster/node_info.h"
#include "scheduler/cluster/nodes_by_label.h"

namespace ph::scheduler {

namespace why {
class Hypothesis;
}

class Snapshot {
 public:
  // In the order in which they are tried.
  std::span<const NodeInfo* const> nodes() const { return order_; }
  // The nodes with pods on them that have affinity to other pods, or required anti-affinity. In the same order.
  std::span<const NodeInfo* const> with_affinity() const { return lists().with_affinity; }
  std::span<const NodeInfo* const> repelling() const { return lists().repelling; }
  // Null: no such node.
  const NodeInfo* find(std::string_view name) const {
    const auto found = nodes_.find(name);
    return found == nodes_.end() ? nullptr : found->second.get();
  }
  // By NodeInfo::slot; null where there is no node.
  std::span<const NodeInfo* const> slots() const { return slots_; }
  std::uint64_t generation() const { return generation_; }
  // The slots whose node has become another one, come or gone, as it was seen here.
  const Journal<std::size_t>& refreshed() const { return refreshed_; }
  // The slots of the nodes that have the label with that value, in no order. Good until the snapshot changes.
  std::span<const std::uint32_t> nodes_in(const Interned& key, const Interned& value) const {
    return by_label_.of(key, value, order_);
  }
  // Some pod on some node uses the claim.
  bool is_claim_used(const Interned& namespace_name, const Interned& claim) const {
    return used_claims_.contains({namespace_name, claim});
  }

 private:
  friend class Cache;
  friend class why::Hypothesis;
  void count_claims(const NodeInfo& node, int by);
  struct Lists {
    std::vector<const NodeInfo*> with_affinity, repelling;
  };
  const Lists& lists() const;
  void lists_changed() { are_lists_good_ = false; }

  using Claim = std::pair<Interned, Interned>;  // namespace, name
  struct ClaimHash {
    std::size_t operator()(const Claim& claim) const {
      // Interned: equal texts lie at one address.
      const std::hash<const void*> hash;
      return hash(claim.first.view().data()) * 31 + hash(claim.second.view().data());
    }
  };
  std::map<std::string, std::unique_ptr<NodeInfo>, std::less<>> nodes_;
  std::vector<const NodeInfo*> order_, slots_;
  Journal<std::size_t> refreshed_;
  // Made when they are asked for.
  mutable Lists lists_;
  mutable bool are_lists_good_ = false;
  mutable NodesByLabel by_label_;
  std::unordered_map<Claim, int, ClaimHash> used_claims_;  // by how many pods
  std::uint64_t generation_ = 0, order_version_ = 0;
  // The last generation of nodes that are only imagined: no node of a cache has it, nor has any other imagined one.
  std::uint64_t imagined_ = std::uint64_t{1} << 63;
};

}  // namespace ph::scheduler
