// What a cache holds: immutable entries in lists that share all that did not change.
#pragma once

#include <compare>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/revision.h"
#include "base/transport.h"

namespace ph::apiserver {

// One object at one revision.
struct Entry {
  std::string key;       // "namespace/name", or "name" for what has no namespace
  Revision revision;     // of its last change
  SharedBytes protobuf;  // the k8s\0 envelope as clients get it, metadata.resourceVersion spliced in
  std::string_view name() const;
  std::string_view namespace_name() const;  // "" when it has none
};
using EntryRef = std::shared_ptr<const Entry>;

// Entries in order of key, never changed: a random-access range that any thread may read. Made of chunks that it shares
// with the lists before and after it.
class EntryList {
 public:
  class Iterator;
  using value_type = EntryRef;
  using const_iterator = Iterator;

  std::size_t size() const { return ends_.empty() ? 0 : ends_.back(); }
  bool empty() const { return ends_.empty(); }
  const EntryRef& operator[](std::size_t index) const;
  const EntryRef& front() const { return (*this)[0]; }
  const EntryRef& back() const { return (*this)[size() - 1]; }
  Iterator begin() const;
  Iterator end() const;

  // The first entry whose key is not less than `key`.
  Iterator lower_bound(std::string_view key) const;
  // Null when there is none.
  EntryRef find(std::string_view key) const;

 private:
  friend class EntryTree;
  using Chunk = std::vector<EntryRef>;
  std::size_t chunk_of(std::size_t index) const;

  std::vector<std::shared_ptr<const Chunk>> chunks_;  // none is empty
  std::vector<std::size_t> ends_;                     // how many entries the chunks up to this one hold
};

class EntryList::Iterator {
 public:
  using iterator_category = std::random_access_iterator_tag;
  using value_type = EntryRef;
  using difference_type = std::ptrdiff_t;
  using pointer = const EntryRef*;
  using reference = const EntryRef&;

  Iterator() = default;
  Iterator(const EntryList* list, std::size_t index) : list_(list), index_(index) {}

  reference operator*() const { return at(index_); }
  pointer operator->() const { return &at(index_); }
  reference operator[](difference_type n) const { return at(index_ + n); }
  Iterator& operator+=(difference_type n) {
    index_ += n;
    return *this;
  }
  Iterator& operator-=(difference_type n) { return *this += -n; }
  Iterator& operator++() { return *this += 1; }
  Iterator& operator--() { return *this += -1; }
  Iterator operator++(int) { return std::exchange(*this, *this + 1); }
  Iterator operator--(int) { return std::exchange(*this, *this - 1); }
  friend Iterator operator+(Iterator it, difference_type n) { return it += n; }
  friend Iterator operator+(difference_type n, Iterator it) { return it += n; }
  friend Iterator operator-(Iterator it, difference_type n) { return it -= n; }
  friend difference_type operator-(const Iterator& a, const Iterator& b) {
    return static_cast<difference_type>(a.index_) - static_cast<difference_type>(b.index_);
  }
  friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }
  friend auto operator<=>(const Iterator& a, const Iterator& b) { return a.index_ <=> b.index_; }

 private:
  reference at(std::size_t index) const {
    const auto begins = [this](std::size_t chunk) { return chunk == 0 ? 0 : list_->ends_[chunk - 1]; };
    if (chunk_ >= list_->ends_.size() || index < begins(chunk_) || index >= list_->ends_[chunk_]) {
      chunk_ = list_->chunk_of(index);
    }
    return (*list_->chunks_[chunk_])[index - begins(chunk_)];
  }

  const EntryList* list_ = nullptr;
  std::size_t index_ = 0;
  mutable std::size_t chunk_ = 0;  // where the last look was
};

inline EntryList::Iterator EntryList::begin() const { return {this, 0}; }
inline EntryList::Iterator EntryList::end() const { return {this, size()}; }

// The changing side of it: ordered by key, with cheap lists of its present state. A change copies at most one chunk,
// and that only when a list shares it. Belongs to one executor.
class EntryTree {
 public:
  EntryTree() = default;
  explicit EntryTree(const EntryList& list);
  EntryTree(EntryTree&&) = default;
  EntryTree& operator=(EntryTree&&) = default;

  EntryRef find(std::string_view key) const;
  // Inserts or replaces; returns what was there.
  EntryRef put(EntryRef entry);
  // Returns what was there.
  EntryRef erase(std::string_view key);
  std::size_t size() const { return size_; }

  std::shared_ptr<const EntryList> list();

 private:
  using Chunk = EntryList::Chunk;
  struct Slot {
    std::shared_ptr<Chunk> chunk;
    bool owned = true;  // no list shares it
  };
  std::size_t slot_of(std::string_view key) const;
  Chunk& owned_chunk(Slot& slot);
  void split(std::size_t slot);
  void merge_small(std::size_t slot);

  std::vector<Slot> slots_;  // no chunk is empty
  std::size_t size_ = 0;
};

}  // namespace ph::apiserver
