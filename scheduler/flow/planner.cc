#include "scheduler/flow/planner.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

#include "api/codec.h"
#include "base/assert.h"
#include "scheduler/flow/graph_check.h"
#include "scheduler/flow/interactions.h"
#include "scheduler/framework/class_key.h"

namespace ph::scheduler::flow {
namespace {

// Of how many nodes at least the cheapest are offered to a group.
constexpr std::size_t kPlacesLeast = 64;
// How far above its share a node may be filled in one round. More would be many arcs for nothing: another round comes.
constexpr Amount kAboveShare = 8;
// By how much leaving a pod that matters more costs more than leaving another one.
constexpr Cost kUnscheduled = 2 * kPriceMost;
constexpr Cost kRanks = kMaxCost / kUnscheduled - 1;
constexpr std::size_t kGangRanks = 4096;
// After so many gangs in a row that found no room, the others wait for the next batch.
constexpr std::size_t kRefusedMost = 32;

// For plugins that do not say what they go by: all that a template gives its pods.
void add_template(const Pod& pod, const PodInfo& info, std::string& key) {
  add_text(key, info.namespace_name.view());
  add_number(key, static_cast<std::int64_t>(info.labels.size()));
  for (const auto& [name, value] : info.labels) {
    add_text(key, name.view());
    add_text(key, value.view());
  }
  add_number(key, static_cast<std::int64_t>(info.claims_hash));
  add_text(key, api::encode_json(pod.spec()));
}

std::string key_of(const Profile& profile, const QueuedPod& pod, bool& kept) {
  Profile::Class of = profile.class_of(*pod.pod, *pod.info);
  kept = of.undeclared == 0;
  if (!kept) add_template(*pod.pod, *pod.info, of.key);
  add_number(of.key, pod.info->priority);
  return std::move(of.key);
}

// The cheapest of the places. No more than there are pods are ever needed: a pod on another node could go to one of these that nobody of
// the batch is on.
void keep_cheapest(std::vector<Place>& places, std::size_t most) {
  if (places.size() <= most) return;
  const auto end = places.begin() + static_cast<std::ptrdiff_t>(most);
  std::ranges::nth_element(places, end, {}, [](const Place& place) { return std::pair(place.price, place.slot); });
  places.erase(end, places.end());
  std::ranges::sort(places, {}, &Place::slot);
}

Gangs::const_iterator gang_in(const Gangs& gangs, const PodInfo& pod) {
  if (gangs.empty()) return gangs.end();
  const auto claim = gang_of(pod);
  return claim ? gangs.find(claim->key) : gangs.end();
}

}  // namespace

Planner::Planner(const Profile& profile, std::unique_ptr<Solver> solver)
    : profile_(profile), policy_(make_policy(profile.spec().args.flow_placement)), solver_(std::move(solver)) {}

std::vector<Group> Planner::group(std::vector<QueuedRef>& pods, const Gangs& gangs) const {
  std::vector<Group> groups;
  std::set<std::string_view> together;  // keys of groups with pods of a gang
  std::map<std::string, std::size_t> numbers;
  std::vector<QueuedRef> left;
  for (const QueuedRef& pod : pods) {
    const bool goes_with_others = gang_in(gangs, *pod->info) != gangs.end();
    if (!goes_with_others && !pod->pod->status().nominated_node_name().empty()) {
      left.push_back(pod);
      continue;
    }
    bool kept = false;
    std::string key = key_of(profile_, *pod, kept);
    const auto [known, added] = numbers.emplace(std::move(key), groups.size());
    if (added) groups.push_back({known->first, kept, {}, {}});
    groups[known->second].pods.push_back(pod);
    if (goes_with_others) together.insert(known->first);
  }
  if (groups.size() > PlacementNetwork::kClassesMost) {
    std::ranges::sort(groups, {}, [&together](const Group& group) {
      return std::tuple(!together.contains(group.key), -static_cast<std::int64_t>(group.pods.size()),
                        std::string_view(group.key));
    });
    for (std::size_t i = PlacementNetwork::kClassesMost; i < groups.size(); ++i) {
      std::ranges::move(groups[i].pods, std::back_inserter(left));
    }
    groups.resize(PlacementNetwork::kClassesMost);
  }
  pods = std::move(left);
  // Pods that matter more come first, and of those that matter the same the larger ones: small ones fit into what they leave.
  std::ranges::sort(groups, {}, [](const Group& group) {
    const PodInfo& pod = *group.pods.front()->info;
    return std::tuple(-std::int64_t{pod.priority}, -pod.requests.milli_cpu, -pod.requests.memory, std::string_view(group.key));
  });
  return groups;
}

ClassResults* Planner::results_of(const Group& group) {
  if (!group.kept) return nullptr;
  if (const auto known = kept_by_key_.find(group.key); known != kept_by_key_.end()) {
    kept_.splice(kept_.begin(), kept_, known->second);
    return &kept_.front().results;
  }
  kept_.emplace_front();
  kept_.front().key = group.key;
  kept_by_key_.emplace(kept_.front().key, kept_.begin());
  if (kept_.size() > kKeptMost) {
    kept_by_key_.erase(kept_.back().key);
    kept_.pop_back();
  }
  return &kept_.front().results;
}

std::vector<const NodeInfo*> Planner::nodes_for(const Group& group, ClassResults* kept, CycleState& state,
                                                const Present& present) {
  const Pod& pod = *group.pods.front()->pod;
  if (kept) {
    kept->refresh(profile_, state, pod, present.snapshot, present.changes, present.nominated);
    const auto feasible = kept->feasible_nodes(present.snapshot);
    return {feasible.begin(), feasible.end()};
  }
  std::vector<const NodeInfo*> out;
  for (const NodeInfo* node : present.snapshot.nodes()) {
    const Verdict verdict = profile_.filter(state, pod, *node, present.nominated);
    if (verdict.failed()) throw std::runtime_error(verdict.message());
    if (verdict.success()) out.push_back(node);
  }
  return out;
}

bool Planner::offer(const Group& group, const Present& present, Amount pods, Offer& out) {
  const QueuedPod& first = *group.pods.front();
  CycleState state(first.info);
  const auto narrowed = profile_.pre_filter(state, *first.pod, present.snapshot.nodes());
  if (!narrowed.verdict.success() || narrowed.nodes) return false;
  ClassResults* kept = results_of(group);
  const std::vector<const NodeInfo*> nodes = nodes_for(group, kept, state, present);
  if (nodes.empty()) return false;

  const Wanted wanted{profile_, state, *first.pod, present.snapshot, nodes, kept};
  const Prices prices = policy_->prices(wanted);
  out.key = group.key;
  out.pods = static_cast<Amount>(group.pods.size());
  out.step = prices.step;
  const Interactions interactions = interactions_of(wanted, out.pods);
  // Where a pod more costs no more, a node is filled as far as it goes.
  const Amount share = prices.step == 0 ? kMaxAmount : kAboveShare + 4 * (pods / static_cast<Amount>(nodes.size()));
  const Amount most = std::min(interactions.node_most, share);
  out.places.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string_view domain = interactions.domain_of(*nodes[i]);
    out.places.push_back({nodes[i]->slot(), prices.of_nodes[i], std::min(most, room_for(*first.info, *nodes[i])), domain});
  }
  // Domains are filled as far as they may be: each needs its own cheapest.
  if (interactions.domains.empty()) {
    keep_cheapest(out.places, std::max(kPlacesLeast, static_cast<std::size_t>(2 * pods)));
  }
  out.domains = interactions.domains;
  return true;
}

namespace {

void offer_gangs(const Group& group, const Gangs& gangs, Offer& offer) {
  std::map<std::string_view, std::pair<Amount, std::size_t>> parts;
  for (const QueuedRef& pod : group.pods) {
    if (const auto gang = gang_in(gangs, *pod->info); gang != gangs.end()) {
      auto& [pods, rank] = parts[gang->first];
      ++pods;
      rank = gang->second.rank;
    }
  }
  // Of gangs that nothing else tells apart the first is whole before the next gets anything, and all of them before single pods.
  const auto dearer = [](std::size_t rank) { return static_cast<Cost>(kGangRanks - std::min(rank, kGangRanks - 1)); };
  for (const auto& [gang, part] : parts) offer.parts.push_back({gang, part.first, offer.unscheduled + dearer(part.second)});
}

}  // namespace

Outcome Planner::plan(std::vector<Group>& groups, const Gangs& gangs, const Present& present, const Limits& limits) {
  Amount pods = 0;
  std::set<std::int32_t> priorities;
  for (Group& group : groups) {
    group.nodes.clear();
    group.of_gangs.clear();
    pods += static_cast<Amount>(group.pods.size());
    if (!group.pods.empty()) priorities.insert(group.pods.front()->info->priority);
  }
  std::vector<Offer> offers;
  std::vector<Group*> offered;
  for (Group& group : groups) {
    if (group.pods.empty()) continue;
    Offer offer;
    try {
      if (!this->offer(group, present, pods, offer)) continue;
    } catch (const std::exception&) {
      continue;  // the default way meets the same plugin, and tells
    }
    const auto rank = std::distance(priorities.begin(), priorities.find(group.pods.front()->info->priority));
    offer.unscheduled = kUnscheduled * (1 + std::min<Cost>(rank, kRanks - 1));
    offer_gangs(group, gangs, offer);
    offers.push_back(std::move(offer));
    offered.push_back(&group);
  }
  if (offers.empty()) return {};
  network_.set(offers, present.snapshot);
#ifdef PH_CHECK_NETWORKS
  PH_ASSERT(graph_problem(network_.network()).empty());
#endif
  const Outcome outcome = solve(gangs, limits);
  for (std::size_t i = 0; i < offers.size(); ++i) take_flow(*offered[i], offers[i], present);
  return outcome;
}

// Of gangs that miss places nobody gets any: they are all taken out, and let in again one by one, as long as each finds room for itself and
// leaves all others theirs. Each of these solves is a small change of the one before.
Outcome Planner::solve(const Gangs& gangs, const Limits& limits) {
  Outcome out = network_.solve(*solver_, limits);
  std::vector<std::string_view> lacking = short_of_places(gangs, {});
  if (lacking.empty() || out.found != Found::kOptimal) return out;
  std::set<std::string_view> withdrawn(lacking.begin(), lacking.end());
  for (const std::string_view gang : lacking) network_.admit(gang, false);
  bool solved = false;
  std::size_t refused = 0;
  for (const std::string_view gang : lacking) {
    if (refused == kRefusedMost) break;
    withdrawn.erase(gang);
    network_.admit(gang, true);
    out = network_.solve(*solver_, limits);
    solved = true;
    if (out.found != Found::kOptimal) return out;
    if (short_of_places(gangs, withdrawn).empty()) {
      refused = 0;
      continue;
    }
    network_.admit(gang, false);
    withdrawn.insert(gang);
    solved = false;
    ++refused;
  }
  return solved ? out : network_.solve(*solver_, limits);
}

// In the order in which they go.
std::vector<std::string_view> Planner::short_of_places(const Gangs& gangs, const std::set<std::string_view>& withdrawn) const {
  std::vector<std::string_view> out;
  for (const auto& [key, gang] : gangs) {
    if (!withdrawn.contains(key) && network_.routed(key) < gang.missing()) out.push_back(key);
  }
  std::ranges::sort(out, {}, [&gangs](std::string_view key) { return gangs.find(key)->second.rank; });
  return out;
}

// Domains take turns: a pod in one may be what the next one in another waits for.
void Planner::take_flow(Group& group, const Offer& offer, const Present& present) const {
  std::map<std::size_t, std::string_view> domain_of;
  for (const Place& place : offer.places) domain_of.emplace(place.slot, place.domain);
  std::map<std::string_view, std::vector<std::size_t>> by_domain;
  for (const std::size_t slot : network_.flow_of(group.key)) by_domain[domain_of[slot]].push_back(slot);
  for (std::size_t turn = 0, taken = 1; taken > 0; ++turn) {
    taken = 0;
    for (const auto& [domain, slots] : by_domain) {
      if (turn >= slots.size()) continue;
      group.nodes.push_back(present.snapshot.slots()[slots[turn]]->name());
      ++taken;
    }
  }
  for (const Part& part : offer.parts) {
    if (const Amount routed = network_.routed(group.key, part.gang); routed > 0)
      group.of_gangs.emplace(part.gang, static_cast<std::size_t>(routed));
  }
}

}  // namespace ph::scheduler::flow
