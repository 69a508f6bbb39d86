// NodeInfo: a node, the pods on it, and what they use of it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "informers/informer.h"
#include "scheduler/cluster/pod_info.h"
#include "scheduler/cluster/pod_list.h"

namespace ph::scheduler {

using NodeRef = informers::Ref<core::v1::Node>;

// An image and on how many nodes it lies. Shared by all nodes that have it.
struct ImageState {
  std::int64_t size = 0;
  std::int32_t nodes = 0;
};

class NodeInfo {
 public:
  // Name → image, sorted by name.
  using Images = std::vector<std::pair<std::string, std::shared_ptr<ImageState>>>;

  explicit NodeInfo(std::string name, std::size_t slot = 0) : name_(std::move(name)), slot_(slot) {}

  const std::string& name() const { return name_; }
  // A small number that no other node of the cache has at the same time.
  std::size_t slot() const { return slot_; }
  // Only where has_node(): pods may be known before their node is, and after it has gone.
  const core::v1::Node& node() const { return *node_; }
  bool has_node() const { return node_ != nullptr; }
  const NodeRef& ref() const { return node_; }

  std::span<const PodRef> pods() const { return pods_; }
  // Those of them that have affinity to other pods, required anti-affinity, or volumes.
  std::span<const PodRef> with_affinity() const { return with_affinity_; }
  std::span<const PodRef> repelling() const { return repelling_; }
  std::span<const PodRef> with_volumes() const { return with_volumes_; }
  // Of the node.
  LabelSpan labels() const { return labels_ ? LabelSpan(*labels_) : LabelSpan(); }
  // Null: the node has no such label.
  const Interned* label(const Interned& key) const { return find_label(labels(), key); }
  const Resource& allocatable() const { return allocatable_; }
  const Resource& requested() const { return requested_; }
  std::int64_t scored_milli_cpu() const { return scored_milli_cpu_; }
  std::int64_t scored_memory() const { return scored_memory_; }
  bool port_is_free(const HostPort& port) const;
  // Null: the image is not on the node.
  const ImageState* image(std::string_view normalized_name) const;
  const Images& images() const { return images_; }

  // Grows with every change of any NodeInfo of a cache.
  std::uint64_t generation() const { return generation_; }

  void set_node(NodeRef node, Images images);
  void clear_node();
  void add_pod(PodRef pod);
  // The pod of that UID is the same load as before, and another object. It has neither affinity nor volumes.
  void replace_pod(PodRef pod);
  // Whether there was such a pod.
  bool remove_pod(std::string_view uid);
  void set_generation(std::uint64_t generation) { generation_ = generation; }

 private:
  void account(const PodInfo& pod, std::int64_t sign);

  std::string name_;
  std::size_t slot_ = 0;
  NodeRef node_;
  std::shared_ptr<const Labels> labels_;
  PodList pods_;
  std::vector<PodRef> with_affinity_, repelling_, with_volumes_;
  Resource allocatable_, requested_;
  std::int64_t scored_milli_cpu_ = 0, scored_memory_ = 0;
  std::vector<HostPort> ports_;
  Images images_;
  std::uint64_t generation_ = 0;
};

}  // namespace ph::scheduler
