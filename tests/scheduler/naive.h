// What PodTopologySpread and InterPodAffinity are to say, by the obvious loops over messages: what the plugins are compared with.
// What those are to say that look at one node alone is in naive_nodes.h.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "api/node_selector.h"
#include "api/selector.h"

namespace ph::scheduler::test::naive {

struct World {
  std::vector<core::v1::Node> nodes;
  std::vector<core::v1::Pod> pods;  // on nodes
  std::map<std::string, core::v1::Namespace> namespaces;
};

using core::v1::Node, core::v1::Pod, core::v1::PodAffinityTerm, core::v1::TopologySpreadConstraint;

namespace detail {

inline const Node& node_of(const World& world, const Pod& pod) {
  for (const Node& node : world.nodes) {
    if (node.metadata().name() == pod.spec().node_name()) return node;
  }
  throw std::runtime_error("a pod on no node");
}

inline std::optional<std::string> label(const Node& node, const std::string& key) {
  const auto found = node.metadata().labels().find(key);
  return found == node.metadata().labels().end() ? std::nullopt : std::optional(found->second);
}

inline bool selects(bool given, const meta::v1::LabelSelector& selector, const Pod& pod) {
  return given && api::LabelSelector::from(selector).matches_map(pod.metadata().labels());
}

// -- Spreading

inline bool selects_everything(const TopologySpreadConstraint& c) {
  return c.has_label_selector() && c.label_selector().match_labels().empty() && c.label_selector().match_expressions().empty();
}

inline bool counts(const TopologySpreadConstraint& c, const Pod& incoming, const Pod& other) {
  if (selects_everything(c) && c.match_label_keys().empty()) return false;
  if (other.metadata().namespace_() != incoming.metadata().namespace_()) return false;
  if (other.metadata().has_deletion_timestamp()) return false;
  if (!selects(c.has_label_selector(), c.label_selector(), other)) return false;
  for (const std::string& key : c.match_label_keys()) {
    const auto own = incoming.metadata().labels().find(key), its = other.metadata().labels().find(key);
    if (own == incoming.metadata().labels().end()) continue;
    if (its == other.metadata().labels().end() || its->second != own->second) return false;
  }
  return true;
}

inline bool is_counted_node(const TopologySpreadConstraint& c, const Pod& pod, const Node& node) {
  const bool affinity = !c.has_node_affinity_policy() || c.node_affinity_policy() == "Honor";
  if (affinity && !api::RequiredNodes(pod.spec()).matches(node)) return false;
  if (c.node_taints_policy() != "Honor") return true;
  for (const auto& taint : node.spec().taints()) {
    if (taint.effect() != "PreferNoSchedule" && !api::tolerates(pod.spec().tolerations(), taint)) return false;
  }
  return true;
}

inline std::vector<TopologySpreadConstraint> constraints_of(const Pod& pod, const std::string& when) {
  std::vector<TopologySpreadConstraint> out;
  for (const auto& c : pod.spec().topology_spread_constraints()) {
    if (c.when_unsatisfiable() == when) out.push_back(c);
  }
  return out;
}

inline bool has_all(const Node& node, const std::vector<TopologySpreadConstraint>& all) {
  return std::ranges::all_of(all, [&](const auto& c) { return label(node, c.topology_key()).has_value(); });
}

// Pods by domain; domains without pods are there, too.
inline std::map<std::string, int> domains(const World& world, const Pod& pod, const TopologySpreadConstraint& c,
                                          const std::vector<TopologySpreadConstraint>& all) {
  std::map<std::string, int> out;
  for (const Node& node : world.nodes) {
    if (!has_all(node, all) || !is_counted_node(c, pod, node)) continue;
    int& count = out[*label(node, c.topology_key())];
    for (const Pod& other : world.pods) {
      if (other.spec().node_name() == node.metadata().name() && counts(c, pod, other)) ++count;
    }
  }
  return out;
}

// -- Affinity

inline bool means(const World& world, const PodAffinityTerm& term, const Pod& owner, const Pod& other) {
  bool there = std::ranges::find(term.namespaces(), other.metadata().namespace_()) != term.namespaces().end();
  if (term.namespaces().empty() && !term.has_namespace_selector()) {
    there = owner.metadata().namespace_() == other.metadata().namespace_();
  }
  if (!there && term.has_namespace_selector()) {
    const auto found = world.namespaces.find(other.metadata().namespace_());
    const core::v1::Namespace none;
    const auto& labels = found == world.namespaces.end() ? none.metadata().labels() : found->second.metadata().labels();
    there = api::LabelSelector::from(term.namespace_selector()).matches_map(labels);
  }
  return there && selects(term.has_label_selector(), term.label_selector(), other);
}

inline bool same_domain(const Node& a, const Node& b, const std::string& key) {
  return label(a, key) && label(b, key) && *label(a, key) == *label(b, key);
}

template <class Terms>
bool means_all(const World& world, const Terms& terms, const Pod& owner, const Pod& other) {
  return std::ranges::all_of(terms, [&](const auto& term) { return means(world, term, owner, other); });
}

}  // namespace detail

using namespace detail;

// "" where the pod fits, else the reason.
inline std::string spread_verdict(const World& world, const Pod& pod, const Node& node) {
  const auto all = constraints_of(pod, "DoNotSchedule");
  for (const auto& c : all) {
    const auto own = label(node, c.topology_key());
    if (!own) return "node(s) didn't match pod topology spread constraints (missing required label)";
    const auto there = domains(world, pod, c, all);
    int least = INT32_MAX;
    for (const auto& [domain, count] : there) least = std::min(least, count);
    if (static_cast<int>(there.size()) < (c.has_min_domains() ? c.min_domains() : 1)) least = 0;
    Pod placed = pod;
    placed.mutable_metadata()->clear_deletion_timestamp();
    const std::int64_t itself = selects_everything(c) || counts(c, pod, placed) ? 1 : 0;
    const std::int64_t matching = there.contains(*own) ? there.at(*own) : 0;
    if (matching + itself - least > c.max_skew()) return "node(s) didn't match pod topology spread constraints";
  }
  return "";
}

// The scores of the nodes that are left, normalized.
inline std::map<std::string, std::int64_t> spread_scores(const World& world, const Pod& pod, const std::vector<Node>& left) {
  const auto all = constraints_of(pod, "ScheduleAnyway");
  std::map<std::string, std::int64_t> out;
  std::map<std::string, std::int64_t> raw;
  for (const Node& node : left) {
    if (!has_all(node, all)) continue;
    double sum = 0;
    for (const auto& c : all) {
      std::set<std::string> values;
      int hosts = 0;
      for (const Node& other : left) {
        if (!has_all(other, all)) continue;
        values.insert(*label(other, c.topology_key()));
        ++hosts;
      }
      const bool host = c.topology_key() == "kubernetes.io/hostname";
      int pods = 0;
      for (const Pod& other : world.pods) {
        const Node& on = node_of(world, other);
        if (!counts(c, pod, other)) continue;
        const bool here = on.metadata().name() == node.metadata().name();
        if (host ? here : has_all(on, all) && same_domain(on, node, c.topology_key()) && is_counted_node(c, pod, on)) ++pods;
      }
      sum += pods * std::log(static_cast<double>((host ? hosts : static_cast<int>(values.size())) + 2)) + (c.max_skew() - 1);
    }
    raw[node.metadata().name()] = std::llround(sum);
  }
  std::int64_t least = INT64_MAX, most = 0;
  for (const auto& [name, score] : raw) least = std::min(least, score), most = std::max(most, score);
  for (const Node& node : left) {
    const auto found = raw.find(node.metadata().name());
    out[node.metadata().name()] = found == raw.end() ? 0 : most == 0 ? 100 : 100 * (most + least - found->second) / most;
  }
  return out;
}

inline std::string affinity_verdict(const World& world, const Pod& pod, const Node& node) {
  const auto& near = pod.spec().affinity().pod_affinity().required_during_scheduling_ignored_during_execution();
  const auto& away = pod.spec().affinity().pod_anti_affinity().required_during_scheduling_ignored_during_execution();
  bool any_match = false, all_near = true;
  for (const auto& term : near) {
    if (!label(node, term.topology_key())) return "node(s) didn't match pod affinity rules";
    bool found = false;
    for (const Pod& other : world.pods) {
      if (!means_all(world, near, pod, other)) continue;
      const Node& on = node_of(world, other);
      // It counts where it is in some domain of some term.
      for (const auto& each : near) any_match |= label(on, each.topology_key()).has_value();
      found |= same_domain(on, node, term.topology_key());
    }
    all_near &= found;
  }
  if (!all_near && (any_match || !means_all(world, near, pod, pod))) return "node(s) didn't match pod affinity rules";
  for (const auto& term : away) {
    for (const Pod& other : world.pods) {
      if (means(world, term, pod, other) && same_domain(node_of(world, other), node, term.topology_key())) {
        return "node(s) didn't match pod anti-affinity rules";
      }
    }
  }
  for (const Pod& other : world.pods) {
    for (const auto& term : other.spec().affinity().pod_anti_affinity().required_during_scheduling_ignored_during_execution()) {
      if (means(world, term, other, pod) && same_domain(node_of(world, other), node, term.topology_key())) {
        return "node(s) didn't satisfy existing pods anti-affinity rules";
      }
    }
  }
  return "";
}

inline std::map<std::string, std::int64_t> affinity_scores(const World& world, const Pod& pod, const std::vector<Node>& left,
                                                           int hard_weight) {
  std::map<std::string, std::int64_t> raw, out;
  const auto preferred = [](const auto& affinity) -> const auto& {
    return affinity.preferred_during_scheduling_ignored_during_execution();
  };
  for (const Node& node : left) {
    std::int64_t& sum = raw[node.metadata().name()];
    for (const Pod& other : world.pods) {
      const Node& on = node_of(world, other);
      const auto add = [&](const PodAffinityTerm& term, const Pod& owner, const Pod& meant, std::int64_t weight) {
        if (means(world, term, owner, meant) && same_domain(on, node, term.topology_key())) sum += weight;
      };
      const auto &mine = pod.spec().affinity(), &its = other.spec().affinity();
      for (const auto& t : preferred(mine.pod_affinity())) add(t.pod_affinity_term(), pod, other, t.weight());
      for (const auto& t : preferred(mine.pod_anti_affinity())) add(t.pod_affinity_term(), pod, other, -t.weight());
      for (const auto& t : its.pod_affinity().required_during_scheduling_ignored_during_execution())
        add(t, other, pod, hard_weight);
      for (const auto& t : preferred(its.pod_affinity())) add(t.pod_affinity_term(), other, pod, t.weight());
      for (const auto& t : preferred(its.pod_anti_affinity())) add(t.pod_affinity_term(), other, pod, -t.weight());
    }
  }
  std::int64_t least = INT64_MAX, most = INT64_MIN;
  for (const auto& [name, score] : raw) least = std::min(least, score), most = std::max(most, score);
  for (const auto& [name, score] : raw) {
    out[name] = most == least
                    ? 0
                    : static_cast<std::int64_t>(100.0 * (static_cast<double>(score - least) / static_cast<double>(most - least)));
  }
  return out;
}

}  // namespace ph::scheduler::test::naive
