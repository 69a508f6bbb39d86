// What the scheduler's informer holds of each pod that has not ended: its PodInfo, and the whole message only while the
// pod waits for a node.
#pragma once

#include <memory>
#include <string_view>

#include "api/kinds.h"
#include "informers/informer.h"
#include "scheduler/cluster/pod_info.h"
#include "scheduler/cluster/stored_pod.h"

namespace ph::scheduler {

struct SchedulerPod {
  PodRef info;                              // never null
  std::shared_ptr<const StoredPod> stored;  // null once the pod is assigned

  // Null once the pod is assigned.
  PendingPod pending() const { return stored ? stored->message() : nullptr; }

  // `whole`: the message of a waiting pod is kept with all that is in it.
  static std::shared_ptr<const SchedulerPod> decode(std::string_view protobuf, bool whole = false);
  static std::shared_ptr<const SchedulerPod> of(const core::v1::Pod& pod);
};

// The same, followed with whole messages: extenders are told all of a pod.
struct WholeSchedulerPod : SchedulerPod {};

}  // namespace ph::scheduler

namespace ph::informers {
template <>
struct Followed<scheduler::SchedulerPod> {
  static detail::Decoder decoder();
};
template <>
struct Followed<scheduler::WholeSchedulerPod> {
  static detail::Decoder decoder();
};
}  // namespace ph::informers
