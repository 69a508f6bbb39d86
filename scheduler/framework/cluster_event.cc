#include "scheduler/framework/cluster_event.h"

#include <algorithm>
#include <array>

#include "api/codec.h"
#include "api/sorted.h"

namespace ph::scheduler {

using core::v1::Node;
using enum ClusterEvent;

std::string_view to_string(ClusterEvent event) {
  // Upstream's labels, as its metrics have them.
  static constexpr std::array<std::string_view, kClusterEvents> kNames{"NodeAdd",
                                                                       "NodeDelete",
                                                                       "UpdateNodeAllocatable",
                                                                       "UpdateNodeLabel",
                                                                       "UpdateNodeTaint",
                                                                       "UpdateNodeCondition",
                                                                       "UpdateNodeAnnotation",
                                                                       "AssignedPodAdd",
                                                                       "AssignedPodDelete",
                                                                       "AssignedPodUpdatePodLabel",
                                                                       "AssignedPodUpdatePodScaleDown",
                                                                       "UpdatePodLabel",
                                                                       "UpdatePodToleration",
                                                                       "UpdatePodScaleDown",
                                                                       "UpdatePodSchedulingGatesEliminated",
                                                                       "PodUpdate"};
  return kNames[static_cast<std::size_t>(event)];
}

namespace {

template <class Map>
bool same_text(const Map& a, const Map& b) {
  return a.size() == b.size() && std::ranges::all_of(a, [&](const auto& entry) {
           const auto found = b.find(entry.first);
           return found != b.end() && found->second == entry.second;
         });
}

template <class Repeated>
bool same_messages(const Repeated& a, const Repeated& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return x.SerializeAsString() == y.SerializeAsString(); });
}

bool same_taints(const Node& a, const Node& b) {
  return std::ranges::equal(a.spec().taints(), b.spec().taints(), [](const auto& x, const auto& y) {
    return x.key() == y.key() && x.value() == y.value() && x.effect() == y.effect();
  });
}

// Heartbeats change times only, and wake nobody.
bool same_conditions(const Node& a, const Node& b) {
  return std::ranges::equal(a.status().conditions(), b.status().conditions(),
                            [](const auto& x, const auto& y) { return x.type() == y.type() && x.status() == y.status(); });
}

bool asks_for_less(const Resource& before, const Resource& after) {
  if (after.milli_cpu < before.milli_cpu || after.memory < before.memory) return true;
  if (after.ephemeral_storage < before.ephemeral_storage) return true;
  return std::ranges::any_of(before.scalars, [&](const auto& entry) { return after.scalar(entry.first) < entry.second; });
}

}  // namespace

ClusterEvents events_of(const Node& before, const Node& after) {
  ClusterEvents out;
  if (to_resource(before.status().allocatable()) != to_resource(after.status().allocatable())) out.add(NodeAllocatableChanged);
  if (!same_text(before.metadata().labels(), after.metadata().labels())) out.add(NodeLabelsChanged);
  if (!same_taints(before, after) || before.spec().unschedulable() != after.spec().unschedulable()) out.add(NodeTaintsChanged);
  if (!same_conditions(before, after)) out.add(NodeConditionsChanged);
  if (!same_text(before.metadata().annotations(), after.metadata().annotations())) out.add(NodeAnnotationsChanged);
  return out;
}

ClusterEvents events_of(const PodInfo& before, const PodInfo& after) {
  ClusterEvents out;
  if (before.labels != after.labels) out.add(AssignedPodLabelsChanged);
  if (asks_for_less(before.requests, after.requests)) out.add(AssignedPodScaledDown);
  return out;
}

ClusterEvents events_of(const SchedulerPod& before, const SchedulerPod& after) {
  ClusterEvents out;
  const auto& old_spec = before.pending->spec();
  const auto& new_spec = after.pending->spec();
  if (before.info->labels != after.info->labels) out.add(PodLabelsChanged);
  if (asks_for_less(before.info->requests, after.info->requests)) out.add(PodScaledDown);
  if (!same_messages(old_spec.tolerations(), new_spec.tolerations())) out.add(PodTolerationsChanged);
  if (!old_spec.scheduling_gates().empty() && new_spec.scheduling_gates().empty()) out.add(PodGatesRemoved);
  if (out.empty() && api::encode_protobuf(old_spec) != api::encode_protobuf(new_spec)) out.add(PodChanged);
  return out;
}

}  // namespace ph::scheduler
