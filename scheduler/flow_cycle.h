// What a profile that places by flow works with: flow_cycle.cc, and for gangs flow_gangs.cc.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/flow/planner.h"
#include "scheduler/scheduler.h"

namespace ph::scheduler {

struct Scheduler::Flow {
  Flow(const Profile& of, std::size_t in_lane, std::unique_ptr<flow::Solver> solver)
      : profile(of), args(of.spec().args.flow_placement), lane(in_lane), planner(of, std::move(solver)) {}

  // -- Gangs (flow_gangs.cc)
  // The gangs of a batch that have not enough placed pods. The batch grows by those of their pods that wait elsewhere in the queue; pods of
  // gangs that are not complete are turned away.
  flow::Gangs gather_gangs(Scheduler& scheduler, std::vector<QueuedRef>& batch);
  // Takes those that go with a gang out of `pods`, and turns them away. How many they were.
  std::size_t turn_away(Scheduler& scheduler, std::vector<QueuedRef>& pods, const flow::Gangs& gangs);
  // By the last plan, all pods that the gang misses, at once, or none. Those that are placed leave their groups. How many were.
  std::size_t place_gang(Scheduler& scheduler, std::vector<flow::Group>& groups, std::string_view key, const flow::Gang& gang);

  const Profile& profile;
  const FlowPlacementArgs& args;
  const std::size_t lane;
  flow::Planner planner;
  Event ready;  // a pod of the lane may be ready to be popped

 private:
  struct Chosen;
  void add_members(Scheduler& scheduler, std::vector<QueuedRef>& batch, flow::Gangs& gangs);
  void ask_back(Scheduler& scheduler, std::string_view gang, std::set<std::string>& expected);
  static void count_placed(Scheduler& scheduler, flow::Gangs& gangs);
  void turn_away(Scheduler& scheduler, const QueuedRef& pod, std::string_view gang, std::string message, bool room_would_help);
  void choose(Scheduler& scheduler, flow::Group& group, std::string_view key, std::vector<Chosen>& out);
  bool bind_all(Scheduler& scheduler, std::vector<Chosen>& chosen);

  // The UIDs of pods of gangs that were turned away, by gang. Some are gone meanwhile.
  std::map<std::string, std::set<std::string>, std::less<>> turned_away_;
  std::size_t sweep_at_ = 64;
};

}  // namespace ph::scheduler
