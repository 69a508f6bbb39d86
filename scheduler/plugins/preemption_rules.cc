#include "scheduler/plugins/preemption_rules.h"

#include <algorithm>
#include <set>

namespace ph::scheduler {
namespace {

// Whether a pod that was to make room on the node where `pod` is expected is still on its way out.
bool victims_linger(const NodeInfo& node, const PodInfo& pod) {
  return std::ranges::any_of(node.pods(), [&](const PodRef& other) {
    return other->priority < pod.priority && other->deleting && other->disruption == PodInfo::Disruption::ByScheduler;
  });
}

Code code_of(const Rejections& rejections, std::string_view node) {
  const auto found =
      std::ranges::find(rejections.nodes, node, [](const Rejection& r) { return std::string_view(r.node->name()); });
  return found == rejections.nodes.end() ? rejections.others.code() : found->verdict.code();
}

}  // namespace

std::string_view may_not_preempt(const PodInfo& info, const Pod& pod, const Rejections& rejections, const Snapshot& snapshot) {
  if (pod.spec().preemption_policy() == "Never") return "not eligible due to preemptionPolicy=Never.";
  const std::string& nominated = pod.status().nominated_node_name();
  if (nominated.empty() || code_of(rejections, nominated) == Code::UnschedulableAndUnresolvable) return {};
  const NodeInfo* node = snapshot.find(nominated);
  return node && victims_linger(*node, info) ? "not eligible due to a terminating pod on the nominated node." : "";
}

std::vector<const NodeInfo*> promising(const Rejections& rejections, const Snapshot& snapshot) {
  std::vector<const NodeInfo*> out;
  for (const Rejection& rejection : rejections.nodes) {
    if (rejection.verdict.code() == Code::Unschedulable) out.push_back(rejection.node);
  }
  if (rejections.others.code() != Code::Unschedulable) return out;
  std::set<const NodeInfo*> looked_at;
  for (const Rejection& rejection : rejections.nodes) looked_at.insert(rejection.node);
  for (const NodeInfo* node : snapshot.nodes()) {
    if (!looked_at.contains(node)) out.push_back(node);
  }
  return out;
}

}  // namespace ph::scheduler
