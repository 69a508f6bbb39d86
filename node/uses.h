// What hollow pods use of CPU and memory at a moment. Pure.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "node/hollow_pod.h"

namespace ph::node {

struct ContainerUse {
  std::string name;
  double cpu = 0, memory = 0;  // CPUs, bytes
};

struct PodUse {
  std::shared_ptr<const HollowPod> pod;
  std::vector<ContainerUse> containers;
};

// Of pods that run. What is shared by the pods of a controller is shared by those that are here. What a pod uses, each of its containers
// uses an equal part of.
std::vector<PodUse> uses_of(std::span<const std::shared_ptr<const HollowPod>> running, Time now);

}  // namespace ph::node
