#include "controllers/daemonset/backoff.h"

#include <algorithm>

namespace ph::controllers::daemonset {

using apps::v1::DaemonSet;

bool FailureBackoff::is_of(const OfSet& known, const DaemonSet& set) {
  return known.uid == set.metadata().uid() && known.generation == set.status().observed_generation();
}

Duration FailureBackoff::wait(const DaemonSet& set, const std::string& node, Steady now) const {
  const auto known = sets_.find(key_of(set));
  if (known == sets_.end() || !is_of(known->second, set)) return {};
  const auto last = known->second.nodes.find(node);
  if (last == known->second.nodes.end() || is_over(last->second, now)) return {};
  return std::max(last->second.at + last->second.delay - now, Duration::zero());
}

void FailureBackoff::note(const DaemonSet& set, const std::string& node, Steady now) {
  OfSet& known = sets_[key_of(set)];
  if (!is_of(known, set)) known = {.uid = set.metadata().uid(), .generation = set.status().observed_generation(), .nodes = {}};
  std::erase_if(known.nodes, [&](const auto& each) { return is_over(each.second, now); });
  const auto [last, fresh] = known.nodes.try_emplace(node, Last{now, kFirst});
  if (!fresh) last->second = {now, std::min(2 * last->second.delay, kMost)};
}

std::size_t FailureBackoff::size() const {
  std::size_t out = 0;
  for (const auto& [key, set] : sets_) out += set.nodes.size();
  return out;
}

}  // namespace ph::controllers::daemonset
