#include "scheduler/flow/interactions.h"

#include <algorithm>
#include <set>

#include "scheduler/cluster/pod_affinity.h"
#include "scheduler/plugins/pod_topology_spread/constraints.h"

namespace ph::scheduler::flow {
namespace {

constexpr std::string_view kHostname = "kubernetes.io/hostname";

std::string_view value_of(const NodeInfo& node, const std::string& key) {
  const auto& labels = node.node().metadata().labels();
  const auto found = labels.find(key);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

// No more than `most` in each domain that the nodes are in. The first key that is narrower than nothing stands: a class has one kind of
// domains in the network.
void limit_domains(const Wanted& wanted, std::string_view key, Interactions& out) {
  if (!out.domain_key.empty() && out.domain_key != key) return;
  out.domain_key = key;
  for (const NodeInfo* node : wanted.nodes) {
    const std::string_view value = value_of(*node, out.domain_key);
    if (!value.empty()) out.domains.try_emplace(std::string(value), kMaxAmount);
  }
}

void take_anti_affinity(const Wanted& wanted, Interactions& out) {
  const PodInfo& pod = wanted.state.pod();
  if (!pod.affinity) return;
  for (const AffinityTerm& term : pod.affinity->required_anti) {
    // Which labels its namespace has is not known here; who is meant by them alone is found out by the filters.
    if (!term.matches(pod, {})) continue;
    if (term.topology_key.view() == kHostname) {
      out.node_most = 1;
      continue;
    }
    limit_domains(wanted, term.topology_key.view(), out);
    if (out.domain_key != term.topology_key.view()) continue;
    for (auto& [value, most] : out.domains) most = 1;
  }
}

// How many pods of `constraint` are in each domain.
std::map<std::string, Amount, std::less<>> counts_of(const Wanted& wanted, const SpreadConstraint& constraint) {
  std::map<std::string, Amount, std::less<>> out;
  const NodeInclusion inclusion(wanted.pod);
  const std::string key(constraint.topology_key.view());
  for (const NodeInfo* node : wanted.snapshot.nodes()) {
    const std::string_view value = value_of(*node, key);
    if (value.empty() || !inclusion.includes(constraint, node->node())) continue;
    Amount& count = out[std::string(value)];
    for (const PodRef& pod : node->pods()) count += constraint.counts(*pod, wanted.state.pod().namespace_name);
  }
  return out;
}

// How high domains stand when `pods` more have come, each into the lowest of those that are open.
Amount level_of(const std::map<std::string, Amount, std::less<>>& counts, const std::set<std::string, std::less<>>& open,
                Amount pods) {
  std::vector<Amount> heights;
  for (const auto& [value, count] : counts) {
    if (open.contains(value)) heights.push_back(count);
  }
  std::ranges::sort(heights);
  Amount level = heights.empty() ? 0 : heights.front();
  for (std::size_t i = 0; i < heights.size() && pods > 0; ++i) {
    const Amount width = static_cast<Amount>(i) + 1;
    const Amount up = i + 1 < heights.size() ? heights[i + 1] - level : pods;
    const Amount rise = std::min(up, (pods + width - 1) / width);
    level += rise;
    pods -= rise * width;
  }
  return level;
}

void take_spread(const Wanted& wanted, Amount pods, Interactions& out) {
  for (const SpreadConstraint& constraint : own_constraints(wanted.pod, "DoNotSchedule")) {
    if (!constraint.counts(wanted.state.pod(), wanted.state.pod().namespace_name)) continue;
    const auto counts = counts_of(wanted, constraint);
    const std::string key(constraint.topology_key.view());
    std::set<std::string, std::less<>> open;
    for (const NodeInfo* node : wanted.nodes) open.emplace(value_of(*node, key));
    // Those that nothing can go to hold the others down.
    Amount stuck = kMaxAmount;
    for (const auto& [value, count] : counts) {
      if (!open.contains(value)) stuck = std::min(stuck, count);
    }
    const Amount top = std::min(level_of(counts, open, pods) + constraint.max_skew - 1, stuck + constraint.max_skew);
    if (key == kHostname) {
      const auto lowest = std::ranges::min_element(counts, {}, [](const auto& entry) { return entry.second; });
      if (lowest != counts.end()) out.node_most = std::min(out.node_most, std::max<Amount>(top - lowest->second, 1));
      continue;
    }
    limit_domains(wanted, key, out);
    if (out.domain_key != key) continue;
    for (auto& [value, most] : out.domains) {
      const auto count = counts.find(value);
      most = std::min(most, std::max<Amount>(top - (count == counts.end() ? 0 : count->second), 0));
    }
  }
}

}  // namespace

std::string_view Interactions::domain_of(const NodeInfo& node) const {
  return domain_key.empty() ? std::string_view() : value_of(node, domain_key);
}

Interactions interactions_of(const Wanted& wanted, Amount pods) {
  Interactions out;
  if (!wanted.state.pod().host_ports.empty()) out.node_most = 1;
  take_anti_affinity(wanted, out);
  take_spread(wanted, pods, out);
  return out;
}

Amount room_for(const PodInfo& pod, const NodeInfo& node) {
  const Resource &there = node.allocatable(), &used = node.requested(), &asked = pod.requests;
  Amount room = there.pods - static_cast<Amount>(node.pods().size());
  const auto limit = [&room](std::int64_t there, std::int64_t used, std::int64_t asked) {
    if (asked > 0) room = std::min(room, (there - used) / asked);
  };
  limit(there.milli_cpu, used.milli_cpu, asked.milli_cpu);
  limit(there.memory, used.memory, asked.memory);
  limit(there.ephemeral_storage, used.ephemeral_storage, asked.ephemeral_storage);
  for (const auto& [name, amount] : asked.scalars) limit(there.scalar(name.view()), used.scalar(name.view()), amount);
  return std::clamp<Amount>(room, 1, kMaxAmount);
}

}  // namespace ph::scheduler::flow
