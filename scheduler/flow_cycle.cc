// The cycle of profiles with the plugin FlowPlacement: pods are taken by batches, and a flow network says which goes where.
//
// The pods of such a profile stand in a lane of its own, which the other cycle never looks at. A batch is planned in one turn; its pods
// are then placed one by one, each in a turn of its own, and each only where the profile's filters let it go at that moment, with
// all that was placed before it. What a plan could not know (pods of one batch that keep each other away, others that were quicker) is
// left to the next round. Pods that no round has placed go the way of all others, which says why there is no node, or makes room.
#include <algorithm>
#include <utility>

#include "scheduler/alarm.h"
#include "scheduler/flow_cycle.h"

namespace ph::scheduler {
namespace {

constexpr std::string_view kPlugin = "FlowPlacement";
constexpr std::size_t kRoundsMost = 32;
// How many of the nodes proposed for its kind a pod is tried on. Those that refuse it may take the next one, or one of the next round.
constexpr std::size_t kTriesMost = 8;

}  // namespace

bool Scheduler::places_by_flow(const ProfileSpec& spec) {
  return std::ranges::any_of(spec.points,
                             [](const auto& point) { return std::ranges::find(point.second, kPlugin) != point.second.end(); });
}

void Scheduler::add_flows() {
  for (const auto& [name, profile] : profiles_) {
    if (!places_by_flow(profile->spec())) continue;
    const std::size_t lane = 1 + profiles_.size() + flows_.size();
    auto solver = world_.flow_solvers ? world_.flow_solvers() : flow::make_race(flow::Turns::kOneAfterAnother);
    flows_.push_back(std::make_shared<Flow>(*profile, lane, std::move(solver)));
    queue_.hold(lane);
  }
}

std::optional<std::size_t> Scheduler::flow_lane(const Profile& profile) const {
  const auto flow = std::ranges::find(flows_, &profile, [](const auto& one) { return &one->profile; });
  return flow == flows_.end() ? std::nullopt : std::optional((*flow)->lane);
}

void Scheduler::wake_flows() {
  for (const auto& flow : flows_) flow->ready.set();
}

// -- Batches

Task<void> Scheduler::schedule_by_flow(Flow& flow) {
  for (;;) {
    queue_.flush();
    if (draining_ || !queue_.has_ready(flow.lane)) {
      // When a backoff ends the other cycle moves the pod, which wakes this one.
      flow.ready.reset();
      co_await flow.ready.wait();
      continue;
    }
    co_await gather(flow);
    if (std::vector<QueuedRef> batch = take_batch(flow); !batch.empty()) co_await place_batch(flow, std::move(batch));
    co_await yield();
  }
}

Task<void> Scheduler::gather(Flow& flow) {
  const Steady end = world_.clock.steady() + flow.args.batch_window;
  const auto enough = static_cast<std::size_t>(flow.args.max_batch);
  while (queue_.active(flow.lane) < enough && world_.clock.steady() < end) {
    flow.ready.reset();
    const Alarm alarm(world_.executor, end, flow.ready);
    co_await flow.ready.wait();
  }
}

std::vector<QueuedRef> Scheduler::take_batch(Flow& flow) {
  std::vector<QueuedRef> batch;
  const auto most = static_cast<std::size_t>(flow.args.max_batch);
  while (!draining_ && batch.size() < most) {
    QueuedRef pod = queue_.pop(flow.lane);
    if (!pod) break;
    if (pod->info->deleting) {
      skip(pod);
      continue;
    }
    pod->attempt_begun = metrics_.now();
    batch.push_back(std::move(pod));
  }
  return batch;
}

Task<void> Scheduler::place_batch(Flow& flow, std::vector<QueuedRef> batch) {
  const Counted counted(under_way_);
  flow::Gangs gangs = flow.gather_gangs(*this, batch);
  std::size_t pods = batch.size();
  std::vector<flow::Group> groups;
  try {
    groups = flow.planner.group(batch, gangs);
  } catch (const std::exception& error) {
    world_.log.error("a batch of pods could not be sorted", "err", error.what());
  }
  pods -= flow.turn_away(*this, batch, gangs);
  // Who can go to one place only goes before those that can go to many.
  co_await place_one_by_one(std::move(batch));

  std::size_t placed = 0, rounds = 0;
  Duration left = flow.args.solve_time_limit;
  while (rounds < kRoundsMost && left > Duration::zero()) {
    for (flow::Group& group : groups) {
      std::erase_if(group.pods, [](const QueuedRef& pod) { return pod->place != QueuedPod::Place::InFlight; });
    }
    std::erase_if(groups, [](const flow::Group& group) { return group.pods.empty(); });
    if (groups.empty()) break;
    ++rounds;
    cache_.update(snapshot_);
    const Steady begun = world_.clock.steady();
    const flow::Outcome outcome =
        flow.planner.plan(groups, gangs, {snapshot_, cache_.changes(), queue_.nominated()},
                          {.stop = [this, end = begun + left] { return world_.clock.steady() >= end; }});
    left -= world_.clock.steady() - begun;
    metrics_.flow_solved(flow.profile, outcome, flow.planner.network().size(), begun);
    const std::size_t now = co_await place_plan(flow, groups, gangs);
    placed += now;
    if (now == 0) break;
  }
  for (flow::Group& group : groups) pods -= flow.turn_away(*this, group.pods, gangs);
  metrics_.flow_batch(flow.profile, pods, placed, rounds);
  for (flow::Group& group : groups) co_await place_one_by_one(std::move(group.pods));
}

// Gangs first: each needs all of its places.
Task<std::size_t> Scheduler::place_plan(Flow& flow, std::vector<flow::Group>& groups, flow::Gangs& gangs) {
  std::size_t placed = 0;
  for (auto gang = gangs.begin(); gang != gangs.end();) {
    const std::size_t now = flow.place_gang(*this, groups, gang->first, gang->second);
    placed += now;
    // The pods that it has beyond those go like any others, from the next round on.
    gang = now > 0 ? gangs.erase(gang) : std::next(gang);
    if (now > 0) co_await yield();
  }
  for (flow::Group& group : groups) {
    std::size_t kept = 0;  // for gangs
    for (const auto& [gang, places] : group.of_gangs) kept += places;
    group.nodes.resize(group.nodes.size() - std::min(kept, group.nodes.size()));
    std::vector<QueuedRef> together;
    if (!gangs.empty()) {
      std::erase_if(group.pods, [&](const QueuedRef& pod) {
        const auto claim = flow::gang_of(*pod->info);
        const bool in_one = claim && gangs.contains(claim->key);
        if (in_one) together.push_back(pod);
        return in_one;
      });
    }
    placed += co_await place_group(group.pods, group.nodes);
    group.pods.insert(group.pods.end(), together.begin(), together.end());
  }
  co_return placed;
}

// -- Pods

// Leaves in `pods` those that were not placed. How many were.
Task<std::size_t> Scheduler::place_group(std::vector<QueuedRef>& pods, std::deque<std::string>& nodes) {
  std::size_t placed = 0;
  std::vector<QueuedRef> stay;
  for (QueuedRef& pod : std::exchange(pods, {})) {
    if (pod->place != QueuedPod::Place::InFlight) continue;  // it went, or somebody else has bound it
    if (pod->info->deleting) {
      skip(pod);
    } else if (nodes.empty() || !place_on_one_of(pod, nodes)) {
      stay.push_back(std::move(pod));
    } else {
      ++placed;
      co_await yield();
    }
  }
  pods = std::move(stay);
  co_return placed;
}

// The first of the nodes that takes it, by what is placed now; taken out of them. Null: they refuse it. Throws what a plugin throws.
const NodeInfo* Scheduler::choose_of(const QueuedRef& queued, CycleState& state, std::deque<std::string>& nodes,
                                     std::size_t tries) {
  const Profile& profile = *queued->profile;
  const PendingPod pod = queued->pod;
  if (metrics_.measures_next_attempt()) state.measure_plugins();
  cache_.update(snapshot_);
  const auto narrowed = profile.pre_filter(state, *pod, snapshot_.nodes());
  if (!narrowed.verdict.success()) return nullptr;
  tries = std::min(nodes.size(), tries);
  for (std::size_t i = 0; i < tries; ++i) {
    const NodeInfo* node = snapshot_.find(nodes[i]);
    if (!node || (narrowed.nodes && !narrowed.nodes->contains(node->name()))) continue;
    if (!filter(profile, state, *pod, *node).success()) continue;
    nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(i));
    return node;
  }
  return nullptr;
}

// False: they refuse it. One that failed is with the queue again, and is no longer looked at.
bool Scheduler::place_on_one_of(const QueuedRef& queued, std::deque<std::string>& nodes) {
  try {
    CycleState state(queued->info);
    const NodeInfo* node = choose_of(queued, state, nodes, kTriesMost);
    if (!node) return false;
    ++stats_.attempts;
    ++stats_.by_flow;
    metrics_.chosen(queued->attempt_begun);
    assume_and_bind(queued, std::move(state), *node);
    return true;
  } catch (const std::exception& error) {
    auto diagnosis = std::make_shared<Diagnosis>();
    diagnosis->at = world_.clock.now();
    fail(queued, Verdict::error(error.what()), std::move(diagnosis), {});
    return true;
  }
}

Task<void> Scheduler::place_one_by_one(std::vector<QueuedRef> pods) {
  for (const QueuedRef& pod : pods) {
    if (pod->place != QueuedPod::Place::InFlight) continue;
    if (pod->info->deleting) {
      skip(pod);
    } else {
      co_await schedule_one(pod);
    }
    co_await yield();
  }
}

}  // namespace ph::scheduler
