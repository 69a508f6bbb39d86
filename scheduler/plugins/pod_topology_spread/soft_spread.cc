#include "scheduler/plugins/pod_topology_spread/soft_spread.h"

#include <algorithm>
#include <cmath>

#include "api/sorted.h"
#include "scheduler/framework/class_key.h"

namespace ph::scheduler {
namespace {

const Interned& hostname_key() {
  static const Interned* key = new Interned("kubernetes.io/hostname");
  return *key;
}

// No label has such a key: one domain of all nodes.
const Interned& everywhere() {
  static const Interned* key = new Interned("*");
  return *key;
}

// As upstream: nodes without the label make a domain of their own.
const Interned& domain_of(const NodeInfo& node, const Interned& topology_key) {
  static const Interned* none = new Interned;
  const Interned* domain = node.label(topology_key);
  return domain ? *domain : *none;
}

// What of a pod says which nodes count.
void add_inclusion(ClassKey& key, const Pod& pod, std::span<const SpreadConstraint> constraints) {
  if (std::ranges::any_of(constraints, &SpreadConstraint::honors_affinity)) {
    for (const auto* label : sorted(pod.spec().node_selector())) {
      add_text(key, label->first);
      add_text(key, label->second);
    }
    add_message(key, pod.spec().affinity().node_affinity());
  }
  if (std::ranges::any_of(constraints, &SpreadConstraint::honors_taints)) add_messages(key, pod.spec().tolerations());
}

std::string text_of(const SoftSpread::State& state, const Pod& pod) {
  ClassKey out;
  add_number(out, state.wants_all_topologies ? 1 : 0);
  for (const SpreadConstraint& one : state.constraints) {
    add_text(out, one.claim(state.namespace_name));
    add_text(out, one.topology_key.view());
    add_number(out, one.max_skew);
    add_number(out, (one.honors_affinity ? 2 : 0) + (one.honors_taints ? 1 : 0));
  }
  add_inclusion(out, pod, state.constraints);
  return out;
}

// Up to where what is kept of a class of pods goes.
struct Marks {
  std::string text;
  std::vector<double> weights;
  std::vector<KeptDomains::Mark> domains;
};

}  // namespace

Score SoftSpread::State::score(const NodeInfo& node) const {
  double sum = 0;
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    const SpreadConstraint& one = constraints[i];
    const Interned* domain = node.label(one.topology_key);
    if (!domain) {
      if (wants_all_topologies) return kNoScore;
      continue;
    }
    const std::int64_t pods =
        counts[i].domains ? counts[i].domains->of(one.topology_key, *domain)
                          : counts[i].nodes->of(node, [&](const PodInfo& pod) { return one.counts(pod, namespace_name); });
    sum += static_cast<double>(pods) * weights[i] + static_cast<double>(one.max_skew - 1);
  }
  return static_cast<Score>(std::round(sum));
}

SoftSpread::State SoftSpread::state(const Pod& pod, SpreadConstraints constraints, bool wants_all_topologies,
                                    std::span<const NodeInfo* const> nodes) {
  State out{.constraints = std::move(constraints),
            .namespace_name = Interned(pod.metadata().namespace_()),
            .wants_all_topologies = wants_all_topologies,
            .text = {}};
  out.text = text_of(out, pod);
  const NodeInclusion inclusion(pod);
  for (const SpreadConstraint& one : out.constraints) {
    const bool hosts = one.topology_key == hostname_key();
    const std::size_t domains = hosts ? counting_among(out, nodes) : domains_among(out, one, nodes);
    out.weights.push_back(std::log(static_cast<double>(domains + 2)));
    if (hosts) {
      out.counts.push_back({nullptr, nodes_.shared(one.claim(out.namespace_name))});
    } else {
      out.counts.push_back({counted(out, inclusion, one), nullptr});
    }
  }
  return out;
}

std::shared_ptr<const KeptDomains> SoftSpread::counted(const State& state, const NodeInclusion& inclusion,
                                                       const SpreadConstraint& one) {
  const auto contribute = [&](const NodeInfo& node, Contributions& out) {
    if (state.ignores(node) || !inclusion.includes(one, node.node())) return;
    const auto counts = [&](const PodRef& pod) { return one.counts(*pod, state.namespace_name); };
    if (const auto pods = std::ranges::count_if(node.pods(), counts); pods > 0) out.add(node, one.topology_key, pods);
  };
  ClassKey claim;
  add_text(claim, one.topology_key.view());
  add_text(claim, one.claim(state.namespace_name));
  add_number(claim, (one.honors_affinity ? 2 : 0) + (one.honors_taints ? 1 : 0));
  claim += state.text;
  return pods_.of(claim, snapshot_, contribute, [&] { return snapshot_.nodes(); });
}

// The domains of the nodes that are left and are not ignored.
std::size_t SoftSpread::domains_among(const State& state, const SpreadConstraint& one, std::span<const NodeInfo* const> nodes) {
  ClassKey claim;
  add_text(claim, one.topology_key.view());
  if (state.wants_all_topologies) {
    for (const SpreadConstraint& other : state.constraints) add_text(claim, other.topology_key.view());
  }
  const auto contribute = [&](const NodeInfo& node, Contributions& out) {
    if (!state.ignores(node)) out.add_to(one.topology_key, domain_of(node, one.topology_key), 1);
  };
  const auto all = topology_.of(claim, snapshot_, contribute, [&] { return snapshot_.nodes(); });
  // Most often some node of each is soon found.
  DomainTable found;
  for (const NodeInfo* node : nodes) {
    if (found.size() == all->others_than_zero()) break;
    if (!state.ignores(*node)) found.number(one.topology_key, domain_of(*node, one.topology_key));
  }
  return found.size();
}

// The nodes that are left and are not ignored.
std::size_t SoftSpread::counting_among(const State& state, std::span<const NodeInfo* const> nodes) {
  if (!state.wants_all_topologies) return nodes.size();
  ClassKey claim;
  add_text(claim, everywhere().view());
  for (const SpreadConstraint& one : state.constraints) add_text(claim, one.topology_key.view());
  const auto contribute = [&](const NodeInfo& node, Contributions& out) {
    if (!state.ignores(node)) out.add_to(everywhere(), everywhere(), 1);
  };
  const auto all = topology_.of(claim, snapshot_, contribute, [&] { return snapshot_.nodes(); });
  if (all->of(everywhere(), everywhere()) == static_cast<std::int64_t>(snapshot_.nodes().size())) return nodes.size();
  return static_cast<std::size_t>(std::ranges::count_if(nodes, [&](const NodeInfo* node) { return !state.ignores(*node); }));
}

void SoftSpread::changed_domains(const Plugin* plugin, const State& state, ClassMemory& memory, DomainChanges& out) const {
  Marks& marks = memory.of<Marks>(plugin);
  marks.domains.resize(state.counts.size());
  for (std::size_t i = 0; i < state.counts.size(); ++i) {
    if (state.counts[i].domains) state.counts[i].domains->tell(marks.domains[i], out);
  }
  if (marks.text == state.text && marks.weights == state.weights) return;
  out.all = true;
  marks.text = state.text, marks.weights = state.weights;
}

}  // namespace ph::scheduler
