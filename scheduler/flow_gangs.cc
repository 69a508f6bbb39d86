// Gangs in the cycle of flows: pods that are placed together or not at all (flow/gang.h).
//
// A gang is in a batch with all of its pods that wait, wherever in the queue they are, or it is not in it. What the flow proposes for it is put
// to the filters pod by pod, with those before counted as placed, and is taken only when there are enough; then all are reserved and
// permitted before the first is bound. All of that is one turn. From there on each is bound for itself: one that fails there comes back,
// and counts those of its gang that have a node.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scheduler/flow_cycle.h"

namespace ph::scheduler {
namespace {

constexpr std::string_view kPlugin = "FlowPlacement";
constexpr std::size_t kTriesMost = 8;  // as of pods that go alone
constexpr std::size_t kGrowthMost = 1000;

flow::Gangs::iterator find(flow::Gangs& gangs, const PodInfo& pod) {
  const auto claim = flow::gang_of(pod);
  return claim ? gangs.find(claim->key) : gangs.end();
}

bool is_of(const PodInfo& pod, std::string_view gang) {
  const auto claim = flow::gang_of(pod);
  return claim && claim->key == gang;
}

void count(const QueuedRef& pod, flow::Gangs& gangs) {
  const auto claim = flow::gang_of(*pod->info);
  if (!claim || claim->least == 0) return;
  flow::Gang& gang = gangs.try_emplace(claim->key, flow::Gang{.rank = gangs.size()}).first->second;
  gang.least = std::max(gang.least, claim->least);
  ++gang.here;
}

}  // namespace

// A pod that was given a node of the plan, and counts as placed.
struct Scheduler::Flow::Chosen {
  flow::Group* group;
  QueuedRef pod;
  CycleState state;
  PodRef placed;
};

// -- Who is there

flow::Gangs Scheduler::Flow::gather_gangs(Scheduler& scheduler, std::vector<QueuedRef>& batch) {
  flow::Gangs gangs;
  std::erase_if(batch, [&](const QueuedRef& pod) {
    const auto claim = flow::gang_of(*pod->info);
    if (!claim || claim->least > 0) return false;
    turn_away(scheduler, pod, claim->key, fmt::format("label {} is not a whole number above zero", flow::kGangLeastLabel), false);
    return true;
  });
  for (const QueuedRef& pod : batch) count(pod, gangs);
  if (gangs.empty()) return gangs;
  add_members(scheduler, batch, gangs);
  count_placed(scheduler, gangs);
  // Who has enough already goes like any other pod.
  std::erase_if(gangs, [](const auto& entry) { return entry.second.missing() <= 0; });
  std::erase_if(batch, [&](const QueuedRef& pod) {
    const auto gang = find(gangs, *pod->info);
    if (gang == gangs.end() || gang->second.complete()) return false;
    turn_away(scheduler, pod, gang->first,
              fmt::format("pod group {}: {} of {} pods are there", gang->first, gang->second.placed + gang->second.here,
                          gang->second.least),
              false);
    return true;
  });
  std::erase_if(gangs, [](const auto& entry) { return !entry.second.complete(); });
  return gangs;
}

// Those that were turned away before are asked back, and those behind the end of the batch are taken into it; gangs that come in with these
// likewise.
void Scheduler::Flow::add_members(Scheduler& scheduler, std::vector<QueuedRef>& batch, flow::Gangs& gangs) {
  std::set<std::string> expected;
  const auto wants_more = [&] {
    for (const auto& [key, gang] : gangs) ask_back(scheduler, key, expected);
    return !expected.empty() || std::ranges::any_of(gangs, [](const auto& entry) { return !entry.second.complete(); });
  };
  // The rest of a gang that is farther behind comes with a later batch, and asks for those that are here.
  const std::size_t most = kGrowthMost + 4 * static_cast<std::size_t>(args.max_batch);
  while (wants_more() && batch.size() < most && scheduler.queue_.active(lane) > 0) {
    QueuedRef pod = scheduler.queue_.pop(lane);
    if (!pod) break;
    expected.erase(pod->uid());
    if (pod->info->deleting) {
      scheduler.skip(pod);
      continue;
    }
    pod->attempt_begun = scheduler.metrics_.now();
    count(pod, gangs);
    batch.push_back(std::move(pod));
  }
}

void Scheduler::Flow::ask_back(Scheduler& scheduler, std::string_view gang, std::set<std::string>& expected) {
  const auto known = turned_away_.find(gang);
  if (known == turned_away_.end()) return;
  const std::vector<std::string> uids(known->second.begin(), known->second.end());
  turned_away_.erase(known);
  scheduler.queue_.activate(uids);
  for (const std::string& uid : uids) {
    const QueuedPod* pod = scheduler.queue_.find(uid);
    if (pod && pod->place == QueuedPod::Place::Active && pod->lane == lane) expected.insert(uid);
  }
}

void Scheduler::Flow::count_placed(Scheduler& scheduler, flow::Gangs& gangs) {
  scheduler.cache_.update(scheduler.snapshot_);
  for (const NodeInfo* node : scheduler.snapshot_.nodes()) {
    for (const PodRef& pod : node->pods()) {
      if (const auto gang = find(gangs, *pod); gang != gangs.end() && !pod->finished && !pod->deleting) ++gang->second.placed;
    }
  }
}

// -- Who has to wait

void Scheduler::Flow::turn_away(Scheduler& scheduler, const QueuedRef& pod, std::string_view gang, std::string message,
                                bool room_would_help) {
  auto diagnosis = std::make_shared<Diagnosis>();
  diagnosis->at = scheduler.world_.clock.now();
  diagnosis->nodes_total = scheduler.snapshot_.nodes().size();
  diagnosis->rejectors.insert(kPlugin);
  if (room_would_help) {
    // What the flow lacks could be anything that filters ask for.
    if (const auto filters = profile.spec().points.find(Point::Filter); filters != profile.spec().points.end()) {
      for (const std::string& name : filters->second) {
        if (const Plugin* plugin = profile.plugin(name)) diagnosis->rejectors.insert(plugin->name());
      }
    }
  }
  ++scheduler.stats_.attempts;
  if (turned_away_.size() >= sweep_at_) {
    std::erase_if(turned_away_, [&](const auto& entry) {
      return std::ranges::none_of(entry.second, [&](const std::string& uid) { return scheduler.queue_.find(uid) != nullptr; });
    });
    sweep_at_ = std::max<std::size_t>(64, 2 * turned_away_.size());
  }
  turned_away_[std::string(gang)].insert(pod->uid());
  scheduler.fail(pod, Verdict::owning(Code::Unschedulable, std::move(message)), std::move(diagnosis), {});
}

std::size_t Scheduler::Flow::turn_away(Scheduler& scheduler, std::vector<QueuedRef>& pods, const flow::Gangs& gangs) {
  return std::erase_if(pods, [&](const QueuedRef& pod) {
    if (pod->place != QueuedPod::Place::InFlight) return false;
    const auto claim = flow::gang_of(*pod->info);
    const auto gang = claim ? gangs.find(claim->key) : gangs.end();
    if (gang == gangs.end()) return false;
    if (pod->info->deleting) {
      scheduler.skip(pod);
    } else {
      turn_away(scheduler, pod, gang->first,
                fmt::format("pod group {}: no room was found for all of the {} pods that have to be placed together", gang->first,
                            gang->second.missing()),
                true);
    }
    return true;
  });
}

// -- Placing

std::size_t Scheduler::Flow::place_gang(Scheduler& scheduler, std::vector<flow::Group>& groups, std::string_view key,
                                        const flow::Gang& gang) {
  std::vector<Chosen> chosen;
  std::size_t proposed = 0;
  for (const flow::Group& group : groups) {
    const auto places = group.of_gangs.find(key);
    proposed += places == group.of_gangs.end() ? 0 : places->second;
  }
  const auto missing = static_cast<std::size_t>(gang.missing());
  if (proposed < missing) return 0;
  for (flow::Group& group : groups) choose(scheduler, group, key, chosen);
  if (chosen.size() < missing) {
    for (const Chosen& one : chosen) scheduler.cache_.forget(one.placed->uid);
    for (const Chosen& one : chosen) {
      one.group->nodes.emplace_back(one.placed->node_name.view());
      ++one.group->of_gangs.find(key)->second;
    }
    return 0;
  }
  for (const Chosen& one : chosen) std::erase(one.group->pods, one.pod);
  return bind_all(scheduler, chosen) ? chosen.size() : 0;
}

void Scheduler::Flow::choose(Scheduler& scheduler, flow::Group& group, std::string_view key, std::vector<Chosen>& out) {
  const auto places = group.of_gangs.find(key);
  if (places == group.of_gangs.end()) return;
  std::size_t left = places->second;
  for (const QueuedRef& pod : group.pods) {
    if (left == 0) break;
    if (pod->place != QueuedPod::Place::InFlight || pod->info->deleting || !is_of(*pod->info, key)) continue;
    CycleState state(pod->info);
    const NodeInfo* node = nullptr;
    try {
      node = scheduler.choose_of(pod, state, group.nodes, kTriesMost);
      // The network does not know how pods of several sizes fit on one node: any other will do.
      if (!node) {
        state = CycleState(pod->info);
        std::deque<std::string> all;
        for (const NodeInfo* each : scheduler.snapshot_.nodes()) all.push_back(each->name());
        node = scheduler.choose_of(pod, state, all, all.size());
      }
    } catch (const std::exception& error) {
      scheduler.world_.log.error("a pod of a group could not be filtered", "pod", pod->info->key(), "err", error.what());
    }
    if (!node) continue;
    PodRef placed = placed_on(*pod->info, node->name());
    if (!scheduler.cache_.assume(placed)) continue;
    --left;
    out.push_back({&group, pod, std::move(state), std::move(placed)});
  }
  places->second = left;
}

// False: a plugin refuses one of them at last, and all are with the queue again.
bool Scheduler::Flow::bind_all(Scheduler& scheduler, std::vector<Chosen>& chosen) {
  std::vector<Attempt> attempts;
  for (Chosen& one : chosen) {
    std::string node(one.placed->node_name.view());
    const std::string expected = scheduler.expected_on(*one.pod->info);
    scheduler.queue_.nominated().remove(one.pod->uid());
    if (expected != node) scheduler.nomination_ended(*one.pod->info, expected);
    attempts.push_back({one.pod, one.pod->pod, std::make_shared<CycleState>(std::move(one.state)), one.placed, std::move(node)});
  }
  Verdict verdict = Verdict::fits();
  for (std::size_t i = 0; i < attempts.size() && verdict.success(); ++i) {
    verdict = profile.reserve(*attempts[i].state, *attempts[i].message, attempts[i].node);
  }
  for (std::size_t i = 0; i < attempts.size() && verdict.success(); ++i) {
    verdict = profile.permit(*attempts[i].state, *attempts[i].message, attempts[i].node, scheduler.waiting_);
    if (verdict.waits()) verdict = Verdict::fits();
  }
  const std::string message = verdict.message();
  for (Attempt& attempt : attempts) {
    if (verdict.success()) {
      ++scheduler.stats_.attempts;
      ++scheduler.stats_.by_flow;
      scheduler.metrics_.chosen(attempt.pod->attempt_begun);
    } else if (scheduler.waiting_.waits(attempt.placed->uid)) {
      scheduler.waiting_.reject(attempt.placed->uid, verdict.plugin(), message);
    } else {
      scheduler.take_back(attempt, verdict);
      continue;
    }
    scheduler.tasks_.spawn(scheduler.bind(std::move(attempt)));
  }
  return verdict.success();
}

}  // namespace ph::scheduler
