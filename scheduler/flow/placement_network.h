// PlacementNetwork: the flow network of a profile, kept from batch to batch. A unit of flow is a pod.
//
//   class ──────────────► machine ══► sink      so many pods of a class at this price; ══: several arcs, each dearer than the one before
//     ├──► domain ──────► machine               where pods of the class must not heap up in a zone or rack: at most so many there
//     └──► unscheduled ─────────────► sink      dearer than any place, and dearer for pods that matter more
//
//   gang ──► class                              pods of the class that go together with others: their supply can be withdrawn and admitted
//     └──► unscheduled                          again between two solves, which costs what it changes
//
// What is offered again as it was touches nothing; a node that fills, changes or goes touches its own arcs. Flow does not outlive a
// solve, because pods that are placed are no pods that wait; prices do, which is what the next solve begins with.
//
// Memory: 64 bytes an arc; classes that have not been offered lately go, so that there are at most kClassesMost. Belongs to one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/cluster/snapshot.h"
#include "scheduler/flow/network.h"
#include "scheduler/flow/solver.h"

namespace ph::scheduler::flow {

// A node for the pods of one class.
struct Place {
  std::size_t slot = 0;
  Cost price = 0;
  Amount room = 1;          // for so many of them
  std::string_view domain;  // of Offer::domains; empty: of none
};

// Those pods of a class that belong to a gang.
struct Part {
  std::string_view gang;
  Amount pods = 0;
  Cost unscheduled = 0;  // as Offer::unscheduled; a little more where one of several gangs is to be whole before the next
};

// The pods of one class, and where they may go.
struct Offer {
  std::string_view key;  // the same class, the same key
  Amount pods = 0;       // those of the parts included
  std::vector<Part> parts = {};
  Cost unscheduled = 0;  // the price of a pod that stays
  Cost step = 0;         // as Prices::step
  std::vector<Place> places;
  std::map<std::string, Amount, std::less<>> domains;  // for so many of them each
};

class PlacementNetwork {
 public:
  static constexpr std::size_t kClassesMost = 128;

  PlacementNetwork();

  // Makes the network that of these offers, at most kClassesMost of them, each of another class. The slots are those of `snapshot`.
  void set(const std::vector<Offer>& offers, const Snapshot& snapshot);
  Outcome solve(Solver& solver, const Limits& limits);
  // Takes the supply of a gang out of the network, in all classes, or puts it back; `set` admits all. The next solve goes on from there.
  void admit(std::string_view gang, bool admitted);
  // How many of its pods the flow has places for.
  Amount routed(std::string_view gang) const;
  Amount routed(std::string_view key, std::string_view gang) const;  // of one class
  // Where the pods of the class go: a slot for each pod, in no order that means anything, but the same from the same history.
  std::vector<std::size_t> flow_of(std::string_view key) const;

  struct Size {
    std::int64_t nodes = 0, arcs = 0;
    std::size_t bytes = 0;
  };
  Size size() const;
  const Network& network() const { return network_; }
  // For pictures: the names of nodes by their index. Classes by `titles`, from their keys; those that are not in it have numbers.
  std::vector<std::string> names(const std::map<std::string, std::string, std::less<>>& titles = {}) const;

 private:
  struct Machine {
    NodeIndex node = kNone;
    std::string name;
    std::vector<ArcIndex> tiers;  // to the sink, the cheapest first
    Amount room = 0;              // of the present offers
  };
  struct Class {
    NodeIndex node = kNone;
    ArcIndex unscheduled = kNone;
    std::vector<std::size_t> open;            // the slots of the last offer
    std::vector<ArcIndex> by_slot;            // to the machine
    std::vector<std::string_view> domain_of;  // … from which domain; keys of `domains`
    struct Domain {
      NodeIndex node = kNone;
      ArcIndex in = kNone;
    };
    std::map<std::string, Domain, std::less<>> domains;
    struct Part {
      NodeIndex node = kNone;
      ArcIndex in = kNone, unscheduled = kNone;
      Amount pods = 0;
    };
    std::map<std::string, Part, std::less<>> parts;  // by gang
    std::uint64_t offered = 0;
  };

  void clear_flow();
  void follow_nodes(const Snapshot& snapshot);
  void drop_machine(std::size_t slot);
  void drop_class(Class& of);
  void drop_old_classes(std::size_t coming);
  void set_class(Class& of, const Offer& offer);
  void set_parts(Class& of, const Offer& offer);
  void set_place(Class& of, const Offer& offer, const Place& place);
  void set_machine(Machine& machine, Cost step, Amount room);
  void set_arc(ArcIndex arc, Amount capacity, Cost cost);
  void close(ArcIndex arc);

  Network network_;
  NodeIndex sink_, unscheduled_;
  ArcIndex stay_;
  std::vector<Machine> machines_;  // by slot
  std::vector<std::size_t> open_;  // the slots of the last offers
  std::map<std::string, Class, std::less<>> classes_;
  std::uint64_t offered_ = 0;
};

}  // namespace ph::scheduler::flow
