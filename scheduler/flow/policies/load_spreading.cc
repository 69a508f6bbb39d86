// LoadSpreading: a pod costs as much as there are pods on the node, and one more for each that the batch has put there.
#include <algorithm>

#include "scheduler/flow/policy.h"

namespace ph::scheduler::flow {
namespace {

class LoadSpreading final : public Policy {
 public:
  Prices prices(const Wanted& wanted) const override {
    Prices out{.step = kPod};
    out.of_nodes.reserve(wanted.nodes.size());
    for (const NodeInfo* node : wanted.nodes) {
      out.of_nodes.push_back(std::min(static_cast<Cost>(node->pods().size()) * kPod, kPriceMost));
    }
    return out;
  }

 private:
  static constexpr Cost kPod = 1024;
};

}  // namespace

std::unique_ptr<Policy> make_load_spreading() { return std::make_unique<LoadSpreading>(); }

}  // namespace ph::scheduler::flow
