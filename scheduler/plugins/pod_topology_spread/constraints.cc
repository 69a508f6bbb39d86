// Upstream: pkg/scheduler/framework/plugins/podtopologyspread (common), helper (DefaultSelector)
#include "scheduler/plugins/pod_topology_spread/constraints.h"

#include <algorithm>

#include "api/codec.h"
#include "api/sorted.h"

namespace ph::scheduler {

using apps::v1::ReplicaSet, apps::v1::StatefulSet;
using core::v1::Node, core::v1::ReplicationController, core::v1::Service, core::v1::Taint, core::v1::TopologySpreadConstraint;

bool SpreadConstraint::counts(const PodInfo& pod, const Interned& namespace_name) const {
  if (pods.is_everything()) return false;  // as upstream: a selector that selects everything counts nothing
  return pod.namespace_name == namespace_name && !pod.deleting && pods.matches(pod.labels);
}

std::string SpreadConstraint::claim(const Interned& namespace_name) const {
  std::string out(namespace_name.view());
  out.push_back('/');
  pods.describe(out);
  return out;
}

namespace {

SpreadConstraint compiled(const TopologySpreadConstraint& constraint) {
  SpreadConstraint out;
  out.max_skew = constraint.max_skew();
  out.topology_key = Interned(constraint.topology_key());
  if (constraint.has_min_domains()) out.min_domains = constraint.min_domains();
  if (constraint.has_node_affinity_policy()) out.honors_affinity = constraint.node_affinity_policy() == "Honor";
  if (constraint.has_node_taints_policy()) out.honors_taints = constraint.node_taints_policy() == "Honor";
  if (constraint.has_label_selector()) out.pods = LabelMatcher::of(constraint.label_selector());
  return out;
}

// The pod's own values of the keys are demanded, too.
void add_match_label_keys(const TopologySpreadConstraint& constraint, const Pod& pod, LabelMatcher& pods) {
  for (const std::string& key : constraint.match_label_keys()) {
    const auto found = pod.metadata().labels().find(key);
    if (found != pod.metadata().labels().end()) pods.require(Interned(key), Interned(found->second));
  }
}

}  // namespace

SpreadConstraints own_constraints(const Pod& pod, std::string_view when) {
  SpreadConstraints out;
  for (const TopologySpreadConstraint& constraint : pod.spec().topology_spread_constraints()) {
    if (constraint.when_unsatisfiable() != when) continue;
    add_match_label_keys(constraint, pod, out.emplace_back(compiled(constraint)).pods);
  }
  return out;
}

bool NodeInclusion::includes(const SpreadConstraint& constraint, const Node& node) const {
  if (constraint.honors_affinity && !required_.matches(node)) return false;
  if (!constraint.honors_taints) return true;
  return std::ranges::all_of(node.spec().taints(), [&](const Taint& taint) {
    const bool hard = taint.effect() == "NoSchedule" || taint.effect() == "NoExecute";
    return !hard || api::tolerates(pod_.spec().tolerations(), taint);
  });
}

bool has_all_topologies(const NodeInfo& node, std::span<const SpreadConstraint> constraints) {
  return std::ranges::all_of(constraints, [&](const SpreadConstraint& one) { return node.label(one.topology_key) != nullptr; });
}

bool has_all_topologies(const Node& node, std::span<const SpreadConstraint> constraints) {
  return std::ranges::all_of(constraints, [&](const SpreadConstraint& one) {
    return node.metadata().labels().contains(std::string(one.topology_key.view()));
  });
}

// -- Defaults

namespace {

TopologySpreadConstraint system_constraint(const char* key, int max_skew) {
  TopologySpreadConstraint out;
  out.set_topology_key(key);
  out.set_max_skew(max_skew);
  out.set_when_unsatisfiable("ScheduleAnyway");
  return out;
}

bool selects(const Service& service, const Pod& pod) {
  const auto &wanted = service.spec().selector(), &labels = pod.metadata().labels();
  if (wanted.empty()) return false;
  return std::ranges::all_of(wanted, [&](const auto& one) {
    const auto found = labels.find(one.first);
    return found != labels.end() && found->second == one.second;
  });
}

const meta::v1::OwnerReference* controller_of(const Pod& pod) {
  const auto& owners = pod.metadata().owner_references();
  const auto found = std::ranges::find_if(owners, [](const auto& owner) { return owner.controller(); });
  return found == owners.end() ? nullptr : &*found;
}

template <class T>
void merge_selector(const Lister<T>& lister, const ObjectKey& key, LabelMatcher& out) {
  const auto object = lister.find(key);
  if (!object || !object->spec().has_selector()) return;
  try {
    out.merge(LabelMatcher::of(object->spec().selector()));
  } catch (const api::DecodeError&) {
    // As if it had none.
  }
}

}  // namespace

DefaultConstraints::DefaultConstraints(const PodTopologySpreadArgs& args, const PluginWorld& world)
    : constraints_(args.default_constraints), systems_(args.system_defaults) {
  if (systems_) {
    constraints_ = {system_constraint("kubernetes.io/hostname", 3), system_constraint("topology.kubernetes.io/zone", 5)};
  }
  if (constraints_.empty()) return;
  services_ = lister_of<Service>(world);
  replication_controllers_ = lister_of<ReplicationController>(world);
  replica_sets_ = lister_of<ReplicaSet>(world);
  stateful_sets_ = lister_of<StatefulSet>(world);
}

// What the services select by which the pod is reached, and its controller.
LabelMatcher DefaultConstraints::selector_of(const Pod& pod) const {
  std::map<std::string, std::string> labels;
  for (const auto& service : services_.list(pod.metadata().namespace_())) {
    if (!selects(*service, pod)) continue;
    for (const auto& [key, value] : in_any_order(service->spec().selector())) labels[key] = value;
  }
  const meta::v1::OwnerReference* owner = controller_of(pod);
  const std::string kind = owner ? owner->api_version() + "/" + owner->kind() : "";
  const ObjectKey key{pod.metadata().namespace_(), owner ? owner->name() : ""};
  if (kind == "v1/ReplicationController") {
    if (const auto controller = replication_controllers_.find(key)) {
      for (const auto& [name, value] : in_any_order(controller->spec().selector())) labels[name] = value;
    }
  }
  LabelMatcher out;
  for (const auto& [name, value] : labels) out.require(Interned(name), Interned(value));
  if (kind == "apps/v1/ReplicaSet") merge_selector(replica_sets_, key, out);
  if (kind == "apps/v1/StatefulSet") merge_selector(stateful_sets_, key, out);
  return out;
}

bool DefaultConstraints::has(std::string_view when) const {
  return std::ranges::any_of(constraints_, [&](const auto& constraint) { return constraint.when_unsatisfiable() == when; });
}

SpreadConstraints DefaultConstraints::of(const Pod& pod, std::string_view when) const {
  SpreadConstraints out;
  for (const TopologySpreadConstraint& constraint : constraints_) {
    if (constraint.when_unsatisfiable() == when) out.push_back(compiled(constraint));
  }
  if (out.empty()) return out;
  const LabelMatcher pods = selector_of(pod);
  if (pods.is_everything()) return {};
  for (SpreadConstraint& constraint : out) constraint.pods = pods;
  return out;
}

}  // namespace ph::scheduler
