// How long kubelets may keep Secrets and ConfigMaps before they ask again: the more nodes there are, the longer. Pure.
#pragma once

#include <cstddef>

#include "core/v1.pb.h"

namespace ph::controllers::ttl {

inline constexpr const char* kAnnotation = "node.alpha.kubernetes.io/ttl";

// The seconds for a number of nodes. The bounds overlap, so that a number that goes to and fro about one changes nothing.
class Ttl {
 public:
  int seconds_for(std::size_t nodes);

 private:
  std::size_t step_ = 0;
};

// The node's annotation is that number.
bool has_ttl(const core::v1::Node& node, int seconds);

}  // namespace ph::controllers::ttl
