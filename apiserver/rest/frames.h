// Watch events as bytes, made once for all watchers that want the same form.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <unordered_map>

#include "apiserver/cache/cache.h"
#include "apiserver/rest/negotiate.h"

namespace ph::apiserver {

enum class EventType : unsigned char { Added, Modified, Deleted, Bookmark, Error };
std::string_view event_name(EventType type);

// The most recent frames of one resource; older ones fall out, and are made again by whoever lags that far behind.
class FrameCache {
 public:
  struct Key {
    EntryRef entry;  // held, so that its address stays its own
    EventType type;
    Form form;
    bool operator==(const Key&) const = default;
  };

  // Null when it is not held.
  SharedBytes find(const Key& key) const;
  void put(Key key, SharedBytes frame);

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<const void*>()(key.entry.get()) * 31 + static_cast<std::size_t>(key.type) * 7 +
             static_cast<std::size_t>(key.form.format) * 3 + static_cast<std::size_t>(key.form.as);
    }
  };
  static constexpr std::size_t kFramesMax = 64;
  static constexpr std::size_t kBytesMax = 1 << 20;
  void drop_oldest();

  std::unordered_map<Key, SharedBytes, Hash> frames_;
  std::deque<Key> order_;
  std::size_t bytes_ = 0;
};

}  // namespace ph::apiserver
