// The pods of a node.
#pragma once

#include <string>
#include <vector>

#include "controllers/runtime/loop.h"

namespace ph::controllers {

inline constexpr const char* kByNode = "node";

inline void index_pods_by_node(Informer<PodView>& pods) {
  pods.add_index(kByNode, [](const PodView& pod) -> std::vector<std::string> {
    if (pod.node_name.empty()) return {};
    return {std::string(pod.node_name.view())};
  });
}

}  // namespace ph::controllers
