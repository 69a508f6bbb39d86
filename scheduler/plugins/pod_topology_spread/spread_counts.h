// SpreadCounts: how many pods a constraint counts in each of its domains, and in the emptiest one.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "scheduler/cluster/domains.h"

namespace ph::scheduler {

class SpreadCounts {
 public:
  // The domain counts from now on, with so many pods more.
  void add(const Interned& key, const Interned& value, std::int64_t pods) {
    const std::uint32_t number = table_.number(key, value);
    if (number == counts_.size()) counts_.push_back(0);
    counts_[number] += pods;
  }
  // When all have been added: finds the emptiest domains.
  void settle() {
    emptiest_ = {};
    for (std::uint32_t number = 0; number < counts_.size(); ++number) rank(number);
  }
  // One domain's count changes after that.
  void change(const Interned& key, const Interned& value, std::int64_t by) {
    add(key, value, by);
    rank(table_.number(key, value));
  }

  std::int64_t of(const Interned& key, const Interned& value) const {
    const std::uint32_t number = table_.find(key, value);
    return number == DomainTable::kNone ? 0 : counts_[number];
  }
  std::uint32_t domains() const { return table_.size(); }
  // Of the emptiest domain; more than there can be when there is none.
  std::int64_t least() const { return emptiest_[0].count; }

 private:
  struct Ranked {
    std::uint32_t number = DomainTable::kNone;
    std::int64_t count = INT32_MAX;
  };

  // The two emptiest are known. That is enough while the count of one domain only goes up and down, as it does when pods of one
  // node are taken away and put back; nothing has to be searched then.
  void rank(std::uint32_t number) {
    const Ranked now{number, counts_[number]};
    auto& [first, second] = emptiest_;
    if (first.number == number || second.number == number) {
      (first.number == number ? first : second) = now;
      if (first.count > second.count) std::swap(first, second);
    } else if (now.count < first.count) {
      second = std::exchange(first, now);
    } else if (now.count < second.count) {
      second = now;
    }
  }

  DomainTable table_;
  std::vector<std::int64_t> counts_;
  std::array<Ranked, 2> emptiest_;
};

}  // namespace ph::scheduler
