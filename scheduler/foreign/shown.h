// What plugins from shared objects are shown of pods and nodes: what they have said that they read, and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/cluster/node_info.h"
#include "scheduler/foreign/plugin_abi.h"

namespace ph::scheduler::foreign {

class ShownPod {
 public:
  ShownPod(PodRef info, const core::v1::Pod& pod, std::uint32_t reads);
  ShownPod(const ShownPod&) = delete;
  ShownPod& operator=(const ShownPod&) = delete;

  const PodRef& info() const { return info_; }
  const ph_pod& view() const { return view_; }

 private:
  const PodRef info_;
  std::vector<std::pair<std::string, std::string>> selector_texts_;
  std::vector<ph_label> labels_, selector_;
  std::vector<ph_amount> requests_;
  ph_pod view_{};
};

class ShownNode {
 public:
  explicit ShownNode(std::uint32_t reads) : reads_(reads) {}
  ShownNode(const ShownNode&) = delete;
  ShownNode& operator=(const ShownNode&) = delete;

  // Valid until the next one is shown, as long as the node is.
  const ph_node& show(const NodeInfo& node);

 private:
  const std::uint32_t reads_;
  std::vector<ph_label> labels_, annotations_;
  std::vector<ph_taint> taints_;
  std::vector<ph_amount> allocatable_, requested_;
  ph_node view_{};
};

}  // namespace ph::scheduler::foreign
