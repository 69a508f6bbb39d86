#include "scheduler/queue/nominator.h"

namespace ph::scheduler {

void Nominator::put(PodRef pod, std::string_view node) {
  remove(pod->uid);
  node_of_.emplace(pod->uid, node);
  on_[std::string(node)].push_back(std::move(pod));
  changes_.add(std::string(node));
}

void Nominator::remove(std::string_view uid) {
  const auto found = node_of_.find(uid);
  if (found == node_of_.end()) return;
  const auto pods = on_.find(found->second);
  std::erase_if(pods->second, [&](const PodRef& pod) { return pod->uid == uid; });
  changes_.add(found->second);
  if (pods->second.empty()) on_.erase(pods);
  node_of_.erase(found);
}

std::span<const PodRef> Nominator::on(std::string_view node) const {
  const auto found = on_.find(node);
  return found == on_.end() ? std::span<const PodRef>() : std::span<const PodRef>(found->second);
}

std::string_view Nominator::node_of(std::string_view uid) const {
  const auto found = node_of_.find(uid);
  return found == node_of_.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace ph::scheduler
