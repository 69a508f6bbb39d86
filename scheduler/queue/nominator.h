// Nominator: which pods are expected on which node although they are not assigned there yet: room was made for them.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/cluster/journal.h"
#include "scheduler/cluster/pod_info.h"

namespace ph::scheduler {

class Nominator {
 public:
  // Replaces an earlier nomination of the pod.
  void put(PodRef pod, std::string_view node);
  void remove(std::string_view uid);
  // In the order in which they were nominated.
  std::span<const PodRef> on(std::string_view node) const;
  // Empty: the pod is not nominated.
  std::string_view node_of(std::string_view uid) const;
  std::size_t size() const { return node_of_.size(); }
  // The node of each nomination that was made or taken back.
  const Journal<std::string>& changes() const { return changes_; }
  // The nodes that some pod is expected on.
  template <class F>
  void each_node(F f) const {
    for (const auto& [node, pods] : on_) f(std::string_view(node));
  }

 private:
  std::map<std::string, std::string, std::less<>> node_of_;  // by UID
  std::map<std::string, std::vector<PodRef>, std::less<>> on_;
  Journal<std::string> changes_;
};

}  // namespace ph::scheduler
