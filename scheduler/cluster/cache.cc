// Upstream: pkg/scheduler/backend/cache
#include "scheduler/cluster/cache.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace ph::scheduler {

using core::v1::Node;

// -- Nodes

Cache::NodeState& Cache::node_state(std::string_view name) {
  if (const auto found = nodes_.find(name); found != nodes_.end()) return found->second;
  std::size_t slot = slots_;
  if (free_slots_.empty()) {
    ++slots_;
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  NodeState state{std::make_unique<NodeInfo>(std::string(name), slot), {}};
  state.at = by_recency_.insert(by_recency_.begin(), state.info.get());
  return nodes_.emplace(std::string(name), std::move(state)).first->second;
}

void Cache::touch(NodeState& node) {
  node.info->set_generation(++generation_);
  by_recency_.splice(by_recency_.begin(), by_recency_, node.at);
}

void Cache::drop_if_empty(std::string_view name) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end() || found->second.info->has_node() || !found->second.info->pods().empty()) return;
  by_recency_.erase(found->second.at);
  free_slots_.push_back(found->second.info->slot());
  nodes_.erase(found);
}

NodeInfo::Images Cache::take_images(const Node& node) {
  NodeInfo::Images out;
  for (const auto& image : node.status().images()) {
    for (const std::string& name : image.names()) {
      auto& state = images_[name];
      if (!state) state = std::make_shared<ImageState>(ImageState{image.size_bytes(), 0});
      out.emplace_back(name, state);
    }
  }
  std::ranges::sort(out, {}, [](const auto& entry) -> const std::string& { return entry.first; });
  const auto twice = std::ranges::unique(out, {}, [](const auto& entry) -> const std::string& { return entry.first; });
  out.erase(twice.begin(), twice.end());
  for (auto& [name, state] : out) ++state->nodes;
  return out;
}

void Cache::release_images(const NodeInfo& node) {
  for (const auto& [name, state] : node.images()) {
    if (--state->nodes == 0) images_.erase(name);
  }
}

namespace {

template <class Map>
bool same_map(const Map& a, const Map& b) {
  return a.size() == b.size() && std::ranges::all_of(a, [&](const auto& entry) {
           const auto found = b.find(entry.first);
           return found != b.end() && found->second == entry.second;
         });
}

// Whether results that were made with the node as it was may be others with it as it is. A heartbeat changes times alone.
bool matters(const NodeInfo& before, const Node& after) {
  const Node& node = before.node();
  const auto same = [](const auto& a, const auto& b) { return a.SerializeAsString() == b.SerializeAsString(); };
  return !same_map(node.metadata().labels(), after.metadata().labels()) ||
         !same_map(node.metadata().annotations(), after.metadata().annotations()) || !same(node.spec(), after.spec()) ||
         to_resource(after.status().allocatable()) != before.allocatable() ||
         !std::ranges::equal(node.status().images(), after.status().images(), same) ||
         !std::ranges::equal(node.status().declared_features(), after.status().declared_features());
}

}  // namespace

void Cache::put_node(NodeRef node) {
  NodeState& state = node_state(node->metadata().name());
  if (state.info->has_node()) {
    if (zone_of(state.info->node()) != zone_of(*node)) order_changed();
    tree_.update(state.info->node(), *node);
  } else {
    additions_.push_back({node->metadata().name(), tree_.add(*node)});
    ++order_version_;
  }
  if (!state.info->has_node() || matters(*state.info, *node)) {
    changes_.add({.slot = state.info->slot(), .node_before = state.info->ref(), .node_after = node});
  }
  // The new images are counted before the old ones are released: most are the same.
  auto images = take_images(*node);
  release_images(*state.info);
  state.info->set_node(std::move(node), std::move(images));
  touch(state);
}

void Cache::remove_node(std::string_view name) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end() || !found->second.info->has_node()) return;
  NodeState& state = found->second;
  tree_.remove(state.info->node());
  order_changed();
  release_images(*state.info);
  changes_.add({.slot = state.info->slot(), .node_before = state.info->ref()});
  state.info->clear_node();
  touch(state);
  drop_if_empty(name);
}

// -- Pods

void Cache::place(PodRef pod, bool assumed) {
  PH_ASSERT(pod->assigned());
  NodeState& node = node_state(pod->node_name.view());
  changes_.add({.slot = node.info->slot(), .pod_added = pod});
  node.info->add_pod(pod);
  touch(node);
  assumed_count_ += assumed;
  const std::string_view uid = pod->uid;
  const bool added = pods_.emplace(uid, PodState{std::move(pod), assumed, {}}).second;
  PH_ASSERT(added);
}

void Cache::displace(std::string_view uid) {
  const auto found = pods_.find(uid);
  if (found == pods_.end()) return;
  const std::string node_name(found->second.pod->node_name.view());
  NodeState& node = node_state(node_name);
  changes_.add({.slot = node.info->slot(), .pod_removed = found->second.pod});
  const bool removed = node.info->remove_pod(uid);
  PH_ASSERT(removed);
  touch(node);
  assumed_count_ -= found->second.assumed;
  pods_.erase(found);
  drop_if_empty(node_name);
}

bool Cache::assume(PodRef pod) {
  if (pods_.contains(pod->uid)) return false;
  place(std::move(pod), true);
  return true;
}

void Cache::finish_binding(std::string_view uid, Steady now) {
  if (assumed_lifetime_ == Duration::zero()) return;
  const auto found = pods_.find(uid);
  if (found == pods_.end() || !found->second.assumed) return;
  found->second.deadline = now + assumed_lifetime_;
}

void Cache::forget(std::string_view uid) {
  if (is_assumed(uid)) displace(uid);
}

namespace {

// The API has confirmed what was assumed, or changed nothing that results depend on: the pod is another object, and the same load.
bool is_same_load(const PodInfo& a, const PodInfo& b) {
  return a.node_name == b.node_name && a.labels == b.labels && a.requests == b.requests && a.host_ports == b.host_ports &&
         a.priority == b.priority && a.deleting == b.deleting && a.scored_milli_cpu == b.scored_milli_cpu &&
         a.scored_memory == b.scored_memory && !a.affinity && !b.affinity && !a.volumes && !b.volumes;
}

}  // namespace

void Cache::put_pod(PodRef pod) {
  const auto found = pods_.find(pod->uid);
  if (found == pods_.end() || !is_same_load(*found->second.pod, *pod)) {
    displace(pod->uid);
    return place(std::move(pod), false);
  }
  NodeState& node = node_state(pod->node_name.view());
  node.info->replace_pod(pod);
  touch(node);
  assumed_count_ -= found->second.assumed;
  auto entry = pods_.extract(found);
  entry.key() = pod->uid;  // its own: that of the other object goes with it
  entry.mapped() = {std::move(pod), false, {}};
  pods_.insert(std::move(entry));
}

void Cache::remove_pod(std::string_view uid) { displace(uid); }

std::vector<ObjectKey> Cache::expire(Steady now) {
  std::vector<ObjectKey> expired;
  std::vector<std::string> uids;
  for (const auto& [uid, state] : pods_) {
    if (!state.deadline || *state.deadline > now) continue;
    expired.push_back(state.pod->key());
    uids.emplace_back(uid);
  }
  for (const std::string& uid : uids) displace(uid);
  return expired;
}

bool Cache::is_assumed(std::string_view uid) const {
  const auto found = pods_.find(uid);
  return found != pods_.end() && found->second.assumed;
}

PodRef Cache::find_pod(std::string_view uid) const {
  const auto found = pods_.find(uid);
  return found == pods_.end() ? nullptr : found->second.pod;
}

// -- Snapshot

void Cache::update(Snapshot& snapshot) {
  for (const NodeInfo* node : by_recency_) {
    if (node->generation() <= snapshot.generation_) break;
    if (!node->has_node()) continue;
    auto& copy = snapshot.nodes_[node->name()];
    const bool relabelled = !copy || copy->labels().data() != node->labels().data();
    if (!copy || copy->with_affinity().empty() != node->with_affinity().empty() ||
        copy->repelling().empty() != node->repelling().empty()) {
      snapshot.lists_changed();
    }
    if (copy) {
      snapshot.count_claims(*copy, -1);
      if (relabelled) snapshot.by_label_.leave(*copy);
      if (copy->slot() != node->slot()) snapshot.refreshed_.add(copy->slot());  // it went, and came back elsewhere
      *copy = *node;
    } else {
      copy = std::make_unique<NodeInfo>(*node);
    }
    if (relabelled) snapshot.by_label_.join(*copy);
    snapshot.count_claims(*copy, 1);
    snapshot.refreshed_.add(copy->slot());
  }
  snapshot.generation_ = generation_;
  order(snapshot);
}

void Cache::order_changed() {
  ++order_version_;
  additions_.clear();
}

void Cache::order(Snapshot& snapshot) {
  const std::uint64_t missed = order_version_ - std::exchange(snapshot.order_version_, order_version_);
  if (missed <= additions_.size()) {
    // Nodes that come one by one would each cost as much as all of them.
    for (std::size_t i = additions_.size() - missed; i < additions_.size(); ++i) {
      const auto& [name, at] = additions_[i];
      const NodeInfo* node = snapshot.nodes_.at(name).get();
      snapshot.order_.insert(snapshot.order_.begin() + static_cast<std::ptrdiff_t>(at), node);
      snapshot.slots_.resize(slots_);
      snapshot.slots_[node->slot()] = node;
    }
    return;
  }
  snapshot.lists_changed();
  std::erase_if(snapshot.nodes_, [&](const auto& entry) {
    const auto found = nodes_.find(entry.first);
    if (found != nodes_.end() && found->second.info->has_node()) return false;
    snapshot.count_claims(*entry.second, -1);
    snapshot.by_label_.leave(*entry.second);
    snapshot.refreshed_.add(entry.second->slot());
    return true;
  });
  snapshot.order_.clear();
  snapshot.slots_.assign(slots_, nullptr);
  for (const std::string_view name : tree_.list()) {
    const NodeInfo* node = snapshot.nodes_.find(name)->second.get();
    snapshot.order_.push_back(node);
    snapshot.slots_[node->slot()] = node;
  }
}

}  // namespace ph::scheduler
