#include "scheduler/plugins/kept_domains.h"

#include <algorithm>

namespace ph::scheduler {

void Contributions::add(const NodeInfo& node, const Interned& key, std::int64_t amount) {
  if (const Interned* value = node.label(key)) add_to(key, *value, amount);
}

void Contributions::add_to(const Interned& key, const Interned& value, std::int64_t amount) {
  const auto known = std::ranges::find_if(all_, [&](const One& one) { return one.key == key; });
  if (known == all_.end()) {
    all_.push_back({key, value, amount});
  } else {
    known->amount += amount;
  }
}

void KeptDomains::start_over() {
  by_slot_.clear();
  counts_ = {};
  keys_.clear();
  changes_.add({});
}

void KeptDomains::count_keys(const Contributions& contributions, std::size_t by) {
  for (const Contributions::One& one : contributions) {
    auto known = std::ranges::find(keys_, one.key, &std::pair<Interned, std::size_t>::first);
    if (known == keys_.end()) known = keys_.insert(keys_.end(), {one.key, 0});
    if ((known->second += by) == 0) keys_.erase(known);
  }
}

void KeptDomains::put(std::size_t slot, Contributions now) {
  if (slot >= by_slot_.size()) {
    if (now.empty()) return;
    by_slot_.resize(slot + 1);
  }
  Contributions& before = by_slot_[slot];
  if (before == now) return;
  count_keys(now, 1);
  count_keys(before, static_cast<std::size_t>(-1));
  // A number that stays what it is is no change, nor is one that would be another for a moment.
  for (const Contributions::One& one : now) {
    const auto was = std::ranges::find_if(
        before, [&](const Contributions::One& other) { return other.key == one.key && other.value == one.value; });
    change(one.key, one.value, one.amount - (was == before.end() ? 0 : was->amount));
  }
  for (const Contributions::One& one : before) {
    const bool stays = std::ranges::any_of(
        now, [&](const Contributions::One& other) { return other.key == one.key && other.value == one.value; });
    if (!stays) change(one.key, one.value, -one.amount);
  }
  before = std::move(now);
}

void KeptDomains::change(const Interned& key, const Interned& value, std::int64_t by) {
  if (by == 0) return;
  const bool was_above = counts_.of(key, value) > 0;
  const std::size_t were = counts_.others_than_zero();
  counts_.add(key, value, by);
  const bool decides = goes_ == Goes::ByAmount || was_above != (counts_.of(key, value) > 0);
  changes_.add({key, value, by, decides});
  // That there is none at all may matter everywhere, and where few are left it may come to that with pods gone.
  const std::size_t are = counts_.others_than_zero();
  if (goes_ == Goes::BySign && were != are && std::min(were, are) < kFew) changes_.add({});
}

void KeptDomains::tell(Mark& mark, DomainChanges& out) const {
  if (mark.of != id_ || !changes_.reaches(mark.position)) {
    out.all = true;
  } else {
    for (std::uint64_t n = mark.position; n < changes_.end() && !out.all; ++n) {
      const DomainChange& one = changes_.at(n);
      if (one.key.empty()) {
        out.all = true;
      } else {
        out.domains.push_back(one);
      }
    }
  }
  mark = {id_, changes_.end()};
}

void TriedDomains::add(const NodeInfo& node, const Interned& key, std::int64_t by) {
  const Interned* value = node.label(key);
  if (!value || by == 0) return;
  const bool was_zero = of(key, *value) == 0;
  tried_.add(key, *value, by);
  others_than_zero_ -= was_zero ? 0 : 1;
  others_than_zero_ += of(key, *value) == 0 ? 0 : 1;
}

std::shared_ptr<KeptDomains>& RecentDomains::find(std::string_view claim) {
  for (auto one = recent_.begin(); one != recent_.end(); ++one) {
    if (one->first != claim) continue;
    recent_.splice(recent_.begin(), recent_, one);
    return one->second;
  }
  if (recent_.size() >= kMost) recent_.pop_back();
  return recent_.emplace_front(std::string(claim), std::make_shared<KeptDomains>(++last_id_, goes_)).second;
}

}  // namespace ph::scheduler
