#include "scheduler/flow/placement_network.h"

#include <algorithm>

#include "scheduler/flow/policy.h"

namespace ph::scheduler::flow {
namespace {

// How many more pods the next arc of a machine stands for: the first ones singly, so that a few pods are spread to the pod, and later
// ones in ever larger steps, so that a machine has few arcs.
Amount width_of(std::size_t tier) { return Amount{1} << std::min<std::size_t>(tier < 8 ? 0 : (tier - 4) / 4, 20); }

}  // namespace

PlacementNetwork::PlacementNetwork()
    : sink_(network_.add_sink()),
      unscheduled_(network_.add_node()),
      stay_(network_.add_arc(unscheduled_, sink_, kMaxAmount, 0)) {}

// -- Arcs

void PlacementNetwork::set_arc(ArcIndex arc, Amount capacity, Cost cost) {
  if (network_.capacity(arc) != capacity) network_.set_capacity(arc, capacity);
  if (network_.cost(arc) != cost) network_.set_cost(arc, cost);
}

void PlacementNetwork::close(ArcIndex arc) {
  if (arc != kNone && network_.capacity(arc) != 0) network_.set_capacity(arc, 0);
}

// Every arc that carries something is opened again by who offers it. Only what the last offers opened can carry anything.
void PlacementNetwork::clear_flow() {
  const auto clear = [this](ArcIndex arc) {
    if (arc != kNone && network_.flow(arc) > 0) network_.set_capacity(arc, 0);
  };
  for (auto& [key, of] : classes_) {
    if (of.offered != offered_) continue;
    network_.set_supply(of.node, 0);
    clear(of.unscheduled);
    for (const std::size_t slot : of.open) clear(of.by_slot[slot]);
    for (const auto& [name, domain] : of.domains) clear(domain.in);
    // Gangs come and go with their jobs.
    for (const auto& [gang, part] : of.parts) network_.remove_node(part.node);
    of.parts.clear();
  }
  for (const std::size_t slot : open_) {
    for (const ArcIndex arc : machines_[slot].tiers) clear(arc);
    machines_[slot].room = 0;
  }
  network_.set_capacity(stay_, 0);
  network_.set_capacity(stay_, kMaxAmount);
}

// -- Nodes that come and go

void PlacementNetwork::drop_machine(std::size_t slot) {
  Machine& machine = machines_[slot];
  if (machine.node == kNone) return;
  network_.remove_node(machine.node);
  machine = {};
  for (auto& [key, of] : classes_) {
    if (slot < of.by_slot.size()) of.by_slot[slot] = kNone;
  }
}

void PlacementNetwork::follow_nodes(const Snapshot& snapshot) {
  const auto slots = snapshot.slots();
  if (machines_.size() < slots.size()) machines_.resize(slots.size());
  for (std::size_t slot = 0; slot < machines_.size(); ++slot) {
    const NodeInfo* there = slot < slots.size() ? slots[slot] : nullptr;
    Machine& machine = machines_[slot];
    if (machine.node != kNone && (!there || there->name() != machine.name)) drop_machine(slot);
    if (there && machine.node == kNone) {
      machine.node = network_.add_node();
      machine.name = there->name();
    }
  }
}

void PlacementNetwork::drop_class(Class& of) {
  for (const auto& [name, domain] : of.domains) network_.remove_node(domain.node);
  for (const auto& [gang, part] : of.parts) network_.remove_node(part.node);
  network_.remove_node(of.node);
}

void PlacementNetwork::drop_old_classes(std::size_t coming) {
  while (classes_.size() + coming > kClassesMost && !classes_.empty()) {
    // Of those that were offered last at the same time any may go, but the same in each run.
    const auto oldest = std::ranges::min_element(
        classes_, {}, [](const auto& entry) { return std::pair(entry.second.offered, std::string_view(entry.first)); });
    drop_class(oldest->second);
    classes_.erase(oldest);
  }
}

// -- Offers

void PlacementNetwork::set(const std::vector<Offer>& offers, const Snapshot& snapshot) {
  clear_flow();
  ++offered_;
  follow_nodes(snapshot);
  std::size_t coming = 0;
  for (const Offer& offer : offers) {
    const auto known = classes_.find(offer.key);
    if (known == classes_.end()) {
      ++coming;
    } else {
      known->second.offered = offered_;
    }
  }
  drop_old_classes(coming);
  // Of a class that was offered the last time, and is not now, what it knows of prices stays, with its node.
  for (auto& [key, of] : classes_) {
    if (of.offered + 1 != offered_) continue;
    close(of.unscheduled);
    for (const auto& [name, domain] : of.domains) close(domain.in);
    for (const std::size_t slot : of.open) {
      if (of.by_slot[slot] != kNone) network_.remove_arc(of.by_slot[slot]);
      of.by_slot[slot] = kNone;
    }
    of.open.clear();
  }
  Cost step = 0;
  Amount pods = 0;
  for (const Offer& offer : offers) {
    set_class(classes_[std::string(offer.key)], offer);
    step = std::max(step, offer.step);
    pods += offer.pods;
  }
  // Machines that nobody is offered any more, and those that somebody is.
  std::vector<std::size_t> open;
  for (const Offer& offer : offers) {
    for (const Place& place : offer.places) open.push_back(place.slot);
  }
  std::ranges::sort(open);
  const auto repeated = std::ranges::unique(open);
  open.erase(repeated.begin(), repeated.end());
  for (const std::size_t slot : open_) {
    if (machines_[slot].room == 0) set_machine(machines_[slot], step, 0);
  }
  for (const std::size_t slot : open) set_machine(machines_[slot], step, std::min(machines_[slot].room, pods));
  open_ = std::move(open);
}

void PlacementNetwork::set_class(Class& of, const Offer& offer) {
  if (of.node == kNone) {
    of.node = network_.add_node();
    of.unscheduled = network_.add_arc(of.node, unscheduled_, 0, offer.unscheduled);
  }
  of.offered = offered_;
  set_parts(of, offer);
  of.by_slot.resize(std::max(of.by_slot.size(), machines_.size()), kNone);
  of.domain_of.resize(of.by_slot.size());
  for (const auto& [name, room] : offer.domains) {
    Class::Domain& domain = of.domains[name];
    if (domain.node == kNone) {
      domain.node = network_.add_node();
      domain.in = network_.add_arc(of.node, domain.node, 0, 0);
    }
    set_arc(domain.in, std::min(room, offer.pods), 0);
  }
  for (const auto& [name, domain] : of.domains) {
    if (!offer.domains.contains(name)) close(domain.in);
  }
  std::vector<bool> offered(of.by_slot.size());
  for (const Place& place : offer.places) {
    offered[place.slot] = true;
    set_place(of, offer, place);
  }
  // What is offered no more goes, so that the network is no larger than what is offered in it.
  for (const std::size_t slot : of.open) {
    ArcIndex& arc = of.by_slot[slot];
    if (offered[slot] || arc == kNone) continue;
    network_.remove_arc(arc);
    arc = kNone;
  }
  of.open.clear();
  for (const Place& place : offer.places) of.open.push_back(place.slot);
}

// The rest of the class is its own supply. Which pods of a class stay makes no difference to it: what goes by its arc to `unscheduled` are its
// own, and what a gang sends into it are places for the gang.
void PlacementNetwork::set_parts(Class& of, const Offer& offer) {
  Amount own = offer.pods;
  for (const Part& part : offer.parts) {
    Class::Part& to = of.parts[std::string(part.gang)];
    to.pods = part.pods;
    to.node = network_.add_node(part.pods);
    to.in = network_.add_arc(to.node, of.node, part.pods, 0);
    to.unscheduled = network_.add_arc(to.node, unscheduled_, part.pods, part.unscheduled);
    own -= part.pods;
  }
  network_.set_supply(of.node, own);
  set_arc(of.unscheduled, own, offer.unscheduled);
}

void PlacementNetwork::set_place(Class& of, const Offer& offer, const Place& place) {
  Machine& machine = machines_[place.slot];
  ArcIndex& arc = of.by_slot[place.slot];
  const auto domain = of.domains.find(place.domain);
  const std::string_view from = place.domain.empty() ? std::string_view() : std::string_view(domain->first);
  if (arc != kNone && of.domain_of[place.slot] != from) {
    network_.remove_arc(arc);
    arc = kNone;
  }
  const Amount room = std::min(place.room, offer.pods);
  if (arc == kNone) {
    arc = network_.add_arc(from.empty() ? of.node : domain->second.node, machine.node, room, place.price);
    of.domain_of[place.slot] = from;
  } else {
    set_arc(arc, room, place.price);
  }
  machine.room = std::max(machine.room, place.room);
}

void PlacementNetwork::set_machine(Machine& machine, Cost step, Amount room) {
  std::size_t tier = 0;
  for (Amount before = 0; before < room; ++tier) {
    const Amount width = step == 0 ? room : std::min(width_of(tier), room - before);
    const Cost cost = std::min(before * step, kPriceMost - 1);
    if (tier == machine.tiers.size()) {
      machine.tiers.push_back(network_.add_arc(machine.node, sink_, width, cost));
    } else {
      set_arc(machine.tiers[tier], width, cost);
    }
    before += width;
  }
  for (; tier < machine.tiers.size(); ++tier) close(machine.tiers[tier]);
}

// -- Answers

Outcome PlacementNetwork::solve(Solver& solver, const Limits& limits) { return solver.solve(network_, limits); }

void PlacementNetwork::admit(std::string_view gang, bool admitted) {
  for (auto& [key, of] : classes_) {
    if (const auto part = of.parts.find(gang); part != of.parts.end()) {
      network_.set_supply(part->second.node, admitted ? part->second.pods : 0);
    }
  }
}

Amount PlacementNetwork::routed(std::string_view gang) const {
  Amount out = 0;
  for (const auto& [key, of] : classes_) {
    if (const auto part = of.parts.find(gang); part != of.parts.end()) out += network_.flow(part->second.in);
  }
  return out;
}

Amount PlacementNetwork::routed(std::string_view key, std::string_view gang) const {
  const auto of = classes_.find(key);
  if (of == classes_.end()) return 0;
  const auto part = of->second.parts.find(gang);
  return part == of->second.parts.end() ? 0 : network_.flow(part->second.in);
}

std::vector<std::size_t> PlacementNetwork::flow_of(std::string_view key) const {
  std::vector<std::size_t> out;
  const auto of = classes_.find(key);
  if (of == classes_.end()) return out;
  for (const std::size_t slot : of->second.open) {
    const ArcIndex arc = of->second.by_slot[slot];
    if (arc != kNone) out.insert(out.end(), static_cast<std::size_t>(network_.flow(arc)), slot);
  }
  return out;
}

PlacementNetwork::Size PlacementNetwork::size() const { return {network_.node_count(), network_.arc_count(), network_.bytes()}; }

std::vector<std::string> PlacementNetwork::names(const std::map<std::string, std::string, std::less<>>& titles) const {
  std::vector<std::string> out(static_cast<std::size_t>(network_.node_slots()));
  const auto name = [&](NodeIndex node, std::string text) { out[static_cast<std::size_t>(node)] = std::move(text); };
  name(sink_, "sink");
  name(unscheduled_, "unscheduled");
  for (const Machine& machine : machines_) {
    if (machine.node != kNone) name(machine.node, machine.name);
  }
  // Keys are bytes; a number tells them apart.
  std::map<std::string_view, const Class*> sorted;
  for (const auto& [key, of] : classes_) sorted.emplace(key, &of);
  std::size_t number = 0;
  for (const auto& [key, of] : sorted) {
    const auto title = titles.find(key);
    const std::string label = title == titles.end() ? "class " + std::to_string(++number) : title->second;
    name(of->node, label);
    for (const auto& [domain, nodes] : of->domains) name(nodes.node, label + " in " + domain);
    for (const auto& [gang, part] : of->parts) name(part.node, label + " of " + gang);
  }
  return out;
}

}  // namespace ph::scheduler::flow
