// What the scheduler's informer holds of each pod that has not ended: its PodInfo, and the whole message only while the
// pod waits for a node.
#pragma once

#include <memory>
#include <string_view>

#include "api/kinds.h"
#include "informers/informer.h"
#include "scheduler/cluster/pending_pod.h"
#include "scheduler/cluster/pod_info.h"

namespace ph::scheduler {

struct SchedulerPod {
  PodRef info;         // never null
  PendingPod pending;  // null once the pod is assigned

  static std::shared_ptr<const SchedulerPod> decode(std::string_view protobuf);
  static std::shared_ptr<const SchedulerPod> of(core::v1::Pod pod);
};

}  // namespace ph::scheduler

namespace ph::informers {
template <>
struct Followed<scheduler::SchedulerPod> {
  static detail::Decoder decoder();
};
}  // namespace ph::informers
