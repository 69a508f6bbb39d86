// Watch events as bytes, made once for all watchers that want the same form.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "apiserver/cache/cache.h"
#include "apiserver/rest/negotiate.h"

namespace ph::apiserver {

enum class EventType : unsigned char { Added, Modified, Deleted, Bookmark, Error };
std::string_view event_name(EventType type);

// Frames of one resource: the most recent ones, and all that somebody still has to send. Others are made again by whoever
// lags so far behind.
class FrameCache {
 public:
  struct Key {
    const Entry* entry;
    EventType type;
    Form form;
    bool operator==(const Key&) const = default;
  };

  // `entry`: that of the key. Null when it is not held.
  SharedBytes find(const Key& key, const EntryRef& entry);
  void put(const Key& key, const EntryRef& entry, SharedBytes frame);

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<const void*>()(key.entry) * 31 + static_cast<std::size_t>(key.type) * 7 +
             static_cast<std::size_t>(key.form.format) * 3 + static_cast<std::size_t>(key.form.as);
    }
  };
  // Weak in both: an address means the entry only as long as that lives.
  struct Known {
    std::weak_ptr<const Entry> entry;
    std::weak_ptr<const std::string> frame;
  };
  struct Recent {
    EntryRef entry;
    SharedBytes frame;
  };
  static constexpr std::size_t kFramesMax = 64;
  static constexpr std::size_t kBytesMax = 1 << 20;
  static constexpr std::size_t kSweepMin = 256;
  void sweep();

  // That which was asked for last, and found: many watchers ask for the same. It is among the recent ones.
  Key last_{};
  SharedBytes last_frame_;
  std::unordered_map<Key, Known, Hash> known_;
  std::size_t sweep_at_ = kSweepMin;
  std::deque<Recent> recent_;
  std::size_t bytes_ = 0;  // of the recent ones
};

}  // namespace ph::apiserver
