// Planner: from pods that wait to the nodes that they should go to, by a flow network. One for each profile that places by flow.
//
//   group ──► plan ──► (each proposal is put to the filters, and assumed) ──► plan ──► …
//
// Pods that the profile cannot tell apart are a group. A plan is good for the moment it is made in: pods of one batch change what
// the filters say of each other, so whoever carries it out asks them again before each placement, and plans again for those that were refused.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scheduler/cluster/changes.h"
#include "scheduler/flow/gang.h"
#include "scheduler/flow/placement_network.h"
#include "scheduler/flow/policy.h"
#include "scheduler/queue/scheduling_queue.h"

namespace ph::scheduler::flow {

// Pods of a batch that are alike, in the queue's order.
struct Group {
  std::string key;
  bool kept = false;              // what the plugins say of them may be kept
  std::vector<QueuedRef> pods;    // that have no node yet; all in flight whenever the planner is asked
  std::deque<std::string> nodes;  // proposed by the last plan, not more than there are pods
  // How many of these are for pods of a gang, by gang; the others are for those in none.
  std::map<std::string, std::size_t, std::less<>> of_gangs = {};
};

// What the planner goes by. All outlives the call.
struct Present {
  const Snapshot& snapshot;  // up to date
  const Changes& changes;
  const Nominator& nominated;
};

class Planner {
 public:
  Planner(const Profile& profile, std::unique_ptr<Solver> solver);

  // Takes out of `pods` those that a network can place, group by group, in the order in which they are to be placed: at most
  // PlacementNetwork::kClassesMost groups, those with pods of the gangs and the largest. Left are those that room is kept for somewhere,
  // unless they go with a gang, and those that are one of a kind where there are too many kinds. Throws what a plugin throws; `pods` is
  // then as it was.
  std::vector<Group> group(std::vector<QueuedRef>& pods, const Gangs& gangs) const;

  // Proposes nodes for the pods of the groups. Groups that no node takes, that name their nodes, or for which a plugin failed, get none: the
  // default way says why. `limits` end the solve; what was found by then is proposed. Gangs get all that they miss or, mostly, nothing: where
  // the solve was ended there may be places for a part of one.
  Outcome plan(std::vector<Group>& groups, const Gangs& gangs, const Present& present, const Limits& limits);

  const PlacementNetwork& network() const { return network_; }

 private:
  static constexpr std::size_t kKeptMost = 256;  // groups whose results are kept

  // Null: nothing may be kept.
  ClassResults* results_of(const Group& group);
  bool offer(const Group& group, const Present& present, Amount pods, Offer& out);
  std::vector<const NodeInfo*> nodes_for(const Group& group, ClassResults* kept, CycleState& state, const Present& present);
  Outcome solve(const Gangs& gangs, const Limits& limits);
  std::vector<std::string_view> short_of_places(const Gangs& gangs, const std::set<std::string_view>& withdrawn) const;
  void take_flow(Group& group, const Offer& offer, const Present& present) const;

  const Profile& profile_;
  const std::unique_ptr<Policy> policy_;
  const std::unique_ptr<Solver> solver_;
  PlacementNetwork network_;
  struct Kept {
    std::string key;
    ClassResults results;
  };
  std::list<Kept> kept_;  // the last used first
  std::unordered_map<std::string_view, std::list<Kept>::iterator> kept_by_key_;
};

}  // namespace ph::scheduler::flow
