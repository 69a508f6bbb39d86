#include "scheduler/flow/policy.h"

namespace ph::scheduler::flow {

std::unique_ptr<Policy> make_policy(const FlowPlacementArgs& args) {
  switch (args.policy) {
    case FlowPolicy::Scores: return make_scores();
    case FlowPolicy::LoadSpreading: return make_load_spreading();
    case FlowPolicy::Packing: return make_packing();
    case FlowPolicy::Locality: return make_locality(args.rack_label);
  }
  return make_scores();
}

}  // namespace ph::scheduler::flow
