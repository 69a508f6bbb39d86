// Policy: what a place costs. A file for each in policies/; a profile names one in the arguments of FlowPlacement.
//
//   Scores         what the profile's score plugins say, turned around
//   LoadSpreading  as many pods on each node
//   Packing        the fullest node that has room
//   Locality       near the images that the pod needs
//
// Policies only prefer: which nodes a pod may go to is the word of the profile's filters.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "scheduler/flow/network.h"
#include "scheduler/framework/profile.h"
#include "scheduler/kept/class_results.h"

namespace ph::scheduler::flow {

// Prices are within 0..kPriceMost.
inline constexpr Cost kPriceMost = Cost{1} << 24;

// Pods of one class, and the nodes that are let through for one of them.
struct Wanted {
  const Profile& profile;
  CycleState& state;  // of one of the pods, after pre-filter
  const Pod& pod;     // the same
  const Snapshot& snapshot;
  std::span<const NodeInfo* const> nodes;  // of the snapshot
  ClassResults* kept = nullptr;            // null: nothing is kept of the class
};

struct Prices {
  std::vector<Cost> of_nodes;  // in the order of Wanted::nodes
  // How much dearer a node is for each pod that the same batch has put there already.
  Cost step = 0;
};

// Belongs to the scheduler's executor.
class Policy {
 public:
  virtual ~Policy() = default;
  // Throws what a plugin throws.
  virtual Prices prices(const Wanted& wanted) const = 0;
};

std::unique_ptr<Policy> make_policy(const FlowPlacementArgs& args);

// -- policies/
std::unique_ptr<Policy> make_scores();
std::unique_ptr<Policy> make_load_spreading();
std::unique_ptr<Policy> make_packing();
std::unique_ptr<Policy> make_locality(std::string rack_label);

}  // namespace ph::scheduler::flow
