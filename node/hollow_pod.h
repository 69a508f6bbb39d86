// HollowPod: what a hollow kubelet needs to know of a pod, decoded straight from the wire.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "informers/informer.h"
#include "informers/interned.h"
#include "node/command.h"

namespace ph::node {

struct HollowContainer {
  informers::Interned name, image;
  Run run;
  bool sidecar = false;    // an init container with restartPolicy Always
  Duration ready_after{};  // readinessProbe.initialDelaySeconds
};

struct HollowPod {
  informers::Interned namespace_name;
  std::string name, uid;
  Revision revision;
  std::int64_t generation = 0;
  informers::Interned node_name;
  bool host_network = false;
  bool has_finalizers = false;
  std::optional<Time> deletion;  // deletionTimestamp: when the grace ends
  informers::Interned restart_policy;
  std::optional<Duration> active_deadline;
  std::vector<HollowContainer> init_containers, containers;
  std::vector<std::string> closed_gates;  // readiness gates whose condition is not True: why, in the kubelet's words

  // As its status says.
  informers::Interned phase;
  std::string pod_ip;
  std::optional<Time> started, scheduled;
  bool shows_running = false;  // some container does
  bool begun = false;          // a kubelet has written to it, or somebody in its place
  std::uint64_t told = 0;      // of what a kubelet writes of a status: the same for the same bytes

  bool is_over() const { return phase == "Succeeded" || phase == "Failed"; }

  informers::KeyView key_view() const { return {namespace_name, name}; }
  ObjectKey key() const { return key_view().owned(); }
  static std::shared_ptr<const HollowPod> decode(std::string_view protobuf);
};

}  // namespace ph::node

template <>
struct ph::informers::Followed<ph::node::HollowPod> {
  static detail::Decoder decoder();
};
