#include "apiserver/rest/frames.h"

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

SharedBytes FrameCache::find(const Key& key) const {
  const auto found = frames_.find(key);
  return found == frames_.end() ? nullptr : found->second;
}

void FrameCache::put(Key key, SharedBytes frame) {
  if (!frames_.emplace(key, std::move(frame)).second) return;
  order_.push_back(std::move(key));
  if (order_.size() <= kFramesMax) return;
  frames_.erase(order_.front());
  order_.pop_front();
}

}  // namespace ph::apiserver
