// What a hollow container has written: `kubectl logs`.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "core/v1.pb.h"
#include "node/hollow_pod.h"

namespace ph::node {

// The lines of one run of a container.
struct ContainerLog {
  struct Line {
    Time at;
    std::string text;
    bool operator==(const Line&) const = default;
  };
  std::vector<Line> lines;  // so far
  std::string run;          // which it is: the container's ID
  bool ended = false;       // nothing will be added
  std::string refusal;      // why there is none, in a kubelet's words; empty: there is one
};

// The log of the container's last run, or of the one before (`previous`). `status`: of the pod, as it is now.
ContainerLog log_of(const HollowPod& pod, const std::string& container, const core::v1::PodStatus& status, bool previous,
                    Time now);

}  // namespace ph::node
