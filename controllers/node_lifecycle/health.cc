#include "controllers/node_lifecycle/health.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/times.h"

namespace ph::controllers::node_lifecycle {

using informers::NodeConditionView;
using informers::NodeView;
using nlohmann::json;

namespace {

// NetworkUnavailable is not among them: who sets it does not run on the node.
constexpr const char* kKubelets[] = {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"};

// Nobody is older than this, or younger than new: clocks are set back, and objects say what cannot be.
constexpr Duration kOld = std::chrono::hours(24 * 365);
Duration age_of(const NodeView& node, Time now) { return now - std::clamp(node.created, now - kOld, now); }

json never_told(const char* type, const NodeView& node, Time now) {
  return {{"type", type},
          {"status", "Unknown"},
          {"reason", "NodeStatusNeverUpdated"},
          {"message", "Kubelet never posted node status."},
          {"lastHeartbeatTime", api::rfc3339(node.created)},
          {"lastTransitionTime", api::rfc3339(now)}};
}

json told_no_more(const char* type, Time now) {
  return {{"type", type},
          {"status", "Unknown"},
          {"reason", "NodeStatusUnknown"},
          {"message", "Kubelet stopped posting node status."},
          {"lastTransitionTime", api::rfc3339(now)}};
}

}  // namespace

std::string_view readiness(const NodeView& node) {
  const NodeConditionView* ready = node.condition("Ready");
  return ready ? ready->status.view() : std::string_view();
}

Health hear(const Health* before, const NodeView& node, std::optional<Time> renewed, const Moment& now) {
  const NodeConditionView* ready = node.condition("Ready");
  if (before && before->uid != node.uid) before = nullptr;
  Health out = before ? *before : Health{.uid = node.uid, .renewed = {}};
  if (!before) out.heard = ready ? now.steady : now.steady - age_of(node, now.wall);
  if (before && before->reported != (ready != nullptr)) out.heard = now.steady;
  if (before && ready && before->reported && before->heartbeat != ready->heartbeat) out.heard = now.steady;
  out.reported = ready != nullptr;
  out.heartbeat = ready ? ready->heartbeat : Time();
  // A kubelet that renews its lease is well, even if it has never told its status.
  if (renewed && (!out.renewed || *out.renewed < *renewed)) {
    out.renewed = renewed;
    out.heard = now.steady;
  }
  if (readiness(node) != "Unknown") out.told = false;
  return out;
}

bool is_silent(const Health& health, const NodeLifecycleOptions& options, Steady now) {
  return now - health.heard > (health.reported ? options.monitor_grace_period : options.startup_grace_period);
}

std::optional<std::string> unknown_patch(const NodeView& node, Time now) {
  if (readiness(node) == "Unknown") return std::nullopt;
  // In the order of the list, as the server wants what it is told of it.
  json conditions = json::array(), order = json::array();
  for (const NodeConditionView& each : node.conditions) {
    order.push_back({{"type", each.type.view()}});
    const auto type = std::ranges::find(kKubelets, each.type.view(), [](const char* name) { return std::string_view(name); });
    if (type != std::end(kKubelets) && each.status != "Unknown") conditions.push_back(told_no_more(*type, now));
  }
  for (const char* type : kKubelets) {
    if (node.condition(type)) continue;
    // Behind those that there are, where a patch that says nothing puts a new one first.
    order.push_back({{"type", type}});
    conditions.push_back(never_told(type, node, now));
  }
  const json metadata = {{"uid", node.uid}, {"resourceVersion", std::to_string(node.revision.value)}};
  const json status = {{"conditions", conditions}, {"$setElementOrder/conditions", order}};
  return json{{"metadata", metadata}, {"status", status}}.dump();
}

std::string not_ready_patch(std::string_view pod_uid, Revision revision, Time now) {
  const json metadata = {{"uid", pod_uid}, {"resourceVersion", std::to_string(revision.value)}};
  const json ready = {{"type", "Ready"}, {"status", "False"}, {"lastTransitionTime", api::rfc3339(now)}};
  return json{{"metadata", metadata}, {"status", {{"conditions", json::array({ready})}}}}.dump();
}

}  // namespace ph::controllers::node_lifecycle
