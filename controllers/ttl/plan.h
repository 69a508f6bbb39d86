// How long kubelets may keep Secrets and ConfigMaps before they ask again: the more nodes there are, the longer. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace ph::controllers::ttl {

inline constexpr const char* kAnnotation = "node.alpha.kubernetes.io/ttl";

// The seconds for a number of nodes. The bounds overlap, so that a number that goes to and fro about one changes nothing.
class Ttl {
 public:
  int seconds_for(std::size_t nodes);

 private:
  std::size_t step_ = 0;
};

// The annotation, as a node has it, is that number.
bool says(std::string_view annotation, int seconds);

}  // namespace ph::controllers::ttl
