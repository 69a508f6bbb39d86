// Counts by topology domain: a domain is a node label, key and value. Open addressing over the addresses of interned texts: no
// text is compared or hashed, and a table is copied by copying an array.
#pragma once

#include <cstdint>
#include <vector>

#include "informers/pod_view.h"

namespace ph::scheduler {

using informers::Interned;

// Domains, each with a number from 0 on in the order in which it was added. Knows texts by their address: the labels of the
// nodes it was made from must be held elsewhere while it is asked.
class DomainTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // Its number; kNone: unknown.
  std::uint32_t find(const Interned& key, const Interned& value) const {
    if (slots_.empty()) return kNone;
    return slots_[slot_of(key, value)].number;
  }
  // Adds it when it is unknown.
  std::uint32_t number(const Interned& key, const Interned& value) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    Slot& slot = slots_[slot_of(key, value)];
    if (slot.number == kNone) slot = {key.view().data(), value.view().data(), size_++};
    return slot.number;
  }
  std::uint32_t size() const { return size_; }

 private:
  struct Slot {
    const void* key = nullptr;
    const void* value = nullptr;
    std::uint32_t number = kNone;
  };

  static std::size_t hash(const void* key, const void* value) {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
    const std::uint64_t mixed = (reinterpret_cast<std::uintptr_t>(key) * kOdd) ^ reinterpret_cast<std::uintptr_t>(value);
    return static_cast<std::size_t>((mixed * kOdd) >> 20);
  }
  std::size_t slot_of(const Interned& key, const Interned& value) const {
    return slot_of(key.view().data(), value.view().data());
  }
  std::size_t slot_of(const void* key, const void* value) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash(key, value) & mask;
    while (slots_[at].number != kNone && (slots_[at].key != key || slots_[at].value != value)) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number != kNone) slots_[slot_of(slot.key, slot.value)] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two of them, at most half of them taken
  std::uint32_t size_ = 0;
};

// A number for each domain; those never added to have 0.
class DomainCounts {
 public:
  void add(const Interned& key, const Interned& value, std::int64_t by) {
    const std::uint32_t number = table_.number(key, value);
    if (number == counts_.size()) counts_.push_back(0);
    std::int64_t& count = counts_[number];
    others_than_zero_ -= count != 0;
    count += by;
    others_than_zero_ += count != 0;
  }
  std::int64_t of(const Interned& key, const Interned& value) const {
    const std::uint32_t number = table_.find(key, value);
    return number == DomainTable::kNone ? 0 : counts_[number];
  }
  // Every count is 0.
  bool all_zero() const { return others_than_zero_ == 0; }
  std::size_t others_than_zero() const { return others_than_zero_; }
  // It was added, be it with 0.
  bool has(const Interned& key, const Interned& value) const { return table_.find(key, value) != DomainTable::kNone; }
  std::uint32_t domains() const { return table_.size(); }

 private:
  DomainTable table_;
  std::vector<std::int64_t> counts_;
  std::size_t others_than_zero_ = 0;
};

}  // namespace ph::scheduler
