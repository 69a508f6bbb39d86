#include "controllers/node_lifecycle/taints.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"

namespace ph::controllers::node_lifecycle {

using core::v1::Taint;
using informers::NodeView;
using nlohmann::json;

namespace {

constexpr const char* kNotReady = "node.kubernetes.io/not-ready";
constexpr const char* kUnreachable = "node.kubernetes.io/unreachable";
constexpr const char* kUnschedulable = "node.kubernetes.io/unschedulable";

struct Cause {
  const char *condition, *status, *taint;
};
constexpr Cause kCauses[] = {
    {"Ready", "False", kNotReady},
    {"Ready", "Unknown", kUnreachable},
    {"MemoryPressure", "True", "node.kubernetes.io/memory-pressure"},
    {"DiskPressure", "True", "node.kubernetes.io/disk-pressure"},
    {"NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"},
    {"PIDPressure", "True", "node.kubernetes.io/pid-pressure"},
};

struct Label {
  const char *is, *repeats;
};
constexpr Label kLabels[] = {
    {"beta.kubernetes.io/os", "kubernetes.io/os"},
    {"beta.kubernetes.io/arch", "kubernetes.io/arch"},
};

Taint taint_of(std::string_view key, const char* effect) {
  Taint out;
  out.set_key(std::string(key));
  out.set_effect(effect);
  return out;
}

bool is_same(const Taint& a, const Taint& b) { return a.key() == b.key() && a.effect() == b.effect(); }

bool is_among(const std::vector<Taint>& taints, const Taint& taint) {
  return std::ranges::any_of(taints, [&](const Taint& each) { return is_same(each, taint); });
}

bool is_ours(const Taint& taint) {
  if (taint.effect() != "NoSchedule") return false;
  return taint.key() == kUnschedulable || std::ranges::any_of(kCauses, [&](const Cause& c) { return taint.key() == c.taint; });
}

json taints_after(const NodeView& node, const Swap& swap, Time now) {
  json out = json::array();
  const auto put = [&](const Taint& taint) { out.push_back(json::parse(api::encode_json(taint))); };
  for (const Taint& taint : node.taints) {
    if (!is_among(swap.remove, taint) && !is_among(swap.add, taint)) put(taint);
  }
  for (Taint taint : swap.add) {
    api::set_time(taint.mutable_time_added(), now);
    put(taint);
  }
  return out.empty() ? json() : out;
}

json labels_to_set(const NodeView& node) {
  json out;
  for (const Label& each : kLabels) {
    const auto wanted = node.label(each.repeats);
    if (wanted && node.label(each.is) != wanted) out[each.is] = *wanted;
  }
  return out;
}

json pin_of(const NodeView& node) { return {{"uid", node.uid}, {"resourceVersion", std::to_string(node.revision.value)}}; }

}  // namespace

Swap no_schedule(const NodeView& node) {
  std::vector<Taint> wanted;
  for (const auto& condition : node.conditions) {
    for (const Cause& cause : kCauses) {
      const bool calls = condition.type == cause.condition && condition.status == cause.status;
      if (calls) wanted.push_back(taint_of(cause.taint, "NoSchedule"));
    }
  }
  if (node.unschedulable) wanted.push_back(taint_of(kUnschedulable, "NoSchedule"));
  Swap out;
  for (const Taint& taint : wanted) {
    if (!is_among(node.taints, taint) && !is_among(out.add, taint)) out.add.push_back(taint);
  }
  for (const Taint& taint : node.taints) {
    if (is_ours(taint) && !is_among(wanted, taint)) out.remove.push_back(taint);
  }
  return out;
}

NoExecute no_execute(const NodeView& node, std::string_view readiness, bool lifted) {
  const Taint not_ready = taint_of(kNotReady, "NoExecute"), unreachable = taint_of(kUnreachable, "NoExecute");
  NoExecute out;
  if (lifted || readiness == "True") {
    for (const Taint& each : {not_ready, unreachable}) {
      if (is_among(node.taints, each)) out.now.remove.push_back(each);
    }
    return out;
  }
  if (readiness != "False" && readiness != "Unknown") return out;
  const Taint& due = readiness == "False" ? not_ready : unreachable;
  const Taint& other = readiness == "False" ? unreachable : not_ready;
  // Its pods have had their turn.
  if (is_among(node.taints, other)) out.now.remove.push_back(other);
  if (!is_among(node.taints, due)) (out.now.empty() ? out.by_turn : out.now).add.push_back(due);
  return out;
}

Swap with_no_schedule(const NodeView& node, const Swap& swap) {
  Swap out = no_schedule(node);
  out.add.insert(out.add.end(), swap.add.begin(), swap.add.end());
  out.remove.insert(out.remove.end(), swap.remove.begin(), swap.remove.end());
  return out;
}

std::string swap_patch(const NodeView& node, const Swap& swap, Time now) {
  return json{{"metadata", pin_of(node)}, {"spec", {{"taints", taints_after(node, swap, now)}}}}.dump();
}

std::optional<std::string> tending_patch(const NodeView& node, Time now) {
  const Swap swap = no_schedule(node);
  const json labels = labels_to_set(node);
  if (swap.empty() && labels.empty()) return std::nullopt;
  json out = {{"metadata", pin_of(node)}};
  if (!labels.empty()) out["metadata"]["labels"] = labels;
  if (!swap.empty()) out["spec"]["taints"] = taints_after(node, swap, now);
  return out.dump();
}

}  // namespace ph::controllers::node_lifecycle
