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
  const std::size_t size = frame->size();
  if (!frames_.emplace(key, std::move(frame)).second) return;
  bytes_ += size;
  order_.push_back(std::move(key));
  while (order_.size() > kFramesMax || (bytes_ > kBytesMax && order_.size() > 1)) drop_oldest();
}

void FrameCache::drop_oldest() {
  const auto oldest = frames_.find(order_.front());
  bytes_ -= oldest->second->size();
  frames_.erase(oldest);
  order_.pop_front();
}

}  // namespace ph::apiserver
