#include "scheduler/cluster/node_tree.h"

#include <algorithm>
#include <ranges>

#include "base/assert.h"

namespace ph::scheduler {

using core::v1::Node;

namespace {

std::string label(const Node& node, const char* name, const char* old_name) {
  const auto& labels = node.metadata().labels();
  for (const char* key : {old_name, name}) {
    if (const auto found = labels.find(key); found != labels.end()) return found->second;
  }
  return {};
}

}  // namespace

std::string zone_of(const Node& node) {
  const std::string zone = label(node, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone");
  const std::string region = label(node, "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region");
  if (zone.empty() && region.empty()) return {};
  // A byte that no label value has keeps the two apart.
  return region + ":" + '\0' + ":" + zone;
}

std::size_t NodeTree::add(const Node& node) {
  const Number number = ++last_;
  const auto known = zone_numbers_.try_emplace(zone_of(node), number).first;
  const auto own = zones_.try_emplace(known->second).first;
  Zone& zone = own->second;
  const auto place = zone.nodes.emplace(number, node.metadata().name()).first;
  const bool is_new = zone.numbers.emplace(place->second, number).second;
  PH_ASSERT(is_new);
  ++size_;

  // Before it stand so many of each zone as of its own, and one more of those whose turn comes before.
  const std::size_t round = zone.nodes.size() - 1;
  std::size_t at = 0;
  for (const auto& [turn, each] : zones_) at += std::min(each.nodes.size(), turn < own->first ? round + 1 : round);
  return at;
}

void NodeTree::remove(const Node& node) {
  const auto known = zone_numbers_.find(zone_of(node));
  if (known == zone_numbers_.end()) return;
  Zone& zone = zones_.at(known->second);
  const auto number = zone.numbers.find(node.metadata().name());
  if (number == zone.numbers.end()) return;
  const auto place = zone.nodes.find(number->second);
  zone.numbers.erase(number);  // its key lies in the other's value
  zone.nodes.erase(place);
  --size_;
  if (!zone.nodes.empty()) return;
  zones_.erase(known->second);
  zone_numbers_.erase(known);
}

void NodeTree::update(const Node& before, const Node& after) {
  if (zone_of(before) == zone_of(after)) return;
  remove(before);
  add(after);
}

std::vector<std::string_view> NodeTree::list() const {
  using Range = std::ranges::subrange<std::map<Number, std::string>::const_iterator>;
  std::vector<std::string_view> out;
  out.reserve(size_);
  std::vector<Range> left;
  for (const auto& [turn, zone] : zones_) left.emplace_back(zone.nodes);
  while (!left.empty()) {
    for (Range& zone : left) {
      out.push_back(zone.front().second);
      zone.advance(1);
    }
    std::erase_if(left, [](const Range& zone) { return zone.empty(); });
  }
  return out;
}

}  // namespace ph::scheduler
