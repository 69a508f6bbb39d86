// How every solve begins and ends.
#pragma once

#include <vector>

#include "scheduler/flow/network.h"
#include "scheduler/flow/solver.h"

namespace ph::scheduler::flow {

// Takes what changed since the last solve to where a solver can go on from: new nodes get prices that fit their neighbours'; arcs whose
// reduced cost is wrong for the flow they have get the flow that is right for it; and flow that ended where a pod was taken away is
// taken back on its way to the sink, as far as that costs nothing (Firmament's "efficient task removal"). Afterwards prices are exact, and
// what is left to do is to carry `out`, the nodes with a positive excess, in ascending order, to those with a negative one.
class Start {
 public:
  void prepare(Network& network, std::vector<NodeIndex>& out);

 private:
  void see(Network& network, NodeIndex node);
  void price_new(Network& network, NodeIndex node) const;
  void saturate(Network& network, ArcIndex arc);
  void take_back(Network& network, NodeIndex node);

  std::vector<NodeIndex> seen_;     // whose excess may not be zero
  std::vector<std::uint8_t> mark_;  // is in seen_; by node
  std::vector<ArcIndex> way_;
};

// Makes an interrupted solve's flow feasible: what no demand was reached for goes back to where it came from. Then counts it.
Amount settle(Network& network);

// Whether every supply can be routed, by a maximal flow from nothing; for a solver that has reason to doubt it. Some memory, and time like a
// solve's without prices.
bool routable(const Network& network);

// settle, and tells the network and the caller. `found` is one of kStopped and kInfeasible.
Outcome gave_up(Network& network, Found found, std::int64_t iterations, std::string_view solver);

}  // namespace ph::scheduler::flow
