#include "scheduler/cluster/node_info.h"

#include <algorithm>

#include "scheduler/cluster/pod_affinity.h"

namespace ph::scheduler {

namespace {

bool repels(const PodInfo& pod) { return pod.affinity && !pod.affinity->required_anti.empty(); }

}  // namespace

bool NodeInfo::port_is_free(const HostPort& port) const {
  return std::ranges::none_of(ports_, [&](const HostPort& used) { return used.conflicts_with(port); });
}

const ImageState* NodeInfo::image(std::string_view name) const {
  const auto at = std::ranges::lower_bound(images_, name, {}, [](const auto& entry) { return std::string_view(entry.first); });
  return at != images_.end() && at->first == name ? at->second.get() : nullptr;
}

void NodeInfo::set_node(NodeRef node, Images images) {
  node_ = std::move(node);
  labels_ = std::make_shared<const Labels>(interned_labels(node_->metadata().labels()));
  allocatable_ = to_resource(node_->status().allocatable());
  images_ = std::move(images);
}

void NodeInfo::clear_node() {
  node_.reset();
  labels_.reset();
  allocatable_ = {};
  images_.clear();
}

void NodeInfo::account(const PodInfo& pod, std::int64_t sign) {
  if (sign > 0) {
    requested_ += pod.requests;
  } else {
    requested_ -= pod.requests;
  }
  scored_milli_cpu_ += sign * pod.scored_milli_cpu;
  scored_memory_ += sign * pod.scored_memory;
}

void NodeInfo::add_pod(PodRef pod) {
  account(*pod, 1);
  ports_.insert(ports_.end(), pod->host_ports.begin(), pod->host_ports.end());
  if (pod->affinity) with_affinity_.push_back(pod);
  if (repels(*pod)) repelling_.push_back(pod);
  if (pod->volumes) with_volumes_.push_back(pod);
  pods_.add(std::move(pod));
}

void NodeInfo::replace_pod(PodRef pod) {
  const std::size_t at = pods_.find(pod->uid);
  if (at != PodList::kNone) pods_.replace(at, std::move(pod));
}

bool NodeInfo::remove_pod(std::string_view uid) {
  const std::size_t at = pods_.find(uid);
  if (at == PodList::kNone) return false;
  const PodRef pod = pods_[at];
  account(*pod, -1);
  for (const HostPort& port : pod->host_ports) {
    if (const auto used = std::ranges::find(ports_, port); used != ports_.end()) ports_.erase(used);
  }
  if (pod->affinity) std::erase(with_affinity_, pod);
  if (repels(*pod)) std::erase(repelling_, pod);
  if (pod->volumes) std::erase(with_volumes_, pod);
  pods_.erase(at);
  return true;
}

}  // namespace ph::scheduler
