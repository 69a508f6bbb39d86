#include "apiserver/cache/watch_index.h"

#include <algorithm>
#include <functional>

#include "apiserver/cache/watch.h"

namespace ph::apiserver {
namespace {

// How many older events are read in a turn; reading one may mean to convert two objects.
constexpr std::uint64_t kReadsOfTurn = 16;

WatchGroup::Hash hash_of(std::string_view value) { return std::hash<std::string_view>()(value); }

void wake_group(WatchGroup& group) {
  group.touched = false;
  for (Watch* watch : group.watches) watch->notify();
}

}  // namespace

// -- A group

std::uint64_t WatchGroup::next(std::uint64_t number, std::uint64_t end) const {
  PH_ASSERT(number >= from_);
  const auto at = std::ranges::lower_bound(numbers_, number);
  return at == numbers_.end() ? end : *at;
}

void WatchGroup::append(std::uint64_t number, std::uint64_t begin) {
  if (numbers_.size() >= sweep_at_) {
    // Whoever had still to be told of one that is gone has been ended.
    numbers_.erase(numbers_.begin(), std::ranges::lower_bound(numbers_, begin));
    sweep_at_ = std::max<std::size_t>(16, 2 * numbers_.size());
  }
  numbers_.push_back(number);
}

void WatchGroup::prepend(std::uint64_t number, const std::vector<std::uint64_t>& events) {
  PH_ASSERT(number <= from_);
  from_ = number;
  numbers_.insert(numbers_.begin(), events.begin(), events.end());
}

// -- A field

FieldIndex::FieldIndex(const EventWindow& window, Interest::Read read)
    : window_(window), read_(std::move(read)), from_(window.end()) {}

WatchGroup& FieldIndex::join(std::string_view value) {
  return groups_.try_emplace(hash_of(value), hash_of(value), window_.end()).first->second;
}

void FieldIndex::leave(WatchGroup& group) { groups_.erase(group.value); }

FieldIndex::Values FieldIndex::read(const CacheEvent& event) const {
  Values out{.before = 0, .after = 0, .unknown = false};
  const auto read_one = [&](const EntryRef& entry) -> WatchGroup::Hash {
    const auto value = read_(entry);
    if (!value) out.unknown = true;
    return value ? hash_of(*value) : 0;
  };
  if (event.after) out.after = read_one(event.after);
  out.before = event.before ? read_one(event.before) : out.after;
  if (!event.after) out.after = out.before;
  return out;
}

void FieldIndex::forget_old() {
  for (; from_ < window_.begin(); ++from_) values_.pop_front();
}

void FieldIndex::concern(WatchGroup& group, std::uint64_t number, std::vector<WatchGroup*>& touched) {
  group.append(number, window_.begin());
  if (!std::exchange(group.touched, true)) touched.push_back(&group);
}

void FieldIndex::push(std::vector<WatchGroup*>& touched) {
  const std::uint64_t number = window_.end() - 1;
  forget_old();
  PH_ASSERT(from_ + values_.size() == number);
  const Values values = values_.emplace_back(read(window_[number]));
  if (values.unknown) {
    for (auto& [value, group] : groups_) concern(group, number, touched);
    return;
  }
  const auto concern_group = [&](WatchGroup::Hash value) {
    if (const auto found = groups_.find(value); found != groups_.end()) concern(found->second, number, touched);
  };
  concern_group(values.after);
  if (values.before != values.after) concern_group(values.before);
}

bool FieldIndex::reach(WatchGroup& group, std::uint64_t number) {
  if (number >= group.from()) return true;
  PH_ASSERT(number >= window_.begin());
  forget_old();
  for (std::uint64_t reads = 0; from_ > number; ++reads) {
    if (reads == kReadsOfTurn) return false;
    values_.push_front(read(window_[--from_]));
  }
  std::vector<std::uint64_t> events;
  auto values = values_.begin() + (number - from_);
  for (std::uint64_t i = number; i < group.from(); ++i, ++values) {
    if (values->have(group.value)) events.push_back(i);
  }
  group.prepend(number, events);
  return true;
}

void FieldIndex::each(const std::function<void(Watch&)>& visit) const {
  for (const auto& [value, group] : groups_) {
    for (Watch* watch : group.watches) visit(*watch);
  }
}

// -- All

WatchIndex::Place WatchIndex::enter(Watch& watch, std::optional<Interest> interest) {
  Place place;
  ++size_;
  if (interest) {
    auto field = fields_.find(interest->field);
    if (field == fields_.end()) {
      field = fields_.try_emplace(interest->field, window_, std::move(interest->read)).first;
    }
    place.name = std::move(interest->field);
    place.field = &field->second;
    place.group = &field->second.join(interest->value);
  }
  std::list<Watch*>& list = place.group ? place.group->watches : others_;
  place.self = list.insert(list.end(), &watch);
  return place;
}

void WatchIndex::leave(const Place& place) {
  --size_;
  if (!place.group) {
    others_.erase(place.self);
    return;
  }
  place.group->watches.erase(place.self);
  if (!place.group->watches.empty()) return;
  std::erase(touched_, place.group);
  place.field->leave(*place.group);
  if (place.field->empty()) fields_.erase(place.name);
}

void WatchIndex::pushed() {
  for (auto& [name, field] : fields_) field.push(touched_);
}

void WatchIndex::wake() {
  for (Watch* watch : others_) watch->notify();
  for (WatchGroup* group : touched_) wake_group(*group);
  touched_.clear();
}

void WatchIndex::each(const std::function<void(Watch&)>& visit) const {
  for (Watch* watch : others_) visit(*watch);
  for (const auto& [name, field] : fields_) field.each(visit);
}

void WatchIndex::end_all() {
  each([](Watch& watch) { watch.end(); });
}

std::size_t WatchIndex::expire(std::uint64_t edge, std::uint64_t cut, Steady now) {
  std::size_t ended = 0;
  each([&](Watch& watch) {
    const std::uint64_t needs = watch.needs();
    if (needs >= edge || (needs >= cut && watch.has_read(now))) return;
    watch.expire();
    ++ended;
  });
  return ended;
}

std::uint64_t WatchIndex::needed() const {
  std::uint64_t first = Watch::kNothing;
  each([&](Watch& watch) { first = std::min(first, watch.needs()); });
  return first;
}

}  // namespace ph::apiserver
