#include "scheduler/cluster/node_tree.h"

#include <algorithm>

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

void NodeTree::add(const Node& node) {
  const std::string name = zone_of(node);
  auto zone = std::ranges::find(zones_, name, &Zone::name);
  if (zone == zones_.end()) zone = zones_.insert(zone, Zone{name, {}});
  if (std::ranges::find(zone->nodes, node.metadata().name()) == zone->nodes.end()) {
    zone->nodes.push_back(node.metadata().name());
  }
}

void NodeTree::remove(const Node& node) {
  const auto zone = std::ranges::find(zones_, zone_of(node), &Zone::name);
  if (zone == zones_.end()) return;
  std::erase(zone->nodes, node.metadata().name());
  if (zone->nodes.empty()) zones_.erase(zone);
}

void NodeTree::update(const Node& before, const Node& after) {
  if (zone_of(before) == zone_of(after)) return;
  remove(before);
  add(after);
}

std::vector<std::string> NodeTree::list() const {
  std::vector<std::string> out;
  out.reserve(size());
  for (std::size_t round = 0;; ++round) {
    const std::size_t before = out.size();
    for (const Zone& zone : zones_) {
      if (round < zone.nodes.size()) out.push_back(zone.nodes[round]);
    }
    if (out.size() == before) return out;
  }
}

std::size_t NodeTree::size() const {
  std::size_t sum = 0;
  for (const Zone& zone : zones_) sum += zone.nodes.size();
  return sum;
}

}  // namespace ph::scheduler
