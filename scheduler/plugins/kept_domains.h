// KeptDomains: of every topology domain a number that the nodes in it make up, kept from cycle to cycle: a node is looked at again only
// when it has changed. Who keeps results that were made with the numbers is told which have become others since.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/cluster/domains.h"
#include "scheduler/cluster/journal.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

// What a node adds to the numbers of its domains.
class Contributions {
 public:
  struct One {
    Interned key, value;
    std::int64_t amount = 0;
    bool operator==(const One&) const = default;
  };
  // To the domain that the node is in by this key; nothing when it is in none.
  void add(const NodeInfo& node, const Interned& key, std::int64_t amount);
  void add_to(const Interned& key, const Interned& value, std::int64_t amount);
  bool empty() const { return all_.empty(); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }
  bool operator==(const Contributions&) const = default;

 private:
  std::vector<One> all_;  // one a domain
};

class KeptDomains {
 public:
  // Up to where somebody knows what has changed. The default knows nothing.
  struct Mark {
    std::uint64_t of = 0, position = 0;
  };
  // Whether it matters how large a number is, or only whether it is above 0.
  enum class Goes : bool { ByAmount, BySign };

  KeptDomains(std::uint64_t id, Goes goes) : id_(id), goes_(goes) {}

  // `contribute(node, Contributions&)`: goes by the node and by nothing else that changes. `sources()`: at least all nodes that contribute
  // something.
  template <class Contribute, class Sources>
  void refresh(const Snapshot& snapshot, Contribute contribute, Sources sources);

  std::int64_t of(const Interned& key, const Interned& value) const { return counts_.of(key, value); }
  std::size_t others_than_zero() const { return counts_.others_than_zero(); }
  // Of all that is contributed, be it 0 in the sum.
  std::span<const std::pair<Interned, std::size_t>> keys() const { return keys_; }
  // Adds what has changed since, and brings the mark up to date.
  void tell(Mark& mark, DomainChanges& out) const;

 private:
  static constexpr std::size_t kFew = 8;               // domains; more than one node's pods have a say in
  static constexpr std::uint32_t kDomainsMore = 1024;  // before those that have gone are worth getting rid of

  bool has_grown() const { return counts_.domains() > kDomainsMore + 2 * domains_at_first_; }
  void start_over();
  void put(std::size_t slot, Contributions now);
  void count_keys(const Contributions& contributions, std::size_t by);
  void change(const Interned& key, const Interned& value, std::int64_t by);

  std::uint64_t id_;
  Goes goes_;
  std::optional<std::uint64_t> seen_;  // of Snapshot::refreshed
  std::vector<Contributions> by_slot_;
  DomainCounts counts_;
  std::uint32_t domains_at_first_ = 0;
  std::vector<std::pair<Interned, std::size_t>> keys_;
  Journal<DomainChange> changes_;  // one without a key: all
};

template <class Contribute, class Sources>
void KeptDomains::refresh(const Snapshot& snapshot, Contribute contribute, Sources sources) {
  const auto& refreshed = snapshot.refreshed();
  const auto put_node = [&](std::size_t slot, const NodeInfo* node) {
    Contributions now;
    if (node) contribute(*node, now);
    put(slot, std::move(now));
  };
  if (!seen_ || !refreshed.reaches(*seen_) || has_grown()) {
    start_over();
    for (const NodeInfo* node : sources()) put_node(node->slot(), node);
    domains_at_first_ = counts_.domains();
  } else {
    const auto slots = snapshot.slots();
    for (std::uint64_t n = *seen_; n < refreshed.end(); ++n) {
      const std::size_t slot = refreshed.at(n);
      put_node(slot, slot < slots.size() ? slots[slot] : nullptr);
    }
  }
  seen_ = refreshed.end();
}

// The numbers of kept domains as they would be with something otherwise. What was kept stays as it was when this was made.
class TriedDomains {
 public:
  TriedDomains() = default;
  explicit TriedDomains(std::shared_ptr<const KeptDomains> kept) : kept_(std::move(kept)) {
    if (kept_) others_than_zero_ = kept_->others_than_zero();
  }
  std::int64_t of(const Interned& key, const Interned& value) const {
    return (kept_ ? kept_->of(key, value) : 0) + (tried_.domains() == 0 ? 0 : tried_.of(key, value));
  }
  bool all_zero() const { return others_than_zero_ == 0; }
  void add(const NodeInfo& node, const Interned& key, std::int64_t by);
  const std::shared_ptr<const KeptDomains>& kept() const { return kept_; }

 private:
  std::shared_ptr<const KeptDomains> kept_;  // null: there is nothing
  DomainCounts tried_;
  std::size_t others_than_zero_ = 0;
};

// The kept domains of the claims about pods that have come up lately, by a text that tells the claims apart. For one snapshot's nodes.
class RecentDomains {
 public:
  explicit RecentDomains(KeptDomains::Goes goes) : goes_(goes) {}

  // None has ever come up.
  bool empty() const { return recent_.empty(); }

  // Brought up to date; see KeptDomains::refresh. Whoever holds those of before keeps them as they were.
  template <class Contribute, class Sources>
  std::shared_ptr<const KeptDomains> of(std::string_view claim, const Snapshot& snapshot, Contribute contribute,
                                        Sources sources) {
    std::shared_ptr<KeptDomains>& known = find(claim);
    if (known.use_count() > 1) known = std::make_shared<KeptDomains>(*known);
    known->refresh(snapshot, contribute, sources);
    return known;
  }

 private:
  static constexpr std::size_t kMost = 64;
  std::shared_ptr<KeptDomains>& find(std::string_view claim);

  KeptDomains::Goes goes_;
  std::uint64_t last_id_ = 0;
  std::list<std::pair<std::string, std::shared_ptr<KeptDomains>>> recent_;  // the last that came up first
};

}  // namespace ph::scheduler
