// The life of a hollow pod as a function of time: what its status is at a moment, and when it will next be another.
// Reference: "Pod Lifecycle" in the Kubernetes documentation.
//
// Nothing is remembered between calls: a restarted hollow kubelet goes on where the status says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "core/v1.pb.h"
#include "node/hollow_pod.h"

namespace ph::node {

inline constexpr int kKilled = 137;  // the code of what was killed

struct Life {
  core::v1::PodStatus status;      // what a kubelet writes of it
  std::optional<Time> changes_at;  // nothing: not by itself
  bool ended() const { return status.phase() == "Succeeded" || status.phase() == "Failed"; }
};

// `started`: when the kubelet accepted the pod.
Life life_at(const HollowPod& pod, Time started, Time now, const std::string& host_ip, const std::string& pod_ip);

// Of one that its kubelet has accepted and whose volumes or devices are still to come: no container begins before, and so the pod has not
// started.
core::v1::PodStatus held_at(const HollowPod& pod, Time now, const std::string& host_ip);

// The end of a pod that is told to stop, or whose phase somebody else has set to a final one (`phase`; empty: as its containers
// end). Servers end with `server_code`, what was at work is killed.
Life end_at(const HollowPod& pod, Time started, Time at, const std::string& host_ip, const std::string& pod_ip,
            const std::string& phase = {}, int server_code = 0);

// The pod conditions that are a kubelet's to write.
bool is_kubelets(std::string_view condition);

}  // namespace ph::node
