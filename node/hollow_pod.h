// HollowPod: what a hollow kubelet needs to know of a pod.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "informers/informer.h"
#include "node/command.h"

namespace ph::node {

struct HollowContainer {
  std::string name, image;
  Run run;
  bool sidecar = false;               // an init container with restartPolicy Always
  Duration ready_after{};             // readinessProbe.initialDelaySeconds
};

struct HollowPod {
  std::string namespace_name, name, uid;
  Revision revision;
  std::string node_name;
  bool host_network = false;
  bool has_finalizers = false;
  std::optional<Time> deletion;       // deletionTimestamp: when the grace ends
  std::string restart_policy;
  std::optional<Duration> active_deadline;
  std::vector<HollowContainer> init_containers, containers;
  std::vector<std::string> open_gates;  // readiness gates whose condition is not True

  // As its status says.
  std::string phase, pod_ip;
  std::optional<Time> started;

  ObjectKey key() const { return {namespace_name, name}; }
  static std::shared_ptr<const HollowPod> decode(std::string_view protobuf);
};

}  // namespace ph::node

template <>
struct ph::informers::Followed<ph::node::HollowPod> {
  static detail::Decoder decoder();
};
