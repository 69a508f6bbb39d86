#include "scheduler/cluster/nodes_by_label.h"

#include <algorithm>

namespace ph::scheduler {

std::span<const std::uint32_t> NodesByLabel::of(const Interned& key, const Interned& value,
                                                std::span<const NodeInfo* const> nodes) {
  auto known = by_key_.find(key);
  if (known == by_key_.end()) {
    if (by_key_.size() >= kKeysMost) by_key_.clear();
    known = by_key_.try_emplace(key).first;
    for (const NodeInfo* node : nodes) {
      if (const Interned* own = node->label(key)) known->second[*own].push_back(static_cast<std::uint32_t>(node->slot()));
    }
  }
  const auto found = known->second.find(value);
  return found == known->second.end() ? std::span<const std::uint32_t>() : found->second;
}

void NodesByLabel::join(const NodeInfo& node) {
  for (auto& [key, values] : by_key_) {
    if (const Interned* own = node.label(key)) values[*own].push_back(static_cast<std::uint32_t>(node.slot()));
  }
}

void NodesByLabel::leave(const NodeInfo& node) {
  for (auto& [key, values] : by_key_) {
    const Interned* own = node.label(key);
    const auto there = own ? values.find(*own) : values.end();
    if (there == values.end()) continue;
    std::erase(there->second, static_cast<std::uint32_t>(node.slot()));
    if (there->second.empty()) values.erase(there);
  }
}

}  // namespace ph::scheduler
