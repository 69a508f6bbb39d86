#include "informers/copy.h"

namespace ph::informers::detail {
namespace {

constexpr int kSnapshot = 0, kUpserted = 1, kRemoved = 2;  // informers::Event<T>::Kind

}  // namespace

void put(Objects& objects, const Decoder& decoder, AnyRef object) {
  const KeyView key = decoder.key(object.get());
  const auto [at, is_new] = objects.insert(Held{key, object});
  if (is_new) return;
  at->key = key;
  at->object = std::move(object);
}

// -- Follower

KeyView Follower::key_of(const Pending& pending) const {
  return decoder_->key((pending.before ? pending.before : pending.after).get());
}

void Follower::changed(const AnyRef& before, const AnyRef& after) {
  const auto found = pending_.find(decoder_->key((after ? after : before).get()));
  if (found == pending_.end()) {
    Pending& pending = order_.emplace_back(Pending{{}, before, after});
    pending.key = key_of(pending);
    pending_.insert(std::prev(order_.end()));
  } else if (const Order::iterator pending = *found; !pending->before && !after) {
    // It has come and gone unseen: there is nothing to tell.
    pending_.erase(found);
    order_.erase(pending);
  } else {
    // The key may view the object that goes.
    const AnyRef last = std::exchange(pending->after, after);
    pending->key = key_of(*pending);
  }
  changed_.set();
}

void Follower::snapshot() {
  order_.emplace_back();
  changed_.set();
}

void Follower::stop() {
  stopped_ = true;
  pending_.clear();
  order_.clear();
  changed_.set();
}

std::optional<AnyEvent> Follower::take() {
  if (order_.empty()) return std::nullopt;
  Pending& next = order_.front();
  if (!next.before && !next.after) {
    order_.pop_front();
    return AnyEvent{kSnapshot, nullptr, nullptr};
  }
  if (next.before && next.after && decoder_->uid(next.before.get()) != decoder_->uid(next.after.get())) {
    // Another object of the same name: first the end of the one that was seen.
    AnyEvent removed{kRemoved, std::exchange(next.before, nullptr), nullptr};
    next.key = key_of(next);
    return removed;
  }
  pending_.erase(order_.begin());
  AnyEvent event{next.after ? kUpserted : kRemoved, std::move(next.before), std::move(next.after)};
  order_.pop_front();
  return event;
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

AnyRef Copy::find(KeyView key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->object;
}

std::vector<AnyRef> Copy::list(std::string_view namespace_name) const {
  std::vector<AnyRef> out;
  if (namespace_name.empty()) {
    out.reserve(objects_.size());
    for (const Held& held : objects_) out.push_back(held.object);
    return out;
  }
  for (auto at = objects_.lower_bound(KeyView(namespace_name, {}));
       at != objects_.end() && at->key.namespace_name == namespace_name; ++at) {
    out.push_back(at->object);
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
  for (const Held* held : entry->second) out.push_back(held->object);
  return out;
}

std::size_t Copy::count(std::string_view index, std::string_view value) const {
  const auto found = indexes_.find(index);
  PH_ASSERT(found != indexes_.end());
  const auto entry = found->second.entries.find(value);
  return entry == found->second.entries.end() ? 0 : entry->second.size();
}

void Copy::add_index(std::string name, std::function<std::vector<std::string>(const void*)> values) {
  if (name == "namespace") return;
  const auto [entry, fresh] = indexes_.try_emplace(std::move(name));
  if (!fresh) return;
  Index& index = entry->second;
  index.values = std::move(values);
  for (const Held& held : objects_) index.add(index.values(held.object.get()), held);
}

void Copy::Index::add(std::vector<std::string> values, const Held& held) {
  for (std::string& value : values) entries[std::move(value)].insert(&held);
}

void Copy::Index::remove(const std::vector<std::string>& values, const Held& held) {
  for (const std::string& value : values) {
    const auto entry = entries.find(value);
    if (entry == entries.end()) continue;
    entry->second.erase(&held);
    if (entry->second.empty()) entries.erase(entry);
  }
}

void Copy::added(const Held& held) {
  for (auto& [name, index] : indexes_) index.add(index.values(held.object.get()), held);
  tell(nullptr, held.object);
}

void Copy::tell(const AnyRef& before, const AnyRef& after) {
  std::erase_if(followers_, [](const auto& follower) { return follower.expired(); });
  for (const auto& weak : followers_) {
    if (const auto follower = weak.lock()) follower->changed(before, after);
  }
}

void Copy::put(AnyRef object) {
  const KeyView key = decoder_->key(object.get());
  const auto [at, is_new] = objects_.insert(Held{key, object});
  if (is_new) return added(*at);
  const AnyRef before = std::exchange(at->object, object);
  at->key = key;
  for (auto& [name, index] : indexes_) {
    // Most changes leave all of an object's values as they are.
    const std::vector<std::string> old_values = index.values(before.get());
    std::vector<std::string> values = index.values(object.get());
    if (values == old_values) continue;
    index.remove(old_values, *at);
    index.add(std::move(values), *at);
  }
  tell(before, object);
}

void Copy::drop(KeyView key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return;
  const AnyRef before = found->object;
  for (auto& [name, index] : indexes_) index.remove(index.values(before.get()), *found);
  objects_.erase(found);
  tell(before, nullptr);
}

void Copy::replace(Objects objects) {
  if (objects_.empty()) {
    objects_ = std::move(objects);
    for (const Held& held : objects_) added(held);
    return;
  }
  std::vector<AnyRef> gone;
  for (const Held& held : objects_) {
    if (!objects.contains(held.key)) gone.push_back(held.object);
  }
  for (const AnyRef& object : gone) drop(decoder_->key(object.get()));
  for (const Held& held : objects) {
    const AnyRef before = find(held.key);
    const bool same = before && decoder_->revision(before.get()) == decoder_->revision(held.object.get()) &&
                      decoder_->uid(before.get()) == decoder_->uid(held.object.get());
    if (!same) put(held.object);
  }
}

std::shared_ptr<Follower> Copy::follow(bool complete) {
  auto follower = std::make_shared<Follower>(decoder_);
  for (const Held& held : objects_) follower->changed(nullptr, held.object);
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
