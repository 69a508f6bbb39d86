// Packing: what a node has left of CPU and memory with the pod is what it costs, so that full nodes become fuller and whole ones stay
// free. Of equal nodes those that come first in the cluster's order are cheaper: a batch fills one after the other.
#include <algorithm>

#include "scheduler/flow/policy.h"

namespace ph::scheduler::flow {
namespace {

class Packing final : public Policy {
 public:
  Prices prices(const Wanted& wanted) const override {
    Prices out;
    out.of_nodes.reserve(wanted.nodes.size());
    const Resource& asked = wanted.state.pod().requests;
    for (const NodeInfo* node : wanted.nodes) {
      const Cost left = (part_left(node->allocatable().milli_cpu, node->requested().milli_cpu, asked.milli_cpu) +
                         part_left(node->allocatable().memory, node->requested().memory, asked.memory)) /
                        2;
      const Cost place = std::min(static_cast<Cost>(out.of_nodes.size()), kPlaces - 1);
      out.of_nodes.push_back(std::min(left * kPlaces + place, kPriceMost));
    }
    return out;
  }

 private:
  static constexpr Cost kWhole = 1000, kPlaces = 16'384;
  static_assert(kWhole * kPlaces <= kPriceMost);

  // In thousandths of what there is.
  static Cost part_left(std::int64_t there, std::int64_t used, std::int64_t asked) {
    if (there <= 0) return 0;
    const double left = static_cast<double>(there) - static_cast<double>(used) - static_cast<double>(asked);
    return static_cast<Cost>(std::clamp(left / static_cast<double>(there), 0.0, 1.0) * static_cast<double>(kWhole));
  }
};

}  // namespace

std::unique_ptr<Policy> make_packing() { return std::make_unique<Packing>(); }

}  // namespace ph::scheduler::flow
