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
#include "informers/metadata_view.h"
#include "node/behaviour.h"
#include "node/command.h"

namespace ph::node {

// How a container's image comes to the node before its first run.
struct Pull {
  Duration takes{};             // each try
  std::optional<int> failures;  // before it succeeds; nothing: it never does
  std::string error;            // of those, as a kubelet tells it
};

struct HollowContainer {
  informers::Interned name, image;
  Run run;
  bool sidecar = false;              // an init container with restartPolicy Always
  Duration ready_after{};            // readinessProbe.initialDelaySeconds
  std::optional<int> restarts_max;   // then it runs on
  std::shared_ptr<const Pull> pull;  // null: the image is there
};

// A claim to devices that the pod names.
struct PodDeviceClaim {
  std::string name;       // of the entry
  std::string claim;      // empty: it is still to be made
  bool unneeded = false;  // none is made
};

struct HollowPod {
  informers::Interned namespace_name;
  std::string name, uid;
  Revision revision;
  std::int64_t generation = 0;
  informers::Interned node_name;
  informers::LabelViews labels, asks;  // asks: its annotations below kAskPrefix, without that
  informers::Interned controller;      // the UID of the owner that controls it
  bool host_network = false;
  bool has_finalizers = false;
  std::optional<Time> deletion;           // deletionTimestamp: when the grace ends
  std::shared_ptr<const Behaviour> does;  // what it was asked to do besides (Stages::shaped); null: nothing
  informers::Interned restart_policy;
  std::optional<Duration> active_deadline;
  std::vector<HollowContainer> init_containers, containers;
  std::vector<std::string> claims;  // to volumes
  std::vector<PodDeviceClaim> device_claims;
  informers::Interned mirror;             // kubernetes.io/config.mirror; empty: it is no static pod's
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
