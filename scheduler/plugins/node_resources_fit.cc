// NodeResourcesFit: keeps a pod off nodes without enough left of what it asks for, and prefers nodes by how full they
// are. Upstream: pkg/scheduler/framework/plugins/noderesources (fit)
#include <fmt/format.h>

#include <algorithm>

#include "scheduler/framework/class_key.h"
#include "scheduler/framework/plugin.h"
#include "scheduler/plugins/need_words.h"
#include "scheduler/plugins/node_resources.h"

namespace ph::scheduler {
namespace {

// The extended resources the pod asks for, with the words that refuse it. Verdicts refer to these words: copies of the state, on which
// things are tried, share them.
struct WantedScalars {
  struct Wanted {
    Interned name;
    std::int64_t amount;
    std::string insufficient;
  };
  std::shared_ptr<const std::vector<Wanted>> wanted;
};

class NodeResourcesFit final : public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  explicit NodeResourcesFit(const NodeResourcesFitArgs& args) : args_(args) {}

  ClusterEvents retry_on() const override {
    return {ClusterEvent::NodeAdded,          ClusterEvent::NodeAllocatableChanged,
            ClusterEvent::AssignedPodDeleted, ClusterEvent::AssignedPodScaledDown,
            ClusterEvent::PodScaledDown,      ClusterEvent::DeviceClassAdded,
            ClusterEvent::DeviceClassChanged};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    switch (change.event) {
      case ClusterEvent::PodScaledDown: return is_of(change, waiting) ? QueueingHint::Queue : QueueingHint::Skip;
      case ClusterEvent::AssignedPodScaledDown:
        return frees_something(*change.pod_before, *change.pod_after, requests_of(waiting));
      case ClusterEvent::DeviceClassAdded:
      case ClusterEvent::DeviceClassChanged: return class_helps(change, requests_of(waiting));
      case ClusterEvent::NodeAdded:
      case ClusterEvent::NodeAllocatableChanged: return node_helps(change, requests_of(waiting));
      default: return QueueingHint::Queue;  // a pod has gone: room for one more at least
    }
  }

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    add_resource(key, info.requests);
    add_number(key, info.scored_milli_cpu);
    add_number(key, info.scored_memory);
    if (pod.spec().has_resources()) add_by_containers(pod, key);
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Node}; }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    std::vector<WantedScalars::Wanted> wanted;
    for (const auto& [name, amount] : state.pod().requests.scalars) {
      if (amount == 0 || ignored(name)) continue;
      wanted.push_back({name, amount, "Insufficient " + std::string(name.view())});
    }
    state.put(this, WantedScalars{std::make_shared<const std::vector<WantedScalars::Wanted>>(std::move(wanted))});
    return {};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const Resource& wanted = state.pod().requests;
    const Resource &there = node.allocatable(), &used = node.requested();
    Verdict refusal(Code::Unschedulable);
    bool refused = false, hopeless = false;
    const auto check = [&](std::int64_t amount, std::int64_t capacity, std::int64_t taken, std::string_view reason) {
      if (amount <= 0 || amount <= capacity - taken) return;
      refusal.add_reason(reason);
      refused = true;
      if (amount > capacity) hopeless = true;
    };
    if (static_cast<std::int64_t>(node.pods().size()) + 1 > there.pods) {
      refusal.add_reason("Too many pods");
      refused = true;
    }
    check(wanted.milli_cpu, there.milli_cpu, used.milli_cpu, "Insufficient cpu");
    check(wanted.memory, there.memory, used.memory, "Insufficient memory");
    check(wanted.ephemeral_storage, there.ephemeral_storage, used.ephemeral_storage, "Insufficient ephemeral-storage");
    for (const auto& scalar : *state.get<WantedScalars>(this).wanted) {
      check(scalar.amount, there.scalar(scalar.name), used.scalar(scalar.name), scalar.insufficient);
    }
    if (!refused) return Verdict::fits();
    // Preemption cannot help where the whole node is too small.
    return hopeless ? std::move(refusal).as(Code::UnschedulableAndUnresolvable) : std::move(refusal);
  }

  std::vector<Need> needs(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const Resource &there = node.allocatable(), &used = node.requested();
    std::vector<Need> out;
    const auto pods = static_cast<std::int64_t>(node.pods().size());
    if (pods + 1 > there.pods) {
      out.push_back({.text = fmt::format("room for one more pod: the node takes {}, and has {}", there.pods, pods),
                     .resource = "pods",
                     .missing = std::to_string(pods + 1 - there.pods)});
    }
    any_wanted(state.pod().requests, [&](std::string_view name, std::int64_t amount) {
      const std::int64_t capacity = there.amount(name), taken = used.amount(name);
      if (amount > capacity - taken) out.push_back(more_of(name, amount, capacity, taken));
      return false;  // all are looked at
    });
    return out;
  }

  Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    // Otherwise what the pod asks for is in the state already.
    if (pod.spec().has_resources()) state.put(this, by_containers(state.pod(), pod));
    return Verdict::fits();
  }

  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const auto* by_containers = state.find<ByContainers>(this);
    const Usages usage(args_.resources, by_containers ? *by_containers->pod : state.pod(), node, true);
    switch (args_.strategy) {
      case ScoringStrategy::LeastAllocated: return least_allocated(args_.resources, usage);
      case ScoringStrategy::MostAllocated: return most_allocated(args_.resources, usage);
      case ScoringStrategy::RequestedToCapacityRatio: return requested_to_capacity_ratio(args_.resources, usage, args_.shape);
    }
    return 0;
  }

 private:
  // As upstream: the pod that is placed is scored by what its containers ask for, whatever it asks for as a whole. Those that are on the
  // nodes count as a whole.
  struct ByContainers {
    PodRef pod;
  };
  static ByContainers by_containers(const PodInfo& info, const Pod& pod) {
    auto out = std::make_shared<PodInfo>(info);
    const Resource scored = scored_requests_of_containers(pod);
    out->requests = requests_of_containers(pod);
    out->scored_milli_cpu = scored.milli_cpu;
    out->scored_memory = scored.memory;
    return {std::move(out)};
  }
  static void add_by_containers(const Pod& pod, ClassKey& key) {
    const Resource scored = scored_requests_of_containers(pod);
    add_resource(key, requests_of_containers(pod));
    add_number(key, scored.milli_cpu);
    add_number(key, scored.memory);
  }

  bool ignored(std::string_view name) const {
    if (!is_extended_resource(name)) return false;
    return args_.ignored_resources.contains(name) || args_.ignored_resource_groups.contains(name.substr(0, name.find('/')));
  }

  // Names of all that the pod asks for and this plugin looks at.
  template <class F>
  bool any_wanted(const Resource& wanted, F claim) const {
    for (const std::string_view name : {"cpu", "memory", "ephemeral-storage"}) {
      if (wanted.amount(name) > 0 && claim(name, wanted.amount(name))) return true;
    }
    return std::ranges::any_of(wanted.scalars, [&](const auto& entry) {
      return entry.second > 0 && !ignored(entry.first) && claim(entry.first.view(), entry.second);
    });
  }

  QueueingHint frees_something(const PodInfo& before, const PodInfo& after, const Resource& wanted) const {
    const bool frees = any_wanted(
        wanted, [&](std::string_view name, std::int64_t) { return after.requests.amount(name) < before.requests.amount(name); });
    return frees ? QueueingHint::Queue : QueueingHint::Skip;
  }

  // A class of devices helps when it now stands for an extended resource that the pod wants.
  QueueingHint class_helps(const ClusterChange& change, const Resource& wanted) const {
    const auto* before = change.before<resources::v1::DeviceClass>();
    const auto& after = *change.after<resources::v1::DeviceClass>();
    const std::string& name = after.spec().extended_resource_name();
    const bool named = !name.empty() && (!before || before->spec().extended_resource_name() != name);
    const bool made = !before && wanted.scalar("deviceclass.resource.kubernetes.io/" + after.metadata().name()) > 0;
    return made || (named && wanted.scalar(name) > 0) ? QueueingHint::Queue : QueueingHint::Skip;
  }

  // A node helps when the pod would fit it if it were empty, and the change brought it more of something that the pod
  // wants.
  QueueingHint node_helps(const ClusterChange& change, const Resource& wanted) const {
    const Resource now = to_resource(change.node_after->status().allocatable());
    if (any_wanted(wanted, [&](std::string_view name, std::int64_t amount) { return amount > now.amount(name); })) {
      return QueueingHint::Skip;
    }
    if (!change.node_before) return QueueingHint::Queue;
    const Resource before = to_resource(change.node_before->status().allocatable());
    if (now.pods > before.pods) return QueueingHint::Queue;
    const bool more =
        any_wanted(wanted, [&](std::string_view name, std::int64_t) { return now.amount(name) > before.amount(name); });
    return more ? QueueingHint::Queue : QueueingHint::Skip;
  }

  NodeResourcesFitArgs args_;
};

}  // namespace

std::unique_ptr<Plugin> node_resources_fit(const PluginArgs& args, const PluginWorld&) {
  return std::make_unique<NodeResourcesFit>(args.node_resources_fit);
}

}  // namespace ph::scheduler
