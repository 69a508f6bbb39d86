#include "scheduler/flow/planner.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

#include "api/codec.h"
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

}  // namespace

Planner::Planner(const Profile& profile, std::unique_ptr<Solver> solver)
    : profile_(profile), policy_(make_policy(profile.spec().args.flow_placement)), solver_(std::move(solver)) {}

std::vector<Group> Planner::group(std::vector<QueuedRef>& pods) const {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> numbers;
  std::vector<QueuedRef> left;
  for (const QueuedRef& pod : pods) {
    if (!pod->pod->status().nominated_node_name().empty()) {
      left.push_back(pod);
      continue;
    }
    bool kept = false;
    std::string key = key_of(profile_, *pod, kept);
    const auto [known, added] = numbers.emplace(std::move(key), groups.size());
    if (added) groups.push_back({known->first, kept, {}, {}});
    groups[known->second].pods.push_back(pod);
  }
  if (groups.size() > PlacementNetwork::kClassesMost) {
    std::ranges::sort(groups, {}, [](const Group& group) {
      return std::pair(-static_cast<std::int64_t>(group.pods.size()), std::string_view(group.key));
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

Outcome Planner::plan(std::vector<Group>& groups, const Present& present, const Limits& limits) {
  Amount pods = 0;
  std::set<std::int32_t> priorities;
  for (Group& group : groups) {
    group.nodes.clear();
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
    offers.push_back(std::move(offer));
    offered.push_back(&group);
  }
  if (offers.empty()) return {};
  network_.set(offers, present.snapshot);
  const Outcome outcome = network_.solve(*solver_, limits);
  for (std::size_t i = 0; i < offers.size(); ++i) take_flow(*offered[i], offers[i], present);
  return outcome;
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
}

}  // namespace ph::scheduler::flow
