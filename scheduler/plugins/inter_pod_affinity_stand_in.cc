// InterPodAffinity's stand-in (stand_ins.cc says what that is): keeps waiting a pod that requires to be near other pods or away from
// them, and one that a pod already placed may require to be away from. Where exactly, the plugin will know.
#include <fmt/format.h>

#include <algorithm>

#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

std::string_view own_terms(const Pod& pod) {
  const auto& affinity = pod.spec().affinity();
  if (!affinity.pod_affinity().required_during_scheduling_ignored_during_execution().empty()) {
    return "required pod affinity is not supported by this scheduler";
  }
  if (!affinity.pod_anti_affinity().required_during_scheduling_ignored_during_execution().empty()) {
    return "required pod anti-affinity is not supported by this scheduler";
  }
  return {};
}

bool may_repel(const PodInfo& placed, const AntiAffinityTerm& term, const Pod& pod) {
  // What labels the pod's namespace has is not known here: a selector may choose it.
  const std::string& own = pod.metadata().namespace_();
  const bool listed = term.namespaces.empty() ? placed.namespace_name.view() == own
                                              : std::ranges::find(term.namespaces, own) != term.namespaces.end();
  const bool there = listed || term.selects_namespaces;
  return there && term.pods.matches_map(pod.metadata().labels());
}

bool may_repel(const PodInfo& placed, const Pod& pod) {
  return std::ranges::any_of(placed.anti_affinity, [&](const AntiAffinityTerm& term) { return may_repel(placed, term, pod); });
}

class InterPodAffinityStandIn final : public PreFilterPlugin {
 public:
  explicit InterPodAffinityStandIn(const Snapshot& snapshot) : snapshot_(snapshot) {}

  ClusterEvents retry_on() const override {
    ClusterEvents out = ClusterEvents::of_waiting_pods();
    for (const auto event : {ClusterEvent::AssignedPodDeleted, ClusterEvent::NodeDeleted, ClusterEvent::NodeLabelsChanged})
      out.add(event);
    return out;
  }
  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    if (change.waiting_after) {
      const bool own = change.waiting_after->metadata().uid() == waiting.metadata().uid();
      return own && own_terms(*change.waiting_after).empty() ? QueueingHint::Queue : QueueingHint::Skip;
    }
    if (!own_terms(waiting).empty()) return QueueingHint::Skip;
    // Of a node, the topology that a pod on it kept the waiting one away from may be gone.
    if (!change.pod_before) return QueueingHint::Queue;
    return may_repel(*change.pod_before, waiting) ? QueueingHint::Queue : QueueingHint::Skip;
  }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    if (const std::string_view reason = own_terms(pod); !reason.empty()) return {Verdict::unresolvable(reason), {}};
    for (const NodeInfo* node : snapshot_.repelling()) {
      for (const PodRef& placed : node->repelling()) {
        for (const AntiAffinityTerm& term : placed->anti_affinity) {
          // On a node outside its topology a term keeps nobody away.
          if (!node->node().metadata().labels().contains(term.topology_key) || !may_repel(*placed, term, pod)) continue;
          return {
              Verdict::owning(Code::UnschedulableAndUnresolvable,
                              fmt::format("pod anti-affinity is not supported by this scheduler, and pod {} has some that may "
                                          "keep this pod away",
                                          placed->key().text())),
              {}};
        }
      }
    }
    return {Verdict::skip(), {}};
  }

 private:
  const Snapshot& snapshot_;
};

}  // namespace

std::unique_ptr<Plugin> inter_pod_affinity_stand_in(const PluginArgs&, const PluginWorld& world) {
  return std::make_unique<InterPodAffinityStandIn>(*world.snapshot);
}

}  // namespace ph::scheduler
