#include "informers/copy.h"

namespace ph::informers::detail {
namespace {

constexpr int kSnapshot = 0, kUpserted = 1, kRemoved = 2;  // informers::Event<T>::Kind

}  // namespace

// -- Follower

void Follower::changed(const ObjectKey& key, AnyRef before, AnyRef after) {
  const auto [entry, fresh] = pending_.try_emplace(key);
  if (fresh) {
    entry->second = {std::move(before), std::move(after)};
    order_.push_back(key);
  } else {
    // It may have come and gone unseen; then there is nothing to tell, but its place in the order stays its place.
    entry->second.after = std::move(after);
  }
  changed_.set();
}

void Follower::snapshot() {
  order_.push_back(std::nullopt);
  changed_.set();
}

void Follower::stop() {
  stopped_ = true;
  order_.clear();
  pending_.clear();
  changed_.set();
}

std::optional<AnyEvent> Follower::take() {
  while (!order_.empty()) {
    const std::optional<ObjectKey> key = std::move(order_.front());
    order_.pop_front();
    if (!key) return AnyEvent{kSnapshot, nullptr, nullptr};
    const auto entry = pending_.find(*key);
    PH_ASSERT(entry != pending_.end());
    Pending& change = entry->second;
    if (!change.before && !change.after) {
      pending_.erase(entry);
      continue;
    }
    if (change.before && change.after && decoder_->uid(change.before.get()) != decoder_->uid(change.after.get())) {
      // Another object of the same name: first the end of the one that was seen.
      AnyEvent removed{kRemoved, std::exchange(change.before, nullptr), nullptr};
      order_.push_front(key);
      return removed;
    }
    AnyEvent event{change.after ? kUpserted : kRemoved, std::move(change.before), std::move(change.after)};
    pending_.erase(entry);
    return event;
  }
  return std::nullopt;
}

Task<std::optional<AnyEvent>> Follower::next() {
  for (;;) {
    if (stopped_) co_return std::nullopt;
    if (auto event = take()) co_return event;
    changed_.reset();
    co_await changed_.wait();
  }
}

// -- Copy

Copy::Copy(std::shared_ptr<const Decoder> decoder) : decoder_(std::move(decoder)) {}

AnyRef Copy::find(const ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<AnyRef> Copy::list(std::string_view namespace_name) const {
  std::vector<AnyRef> out;
  if (namespace_name.empty()) {
    out.reserve(objects_.size());
    for (const auto& [key, object] : objects_) out.push_back(object);
    return out;
  }
  for (auto at = objects_.lower_bound({std::string(namespace_name), {}});
       at != objects_.end() && at->first.namespace_name == namespace_name; ++at) {
    out.push_back(at->second);
  }
  return out;
}

std::vector<AnyRef> Copy::by_index(std::string_view index, std::string_view value) const {
  if (index == "namespace") return list(value);
  const auto found = indexes_.find(index);
  PH_ASSERT(found != indexes_.end());
  std::vector<AnyRef> out;
  const auto entry = found->second.entries.find(value);
  if (entry == found->second.entries.end()) return out;
  out.reserve(entry->second.size());
  for (const auto& [key, object] : entry->second) out.push_back(object);
  return out;
}

void Copy::add_index(std::string name, std::function<std::vector<std::string>(const void*)> values) {
  if (name == "namespace") return;
  const auto [entry, fresh] = indexes_.try_emplace(std::move(name));
  if (!fresh) return;
  entry->second.values = std::move(values);
  for (const auto& [key, object] : objects_) index_object(entry->second, key, object);
}

void Copy::index_object(Index& index, const ObjectKey& key, const AnyRef& object) {
  for (std::string& value : index.values(object.get())) index.entries[std::move(value)].insert_or_assign(key, object);
}

void Copy::unindex_object(Index& index, const ObjectKey& key, const AnyRef& object) {
  for (const std::string& value : index.values(object.get())) {
    const auto entry = index.entries.find(value);
    if (entry == index.entries.end()) continue;
    entry->second.erase(key);
    if (entry->second.empty()) index.entries.erase(entry);
  }
}

void Copy::apply(const ObjectKey& key, AnyRef before, AnyRef after) {
  for (auto& [name, index] : indexes_) {
    if (before) unindex_object(index, key, before);
    if (after) index_object(index, key, after);
  }
  std::erase_if(followers_, [](const auto& follower) { return follower.expired(); });
  for (const auto& weak : followers_) {
    if (const auto follower = weak.lock()) follower->changed(key, before, after);
  }
}

void Copy::put(AnyRef object) {
  const ObjectKey key = decoder_->key(object.get());
  AnyRef& place = objects_[key];
  AnyRef before = std::exchange(place, object);
  apply(key, std::move(before), std::move(object));
}

void Copy::drop(const ObjectKey& key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return;
  AnyRef before = std::move(found->second);
  objects_.erase(found);
  apply(key, std::move(before), nullptr);
}

void Copy::replace(std::map<ObjectKey, AnyRef> objects) {
  std::vector<ObjectKey> gone;
  for (const auto& [key, object] : objects_) {
    if (!objects.contains(key)) gone.push_back(key);
  }
  for (const ObjectKey& key : gone) drop(key);
  for (auto& [key, object] : objects) {
    const AnyRef before = find(key);
    const bool same = before && decoder_->revision(before.get()) == decoder_->revision(object.get()) &&
                      decoder_->uid(before.get()) == decoder_->uid(object.get());
    if (!same) put(std::move(object));
  }
}

std::shared_ptr<Follower> Copy::follow(bool complete) {
  auto follower = std::make_shared<Follower>(decoder_);
  for (const auto& [key, object] : objects_) follower->changed(key, nullptr, object);
  if (complete) follower->snapshot();
  followers_.push_back(follower);
  return follower;
}

void Copy::snapshot() {
  for (const auto& weak : followers_) {
    if (const auto follower = weak.lock()) follower->snapshot();
  }
}

void Copy::stop() {
  for (const auto& weak : followers_) {
    if (const auto follower = weak.lock()) follower->stop();
  }
  followers_.clear();
}

}  // namespace ph::informers::detail
