// Interactions: how pods of one class get into each other's way when many of them are placed at once: a port of the host, anti-affinity to
// their own kind, hard spread constraints. What is found here only keeps the flow from proposing what the filters would refuse: they
// have the last word on every placement.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/flow/network.h"
#include "scheduler/flow/policy.h"

namespace ph::scheduler::flow {

struct Interactions {
  Amount node_most = kMaxAmount;  // pods of the class on one node
  // Where the class must not heap up in domains larger than a node: the node label, and how many pods fit into each value of it.
  std::string domain_key;
  std::map<std::string, Amount, std::less<>> domains;

  // Empty: in none.
  std::string_view domain_of(const NodeInfo& node) const;
};

// Of `pods` pods like the one of `wanted`.
Interactions interactions_of(const Wanted& wanted, Amount pods);

// For how many such pods a node has room, as far as amounts go; at least one.
Amount room_for(const PodInfo& pod, const NodeInfo& node);

}  // namespace ph::scheduler::flow
