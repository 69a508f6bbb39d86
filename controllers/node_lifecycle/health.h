// Whether a node has been heard of lately, and what is said of one that has not. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "controllers/runtime/options.h"
#include "informers/node_view.h"

namespace ph::controllers::node_lifecycle {

// What the condition Ready says: "True", "False", "Unknown"; empty: there is none.
std::string_view readiness(const informers::NodeView& node);

// What this process last heard of a node: kubelets' clocks are not compared with ours, only with themselves.
struct Health {
  std::string uid;
  bool reported = false;        // there was a condition Ready
  Time heartbeat{};             // its lastHeartbeatTime
  std::optional<Time> renewed;  // the lease's renewTime
  Steady heard{};               // when one of these was seen to change
  bool told = false;            // that it is Unknown, to its pods
};

struct Moment {
  Time wall{};
  Steady steady{};
};

// What is known of the node when it looks like this. `before`: null when it has just been met; then whatever it has said counts as heard
// now, and one that has said nothing has been silent since its creation. `renewed`: by its lease, if there is one.
Health hear(const Health* before, const informers::NodeView& node, std::optional<Time> renewed, const Moment& now);

// It has said nothing for longer than it may.
bool is_silent(const Health& health, const NodeLifecycleOptions& options, Steady now);

// A strategic patch of the node's status, pinned to its revision: Ready, and the conditions beside it that only a kubelet knows, are
// Unknown. Nothing: Ready is Unknown already.
std::optional<std::string> unknown_patch(const informers::NodeView& node, Time now);

// `status` with False in its condition Ready: a strategic patch of a pod's status, pinned to its revision.
std::string not_ready_patch(std::string_view pod_uid, Revision revision, Time now);

}  // namespace ph::controllers::node_lifecycle
