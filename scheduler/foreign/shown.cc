#include "scheduler/foreign/shown.h"

#include "api/sorted.h"

namespace ph::scheduler::foreign {
namespace {

ph_text text(std::string_view of) { return {of.data(), of.size()}; }

void show(LabelSpan labels, std::vector<ph_label>& out) {
  out.clear();
  for (const auto& [key, value] : labels) out.push_back({text(key.view()), text(value.view())});
}

void show(const Resource& resource, std::vector<ph_amount>& out) {
  out.clear();
  const auto add = [&](std::string_view name, std::int64_t amount) {
    if (amount != 0) out.push_back({text(name), amount});
  };
  add("cpu", resource.milli_cpu);
  add("memory", resource.memory);
  add("ephemeral-storage", resource.ephemeral_storage);
  for (const auto& [name, amount] : resource.scalars) add(name.view(), amount);
}

}  // namespace

ShownPod::ShownPod(PodRef info, const core::v1::Pod& pod, std::uint32_t reads) : info_(std::move(info)) {
  if ((reads & PH_POD_NAMESPACE) != 0) view_.namespace_name = text(info_->namespace_name.view());
  if ((reads & PH_POD_NAME) != 0) {
    view_.name = text(info_->name);
    view_.uid = text(info_->uid);
  }
  if ((reads & PH_POD_PRIORITY) != 0) view_.priority = info_->priority;
  if ((reads & PH_POD_LABELS) != 0) {
    show(info_->labels, labels_);
    view_.labels = labels_.data();
    view_.label_count = labels_.size();
  }
  if ((reads & PH_POD_NODE_SELECTOR) != 0) {
    // The message may be gone before this is.
    for (const auto* one : sorted(pod.spec().node_selector())) selector_texts_.emplace_back(one->first, one->second);
    for (const auto& [key, value] : selector_texts_) selector_.push_back({text(key), text(value)});
    view_.node_selector = selector_.data();
    view_.node_selector_count = selector_.size();
  }
  if ((reads & PH_POD_REQUESTS) != 0) {
    show(info_->requests, requests_);
    view_.requests = requests_.data();
    view_.request_count = requests_.size();
  }
}

const ph_node& ShownNode::show(const NodeInfo& node) {
  view_.name = text(node.name());
  if ((reads_ & PH_NODE_LABELS) != 0) {
    foreign::show(node.labels(), labels_);
    view_.labels = labels_.data();
    view_.label_count = labels_.size();
  }
  if ((reads_ & PH_NODE_ANNOTATIONS) != 0) {
    annotations_.clear();
    for (const auto* one : sorted(node.node().metadata().annotations())) {
      annotations_.push_back({text(one->first), text(one->second)});
    }
    view_.annotations = annotations_.data();
    view_.annotation_count = annotations_.size();
  }
  if ((reads_ & PH_NODE_TAINTS) != 0) {
    taints_.clear();
    for (const auto& one : node.node().spec().taints())
      taints_.push_back({text(one.key()), text(one.value()), text(one.effect())});
    view_.taints = taints_.data();
    view_.taint_count = taints_.size();
    view_.unschedulable = node.node().spec().unschedulable() ? 1 : 0;
  }
  if ((reads_ & PH_NODE_ALLOCATABLE) != 0) {
    foreign::show(node.allocatable(), allocatable_);
    view_.allocatable = allocatable_.data();
    view_.allocatable_count = allocatable_.size();
    view_.pods_most = node.allocatable().pods;
  }
  if ((reads_ & PH_NODE_REQUESTED) != 0) {
    foreign::show(node.requested(), requested_);
    view_.requested = requested_.data();
    view_.requested_count = requested_.size();
    view_.pods = static_cast<std::int64_t>(node.pods().size());
  }
  return view_;
}

}  // namespace ph::scheduler::foreign
