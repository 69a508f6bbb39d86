#include "apiserver/cache/entries.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"

namespace ph::apiserver {
namespace {

// A list after every write copies this many pointers once, and size/kChunkMax of them for the list itself: at 50,000
// entries both are some hundreds.
constexpr std::size_t kChunkMax = 256;

const std::string& key_of(const EntryRef& entry) { return entry->key; }

}  // namespace

std::string_view Entry::name() const {
  const auto slash = key.find('/');
  return slash == std::string::npos ? std::string_view(key) : std::string_view(key).substr(slash + 1);
}

std::string_view Entry::namespace_name() const {
  const auto slash = key.find('/');
  return slash == std::string::npos ? std::string_view() : std::string_view(key).substr(0, slash);
}

std::size_t EntryList::chunk_of(std::size_t index) const {
  PH_ASSERT(index < size());
  return std::ranges::upper_bound(ends_, index) - ends_.begin();
}

const EntryRef& EntryList::operator[](std::size_t index) const {
  const std::size_t chunk = chunk_of(index);
  return (*chunks_[chunk])[index - (chunk == 0 ? 0 : ends_[chunk - 1])];
}

EntryList::Iterator EntryList::lower_bound(std::string_view key) const {
  const auto chunk = std::ranges::lower_bound(chunks_, key, {}, [](const auto& c) { return std::string_view(c->back()->key); });
  if (chunk == chunks_.end()) return end();
  const auto at = std::ranges::lower_bound(**chunk, key, {}, key_of);
  const std::size_t number = chunk - chunks_.begin();
  return {this, (number == 0 ? 0 : ends_[number - 1]) + (at - (*chunk)->begin())};
}

EntryRef EntryList::find(std::string_view key) const {
  const auto at = lower_bound(key);
  return at != end() && (*at)->key == key ? *at : nullptr;
}

EntryTree::EntryTree(const EntryList& list) : size_(list.size()) {
  for (const auto& chunk : list.chunks_) {
    // Not owned, hence copied before it is changed: the const is never broken.
    slots_.push_back({std::const_pointer_cast<Chunk>(chunk), false});
  }
}

// The chunk that holds `key`, or would; slots_.size() only when there is none at all.
std::size_t EntryTree::slot_of(std::string_view key) const {
  const auto after =
      std::ranges::upper_bound(slots_, key, {}, [](const Slot& s) { return std::string_view(s.chunk->front()->key); });
  return after == slots_.begin() ? 0 : after - slots_.begin() - 1;
}

EntryRef EntryTree::find(std::string_view key) const {
  if (slots_.empty()) return nullptr;
  const Chunk& chunk = *slots_[slot_of(key)].chunk;
  const auto at = std::ranges::lower_bound(chunk, key, {}, key_of);
  return at != chunk.end() && (*at)->key == key ? *at : nullptr;
}

EntryTree::Chunk& EntryTree::owned_chunk(Slot& slot) {
  if (!slot.owned) {
    auto copy = std::make_shared<Chunk>();
    copy->reserve(std::min(kChunkMax, slot.chunk->size() + 16));
    copy->assign(slot.chunk->begin(), slot.chunk->end());
    slot = {std::move(copy), true};
  }
  return *slot.chunk;
}

EntryRef EntryTree::put(EntryRef entry) {
  if (slots_.empty()) slots_.push_back({std::make_shared<Chunk>(), true});
  const std::size_t at = slots_.size() == 1 ? 0 : slot_of(entry->key);
  Chunk& chunk = owned_chunk(slots_[at]);
  const auto place = std::ranges::lower_bound(chunk, std::string_view(entry->key), {}, key_of);
  if (place != chunk.end() && (*place)->key == entry->key) return std::exchange(*place, std::move(entry));
  ++size_;
  const bool last = at + 1 == slots_.size() && place == chunk.end();
  if (last && chunk.size() == kChunkMax) {
    // Filled in order: full chunks instead of halves.
    slots_.push_back({std::make_shared<Chunk>(), true});
    slots_.back().chunk->push_back(std::move(entry));
    return nullptr;
  }
  chunk.insert(place, std::move(entry));
  if (chunk.size() > kChunkMax) split(at);
  return nullptr;
}

EntryRef EntryTree::erase(std::string_view key) {
  if (!find(key)) return nullptr;
  const std::size_t at = slot_of(key);
  Chunk& chunk = owned_chunk(slots_[at]);
  const auto place = std::ranges::lower_bound(chunk, key, {}, key_of);
  EntryRef before = std::move(*place);
  chunk.erase(place);
  --size_;
  if (chunk.empty()) {
    slots_.erase(slots_.begin() + at);
  } else {
    merge_small(at);
  }
  return before;
}

void EntryTree::split(std::size_t slot) {
  Chunk& chunk = *slots_[slot].chunk;
  const auto middle = chunk.begin() + chunk.size() / 2;
  auto upper = std::make_shared<Chunk>(std::make_move_iterator(middle), std::make_move_iterator(chunk.end()));
  chunk.erase(middle, chunk.end());
  slots_.insert(slots_.begin() + slot + 1, Slot{std::move(upper), true});
}

void EntryTree::merge_small(std::size_t slot) {
  if (slots_[slot].chunk->size() > kChunkMax / 4 || slots_.size() == 1) return;
  const std::size_t left = slot == 0 ? 0 : slot - 1;
  const Chunk& right = *slots_[left + 1].chunk;
  if (slots_[left].chunk->size() + right.size() > kChunkMax * 3 / 4) return;
  Chunk& into = owned_chunk(slots_[left]);
  into.insert(into.end(), right.begin(), right.end());
  slots_.erase(slots_.begin() + left + 1);
}

std::shared_ptr<const EntryList> EntryTree::list() {
  auto list = std::make_shared<EntryList>();
  list->chunks_.reserve(slots_.size());
  list->ends_.reserve(slots_.size());
  std::size_t end = 0;
  for (Slot& slot : slots_) {
    slot.owned = false;
    end += slot.chunk->size();
    list->chunks_.push_back(slot.chunk);
    list->ends_.push_back(end);
  }
  PH_ASSERT(end == size_);
  return list;
}

}  // namespace ph::apiserver
