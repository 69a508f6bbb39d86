// SoftSpread: what constraints that should hold (ScheduleAnyway) make of nodes: the pods that count in each node's domains, by how much
// they weigh there. The counts are kept from cycle to cycle.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scheduler/cluster/snapshot.h"
#include "scheduler/plugins/kept_domains.h"
#include "scheduler/plugins/node_counts.h"
#include "scheduler/plugins/pod_topology_spread/constraints.h"

namespace ph::scheduler {

class SoftSpread {
 public:
  explicit SoftSpread(const Snapshot& snapshot) : snapshot_(snapshot) {}

  // Of one pod, while a node is looked for.
  struct State {
    SpreadConstraints constraints;
    Interned namespace_name;
    bool wants_all_topologies = true;  // nodes without one of them score nothing
    std::string text;                  // the same for pods that ask the same of the same nodes
    struct Counted {
      std::shared_ptr<const KeptDomains> domains;  // null: the domains are the nodes
      std::shared_ptr<NodeCounts> nodes;
    };
    std::vector<Counted> counts = {};
    std::vector<double> weights = {};  // domains that are fewer count less

    bool ignores(const NodeInfo& node) const { return wants_all_topologies && !has_all_topologies(node, constraints); }
    // kNoScore for a node that is ignored.
    Score score(const NodeInfo& node) const;
  };
  // `nodes`: those that are left to choose from.
  State state(const Pod& pod, SpreadConstraints constraints, bool wants_all_topologies, std::span<const NodeInfo* const> nodes);
  // Plugin::changed_domains, of scores.
  void changed_domains(const Plugin* plugin, const State& state, ClassMemory& memory, DomainChanges& out) const;

 private:
  std::shared_ptr<const KeptDomains> counted(const State& state, const NodeInclusion& inclusion, const SpreadConstraint& one);
  std::size_t domains_among(const State& state, const SpreadConstraint& one, std::span<const NodeInfo* const> nodes);
  std::size_t counting_among(const State& state, std::span<const NodeInfo* const> nodes);

  const Snapshot& snapshot_;
  RecentCounts nodes_;
  RecentDomains pods_{KeptDomains::Goes::ByAmount};    // that count, in each domain
  RecentDomains topology_{KeptDomains::Goes::BySign};  // in each domain, how many nodes that are not ignored
};

}  // namespace ph::scheduler
