#include "apiserver/rest/frames.h"

#include <algorithm>

namespace ph::apiserver {

std::string_view event_name(EventType type) {
  switch (type) {
    case EventType::Added: return "ADDED";
    case EventType::Modified: return "MODIFIED";
    case EventType::Deleted: return "DELETED";
    case EventType::Bookmark: return "BOOKMARK";
    case EventType::Error: return "ERROR";
  }
  return "ERROR";
}

SharedBytes FrameCache::find(const Key& key, const EntryRef& entry) {
  if (last_frame_ && key == last_) return last_frame_;
  const auto found = known_.find(key);
  if (found == known_.end() || found->second.entry.lock() != entry) return nullptr;
  return found->second.frame.lock();
}

void FrameCache::put(const Key& key, const EntryRef& entry, SharedBytes frame) {
  if (known_.size() >= sweep_at_) sweep();
  known_.insert_or_assign(key, Known{entry, frame});
  bytes_ += frame->size();
  last_ = key;
  last_frame_ = frame;
  recent_.push_back({entry, std::move(frame)});
  while (recent_.size() > kFramesMax || (bytes_ > kBytesMax && recent_.size() > 1)) {
    bytes_ -= recent_.front().frame->size();
    recent_.pop_front();
  }
}

void FrameCache::sweep() {
  std::erase_if(known_, [](const auto& known) { return known.second.frame.expired() || known.second.entry.expired(); });
  sweep_at_ = std::max(kSweepMin, 2 * known_.size());
}

}  // namespace ph::apiserver
