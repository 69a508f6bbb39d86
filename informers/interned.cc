#include <array>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "informers/pod_view.h"

namespace ph::informers {

struct Interned::Node {
  std::atomic<std::uint32_t> holders{1};
  std::string text;
};

// Split, so that decoders on several threads seldom meet.
struct Interned::Table {
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string_view, Node*> nodes;  // keys view the nodes' texts
  };
  std::array<Shard, 16> shards;

  static Table& instance() {
    static Table* table = new Table;  // never destroyed: statics may hold strings
    return *table;
  }
  Shard& shard(std::string_view text) { return shards[(std::hash<std::string_view>()(text) >> 7) % shards.size()]; }
};

Interned::Interned(std::string_view text) {
  if (text.empty()) return;
  Table::Shard& shard = Table::instance().shard(text);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.nodes.find(text); found != shard.nodes.end()) {
    // A node whose last holder has just let go is on its way out, and must not be revived.
    std::uint32_t holders = found->second->holders.load();
    while (holders != 0 && !found->second->holders.compare_exchange_weak(holders, holders + 1)) {
    }
    if (holders != 0) {
      node_ = found->second;
      return;
    }
    shard.nodes.erase(found);
  }
  node_ = new Node{.text = std::string(text)};
  shard.nodes.emplace(node_->text, node_);
}

Interned::Interned(const Interned& other) : node_(other.node_) {
  if (node_) node_->holders.fetch_add(1, std::memory_order_relaxed);
}

Interned::~Interned() {
  if (!node_ || node_->holders.fetch_sub(1) != 1) return;
  Table::Shard& shard = Table::instance().shard(node_->text);
  {
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.nodes.find(node_->text);
    if (found != shard.nodes.end() && found->second == node_) shard.nodes.erase(found);
  }
  delete node_;
}

std::string_view Interned::view() const { return node_ ? std::string_view(node_->text) : std::string_view(); }

std::size_t Interned::kept() {
  std::size_t count = 0;
  for (Table::Shard& shard : Table::instance().shards) {
    const std::lock_guard lock(shard.mutex);
    count += shard.nodes.size();
  }
  return count;
}

}  // namespace ph::informers
