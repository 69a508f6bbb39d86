// Objects of one kind that writes ask for again and again, decoded once for each revision of theirs.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "api/codec.h"
#include "api/kinds.h"
#include "apiserver/access.h"

namespace ph::apiserver::admission {

// Belongs to the server's executor. `T` is stored as it is shown. The reader outlives it.
template <class T>
class Decoded {
 public:
  explicit Decoded(ObjectReader& reader) : reader_(reader) {}

  // The object as it is now, or null.
  std::shared_ptr<const T> find(const ObjectKey& key) {
    std::string text = key.text();
    const EntryRef entry = cache().find(text);
    if (!entry) return nullptr;
    if (const auto known = known_.find(text); known != known_.end() && known->second.entry == entry) return known->second.object;
    if (known_.size() >= kMost) known_.clear();
    Known& known = known_[std::move(text)];
    known = {entry, decode(*entry)};
    return known.object;
  }

  static std::shared_ptr<const T> decode(const Entry& entry) {
    auto object = std::make_shared<T>();
    api::decode_envelope(*entry.protobuf, *object);
    return object;
  }
  WatchCache& cache() { return *reader_.cache(*reader_.resource(api::schema_of<T>())); }

 private:
  struct Known {
    EntryRef entry;
    std::shared_ptr<const T> object;
  };
  static constexpr std::size_t kMost = 256;

  ObjectReader& reader_;
  std::unordered_map<std::string, Known> known_;
};

}  // namespace ph::apiserver::admission
