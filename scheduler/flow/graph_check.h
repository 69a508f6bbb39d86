// A network looked at with Boost.Graph: drawn, and checked by somebody else's algorithms. For debugging and for `flow-graph`; slow beside a solve.
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "scheduler/flow/network.h"

namespace ph::scheduler::flow {

// The first thing that is wrong with the network as its builder meant it; empty when nothing is. Every supply has a way to the sink or to a
// demand, by arcs with a capacity; no node but a demand is a dead end; supplies and demands are equal; flow is within capacities, and what
// nodes and the flow add up to is what the network says.
std::string graph_problem(const Network& network);

// In GraphViz's language: nodes by `label` (their index when it is empty), with their supply; arcs with flow/capacity and cost, those with
// flow drawn bold. Names are quoted as they have to be.
void write_graph(std::ostream& out, const Network& network, const std::function<std::string(NodeIndex)>& label = {});

}  // namespace ph::scheduler::flow
