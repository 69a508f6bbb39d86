#include "scheduler/foreign/foreign_plugin.h"

#include <fmt/format.h>

#include <algorithm>

#include "scheduler/foreign/instance.h"
#include "scheduler/framework/class_key.h"

namespace ph::scheduler {

using foreign::Instance;

namespace {

constexpr std::size_t kNameMost = 63;
constexpr std::uint32_t kReadsOfPod =
    PH_POD_NAMESPACE | PH_POD_NAME | PH_POD_PRIORITY | PH_POD_LABELS | PH_POD_NODE_SELECTOR | PH_POD_REQUESTS;
constexpr std::uint32_t kReadsOfNode =
    PH_NODE_LABELS | PH_NODE_ANNOTATIONS | PH_NODE_TAINTS | PH_NODE_ALLOCATABLE | PH_NODE_REQUESTED;
constexpr std::uint32_t kFlags = PH_PLUGIN_KEEPABLE | PH_PLUGIN_SCORES_SCALED | PH_PLUGIN_SCORES_REVERSED;

void add_labels(ClassKey& key, LabelSpan labels) {
  add_number(key, static_cast<std::int64_t>(labels.size()));
  for (const auto& [name, value] : labels) {
    add_text(key, name.view());
    add_text(key, value.view());
  }
}

// What follows from what the plugin says it reads.
class Declared : public virtual Plugin {
 public:
  explicit Declared(std::unique_ptr<Instance> instance) : instance_(std::move(instance)) {}

  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    if ((instance_->table().flags & PH_PLUGIN_KEEPABLE) == 0) return ClusterEvents::all();
    ClusterEvents out{NodeAdded};
    const auto add = [&](bool reads, ClusterEvents events) {
      if (reads) out = out | events;
    };
    const auto [of_pod, of_node] = std::pair(instance_->table().reads_of_pod, instance_->table().reads_of_node);
    add(of_node & PH_NODE_LABELS, {NodeLabelsChanged});
    add(of_node & PH_NODE_ANNOTATIONS, {NodeAnnotationsChanged});
    add(of_node & PH_NODE_TAINTS, {NodeTaintsChanged});
    add(of_node & PH_NODE_ALLOCATABLE, {NodeAllocatableChanged});
    add(of_node & PH_NODE_REQUESTED, {AssignedPodAdded, AssignedPodDeleted, AssignedPodScaledDown});
    add(of_pod & PH_POD_LABELS, {PodLabelsChanged});
    add(of_pod & PH_POD_REQUESTS, {PodScaledDown});
    return out;
  }
  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    // Another waiting pod is nowhere.
    return change.waiting_after && !is_of(change, waiting) ? QueueingHint::Skip : QueueingHint::Queue;
  }

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    if (!instance_->keepable()) return false;
    const std::uint32_t reads = instance_->table().reads_of_pod;
    if ((reads & PH_POD_NAMESPACE) != 0) add_text(key, info.namespace_name.view());
    if ((reads & PH_POD_PRIORITY) != 0) add_number(key, info.priority);
    if ((reads & PH_POD_LABELS) != 0) add_labels(key, info.labels);
    if ((reads & PH_POD_NODE_SELECTOR) != 0) add_labels(key, interned_labels(pod.spec().node_selector()));
    if ((reads & PH_POD_REQUESTS) != 0) add_resource(key, info.requests);
    return true;
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override {
    if (change.node_before || change.node_after) return {Outdated::Node};
    const bool reads_pods = (instance_->table().reads_of_node & PH_NODE_REQUESTED) != 0;
    return {reads_pods ? Outdated::Node : Outdated::Nothing};
  }

 protected:
  Instance& instance() const { return *instance_; }

 private:
  const std::unique_ptr<Instance> instance_;
};

class Filters : public Declared, public FilterPlugin {
 public:
  using Declared::Declared;
  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    return instance().filter(state, pod, node);
  }
};

// `Base`: Declared, or Filters.
template <class Base>
class Scores : public Base, public ScorePlugin {
 public:
  using Base::Base;
  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    return this->instance().score(state, pod, node);
  }
  Scale scale() const override {
    const std::uint32_t flags = this->instance().table().flags;
    if ((flags & PH_PLUGIN_SCORES_SCALED) != 0) return Scale::ByHighest;
    return (flags & PH_PLUGIN_SCORES_REVERSED) != 0 ? Scale::ByHighestReversed : Scale::AsIs;
  }
};

// Empty: it can be taken.
std::string problem_of(const ph_plugin* table) {
  if (!table) return "its entry returns no table";
  if (table->abi != PH_PLUGIN_ABI) {
    return fmt::format("it is made for version {} of the plugin interface, and this is version {}", table->abi, PH_PLUGIN_ABI);
  }
  if (table->size != sizeof(ph_plugin)) {
    return fmt::format("its table has {} bytes, where version {} has {}", table->size, PH_PLUGIN_ABI, sizeof(ph_plugin));
  }
  if (!table->name.data || table->name.size == 0) return "its plugin has no name";
  const std::string_view name(table->name.data, table->name.size);
  const auto is_fit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  if (name.size() > kNameMost || !std::ranges::all_of(name, is_fit)) {
    return fmt::format("the name of its plugin is not made of 1 to {} letters and digits", kNameMost);
  }
  if (is_upstream_plugin(name) || find_plugin(name)) {
    return fmt::format("its plugin is called \"{}\", as one that the scheduler has", name);
  }
  if ((table->reads_of_pod & ~kReadsOfPod) != 0 || (table->reads_of_node & ~kReadsOfNode) != 0 || (table->flags & ~kFlags) != 0) {
    return fmt::format("plugin \"{}\" declares what version {} of the plugin interface does not know", name, PH_PLUGIN_ABI);
  }
  constexpr std::uint32_t kBoth = PH_PLUGIN_SCORES_SCALED | PH_PLUGIN_SCORES_REVERSED;
  if ((table->flags & kBoth) == kBoth) return fmt::format("plugin \"{}\" wants its scores scaled in two ways", name);
  if (!table->filter && !table->score) return fmt::format("plugin \"{}\" neither filters nor scores", name);
  return {};
}

}  // namespace

ForeignPlugin::ForeignPlugin(const ph_plugin* table, const std::string& object) : table_(table) {
  if (const std::string problem = problem_of(table); !problem.empty()) {
    throw ForeignPluginError(fmt::format("{}: {}", object, problem));
  }
  name_.assign(table->name.data, table->name.size);
}

PluginEntry ForeignPlugin::entry() const {
  return {.name = name_, .entry = nullptr, .weight = 1, .by_default = false, .maker = this};
}

bool ForeignPlugin::stands_at(Point point) const {
  return (point == Point::Filter && table_->filter) || (point == Point::Score && table_->score);
}

std::unique_ptr<Plugin> ForeignPlugin::make(const PluginArgs&, const PluginWorld& world) const {
  std::string arguments;
  if (world.profile) {
    const auto& given = world.profile->spec().foreign_args;
    if (const auto own = given.find(name_); own != given.end()) arguments = own->second;
  }
  auto instance = std::make_unique<Instance>(*table_, name_, arguments);
  if (!table_->score) return std::make_unique<Filters>(std::move(instance));
  if (!table_->filter) return std::make_unique<Scores<Declared>>(std::move(instance));
  return std::make_unique<Scores<Filters>>(std::move(instance));
}

}  // namespace ph::scheduler
