// The network of a profile: what it proposes, what it touches, and that a long-lived one says what a fresh one would.
#include "scheduler/flow/placement_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scheduler/flow/graph_check.h"
#include "tests/scheduler/flow/check.h"
#include "tests/scheduler/flow/problem.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::flow::test {
namespace {

using scheduler::test::Cluster, scheduler::test::make_node;
using testing::ElementsAre, testing::IsEmpty, testing::UnorderedElementsAre;

constexpr Cost kStay = 1'000'000;

struct Nodes {
  Cluster cluster;
  const Snapshot& take() { return cluster.take(); }
  Nodes& add(const std::string& name) { return cluster.node(make_node(name)), *this; }
  Nodes& remove(const std::string& name) { return cluster.cache.remove_node(name), *this; }
  std::size_t slot(const std::string& name) { return take().find(name)->slot(); }
  std::string name(std::size_t slot) { return take().slots()[slot]->name(); }
};

// To n1, n2, … at these prices.
Offer offer_of(Nodes& nodes, std::string_view key, Amount pods, const std::vector<Cost>& prices, Amount room = 10) {
  Offer out{.key = key, .pods = pods, .unscheduled = kStay};
  for (std::size_t i = 0; i < prices.size(); ++i) {
    out.places.push_back({.slot = nodes.slot(fmt::format("n{}", i + 1)), .price = prices[i], .room = room});
  }
  return out;
}

// Pods by the name of their node.
std::map<std::string, int> flow_of(Nodes& nodes, const PlacementNetwork& network, std::string_view key) {
  std::map<std::string, int> out;
  for (const std::size_t slot : network.flow_of(key)) ++out[nodes.name(slot)];
  return out;
}

Outcome solve(PlacementNetwork& network, const std::vector<Offer>& offers, Nodes& nodes) {
  network.set(offers, nodes.take());
  Outcome out = network.solve(*make_relaxation(), {});
  EXPECT_EQ(out.found, Found::kOptimal);
  EXPECT_EQ(graph_problem(network.network()), "");
  return out;
}

Nodes three() {
  Nodes out;
  out.add("n1").add("n2").add("n3");
  return out;
}

TEST(PlacementNetwork, TheCheapestNodesAreFilledAsFarAsThereIsRoom) {
  Nodes nodes = three();
  PlacementNetwork network;
  solve(network, {offer_of(nodes, "web", 5, {30, 10, 20}, 2)}, nodes);
  EXPECT_THAT(flow_of(nodes, network, "web"), ElementsAre(std::pair("n1", 1), std::pair("n2", 2), std::pair("n3", 2)));
  EXPECT_THAT(network.flow_of("db"), IsEmpty());
}

TEST(PlacementNetwork, WhatDoesNotFitStays) {
  Nodes nodes = three();
  PlacementNetwork network;
  const Outcome outcome = solve(network, {offer_of(nodes, "web", 8, {0, 0, 0}, 2)}, nodes);
  EXPECT_EQ(network.flow_of("web").size(), 6u);
  EXPECT_EQ(outcome.cost, 2 * kStay);
}

TEST(PlacementNetwork, AStepSpreadsAndNoneFills) {
  Nodes nodes = three();
  PlacementNetwork network;
  Offer offer = offer_of(nodes, "web", 6, {0, 1, 2});
  solve(network, {offer}, nodes);
  EXPECT_THAT(flow_of(nodes, network, "web"), ElementsAre(std::pair("n1", 6)));
  offer.step = 10;
  solve(network, {offer}, nodes);
  EXPECT_THAT(flow_of(nodes, network, "web"), ElementsAre(std::pair("n1", 2), std::pair("n2", 2), std::pair("n3", 2)));
}

// The room of a machine is that of the offer with the most: whether two sizes fit together is the filters' business. Each keeps to its own.
TEST(PlacementNetwork, ClassesKeepToTheirOwnRoom) {
  Nodes nodes = three();
  PlacementNetwork network;
  solve(network, {offer_of(nodes, "small", 9, {0, 0, 0}, 3), offer_of(nodes, "large", 6, {0, 0, 0}, 1)}, nodes);
  std::map<std::string, int> all = flow_of(nodes, network, "small");
  for (const auto& [name, pods] : flow_of(nodes, network, "large")) {
    EXPECT_LE(pods, 1);
    all[name] += pods;
  }
  for (const auto& [name, pods] : all) EXPECT_LE(pods, 3) << name;
}

TEST(PlacementNetwork, DearerToLeaveIsPlacedFirst) {
  Nodes nodes = three();
  PlacementNetwork network;
  Offer lesser = offer_of(nodes, "lesser", 3, {0}, 3), more = offer_of(nodes, "more", 2, {50}, 3);
  more.unscheduled = 2 * kStay;
  solve(network, {lesser, more}, nodes);
  EXPECT_EQ(network.flow_of("more").size(), 2u);
  EXPECT_EQ(network.flow_of("lesser").size(), 1u);
}

TEST(PlacementNetwork, NoMoreInADomainThanItTakes) {
  Nodes nodes = three();
  nodes.add("n4");
  PlacementNetwork network;
  Offer offer = offer_of(nodes, "db", 4, {0, 0, 5, 5});
  offer.domains = {{"a", 1}, {"b", 2}};
  for (std::size_t i = 0; i < 4; ++i) offer.places[i].domain = i < 2 ? "a" : "b";
  solve(network, {offer}, nodes);
  std::map<std::string, int> zones;
  for (const auto& [name, pods] : flow_of(nodes, network, "db")) zones[name < "n3" ? "a" : "b"] += pods;
  EXPECT_THAT(zones, ElementsAre(std::pair("a", 1), std::pair("b", 2)));
  // A node may change its domain, a domain its room, and a class may need none any more.
  offer.domains = {{"a", 3}, {"c", 1}};
  offer.places[2].domain = offer.places[3].domain = "c";
  solve(network, {offer}, nodes);
  zones.clear();
  for (const auto& [name, pods] : flow_of(nodes, network, "db")) zones[name < "n3" ? "a" : "c"] += pods;
  EXPECT_THAT(zones, ElementsAre(std::pair("a", 3), std::pair("c", 1)));
  solve(network, {offer_of(nodes, "db", 4, {1, 0, 1, 1})}, nodes);
  EXPECT_THAT(flow_of(nodes, network, "db"), ElementsAre(std::pair("n2", 4)));
}

// -- From batch to batch

TEST(PlacementNetwork, WhatIsOfferedAgainTouchesOnlyWhereItsPodsWere) {
  Nodes nodes;
  for (int i = 1; i <= 50; ++i) nodes.add(fmt::format("n{}", i));
  PlacementNetwork network;
  std::vector<Cost> prices;
  for (int i = 0; i < 50; ++i) prices.push_back(i);
  const Offer offer = offer_of(nodes, "web", 3, prices, 2);
  solve(network, {offer}, nodes);
  const PlacementNetwork::Size before = network.size();
  network.set({offer}, nodes.take());
  EXPECT_FALSE(network.network().all_changed());
  // Two machines were used: their arcs from the class and to the sink; the class's own to staying, and what all share.
  EXPECT_LE(network.network().changed_arcs().size(), 8u);
  network.solve(*make_relaxation(), {});
  EXPECT_EQ(network.size().arcs, before.arcs);
  EXPECT_EQ(network.size().nodes, before.nodes);
  EXPECT_THAT(flow_of(nodes, network, "web"), ElementsAre(std::pair("n1", 2), std::pair("n2", 1)));
}

TEST(PlacementNetwork, NodesComeAndGoWithTheCluster) {
  Nodes nodes = three();
  PlacementNetwork network;
  solve(network, {offer_of(nodes, "web", 2, {0, 5, 9}, 2)}, nodes);
  EXPECT_THAT(flow_of(nodes, network, "web"), ElementsAre(std::pair("n1", 2)));
  nodes.remove("n1");
  Offer offer{.key = "web", .pods = 3, .unscheduled = kStay};
  for (const char* name : {"n2", "n3"}) offer.places.push_back({.slot = nodes.slot(name), .price = 1, .room = 2});
  solve(network, {offer}, nodes);
  EXPECT_EQ(network.flow_of("web").size(), 3u);
  // Another machine in the same place knows nothing of the first.
  nodes.add("n9");
  offer.places.push_back({.slot = nodes.slot("n9"), .price = 0, .room = 1});
  solve(network, {offer}, nodes);
  EXPECT_EQ(flow_of(nodes, network, "web")["n9"], 1);
}

TEST(PlacementNetwork, OldClassesGoWhenThereAreTooMany) {
  Nodes nodes = three();
  PlacementNetwork network;
  for (std::size_t i = 0; i < 3 * PlacementNetwork::kClassesMost; ++i) {
    const std::string key = fmt::format("class-{}", i);
    solve(network, {offer_of(nodes, key, 1, {0, 0, 0})}, nodes);
    EXPECT_EQ(network.flow_of(key).size(), 1u);
  }
  EXPECT_LE(network.size().nodes, static_cast<std::int64_t>(PlacementNetwork::kClassesMost) + 5);
  EXPECT_THAT(network.flow_of("class-0"), IsEmpty());
}

TEST(PlacementNetwork, NamesAreForPeople) {
  Nodes nodes = three();
  PlacementNetwork network;
  Offer offer = offer_of(nodes, "web", 2, {0, 0, 0});
  offer.domains = {{"a", 1}};
  offer.places[0].domain = "a";
  offer.parts = {{.gang = "default/job", .pods = 1, .unscheduled = kStay}};
  network.set({offer}, nodes.take());
  EXPECT_THAT(network.names(),
              UnorderedElementsAre("sink", "unscheduled", "n1", "n2", "n3", "class 1", "class 1 in a", "class 1 of default/job"));
}

// -- Gangs

TEST(PlacementNetwork, AGangIsWithdrawnAndAdmitted) {
  Nodes nodes = three();
  PlacementNetwork network;
  Offer offer = offer_of(nodes, "web", 7, {0, 0, 0}, 1);
  offer.parts = {{"first", 2, kStay + 2}, {"second", 3, kStay + 1}};
  solve(network, {offer}, nodes);
  EXPECT_EQ(network.routed("first"), 2);  // dearer to leave than the others
  EXPECT_EQ(network.routed("web", "second"), 1);
  EXPECT_EQ(network.flow_of("web").size(), 3u);
  network.admit("second", false);
  network.solve(*make_relaxation(), {});
  EXPECT_EQ(network.routed("first"), 2);
  EXPECT_EQ(network.routed("second"), 0);
  EXPECT_EQ(network.flow_of("web").size(), 3u);  // the room is for one of those in no gang
  network.admit("first", false);
  network.admit("second", true);
  network.solve(*make_relaxation(), {});
  EXPECT_EQ(network.routed("first"), 0);
  EXPECT_EQ(network.routed("second"), 3);
  // It ends with its offer.
  solve(network, {offer_of(nodes, "web", 2, {0, 0, 0}, 1)}, nodes);
  EXPECT_EQ(network.routed("second"), 0);
  EXPECT_EQ(network.flow_of("web").size(), 2u);
}

// -- A long history

class Histories : public ::testing::TestWithParam<std::uint64_t> {};

// Nodes come and go, classes are offered with other prices, rooms, domains and gangs: each time the flow costs what it costs in a network that
// has never seen anything else, and the sums are right.
TEST_P(Histories, AnOldNetworkSaysWhatAFreshOneSays) {
  SeededRng rng(GetParam());
  Nodes nodes;
  std::vector<std::string> names;
  int made = 0;
  PlacementNetwork old;
  const auto solver = make_race(Turns::kOneAfterAnother, 2000);
  for (int batch = 0; batch < 40; ++batch) {
    for (int i = between(rng, 0, 3); i > 0 || names.size() < 2; --i) nodes.add(names.emplace_back(fmt::format("m{}", made++)));
    if (names.size() > 6) {
      const std::size_t at = rng.below(names.size());
      nodes.remove(names[at]);
      names.erase(names.begin() + static_cast<std::ptrdiff_t>(at));
    }
    std::vector<std::string> keys, gangs;
    for (int c = 0; c < 5; ++c) {
      keys.push_back(fmt::format("c{}", c));
      gangs.push_back(fmt::format("g{}", c));
    }
    std::vector<Offer> offers;
    for (int c = 0; c < 5; ++c) {
      if (rng.below(3) == 0) continue;
      Offer offer{.key = keys[c], .pods = between(rng, 1, 9), .unscheduled = kStay * between(rng, 1, 3)};
      offer.step = rng.below(2) == 0 ? 0 : between(rng, 1, 30);
      if (rng.below(3) == 0) offer.domains = {{"a", between(rng, 0, 4)}, {"b", between(rng, 0, 4)}};
      if (offer.pods > 3 && rng.below(2) == 0) offer.parts = {{gangs[c], between(rng, 1, 3), offer.unscheduled + 1}};
      for (const std::string& name : names) {
        if (rng.below(4) == 0) continue;
        Place place{.slot = nodes.slot(name), .price = between(rng, 0, 100), .room = between(rng, 1, 4)};
        if (!offer.domains.empty()) place.domain = rng.below(2) == 0 ? "a" : "b";
        offer.places.push_back(place);
      }
      // As planners make them: every domain has a node, and every offer a place.
      std::erase_if(offer.domains,
                    [&](const auto& domain) { return std::ranges::count(offer.places, domain.first, &Place::domain) == 0; });
      if (!offer.places.empty()) offers.push_back(std::move(offer));
    }
    if (offers.empty()) continue;
    SCOPED_TRACE(fmt::format("batch {}", batch));
    PlacementNetwork fresh;
    fresh.set(offers, nodes.take());
    old.set(offers, nodes.take());
    ASSERT_EQ(graph_problem(old.network()), "");
    const Outcome expected = fresh.solve(*make_cost_scaling(), {}), outcome = old.solve(*solver, {});
    ASSERT_EQ(outcome.found, Found::kOptimal);
    ASSERT_EQ(wrong_flow(old.network(), outcome), "");
    ASSERT_EQ(outcome.cost, expected.cost);
    std::map<std::size_t, Amount> by_slot;
    for (const Offer& offer : offers) {
      std::map<std::size_t, Amount> of_class;
      for (const std::size_t slot : old.flow_of(offer.key)) ++of_class[slot];
      std::map<std::string_view, Amount> in_domain;
      for (const auto& [slot, pods] : of_class) {
        const auto place = std::ranges::find(offer.places, slot, &Place::slot);
        ASSERT_NE(place, offer.places.end());
        ASSERT_LE(pods, place->room);
        in_domain[place->domain] += pods;
      }
      for (const auto& [domain, pods] : in_domain) {
        if (!domain.empty()) ASSERT_LE(pods, offer.domains.find(domain)->second);
      }
      for (const Part& part : offer.parts) ASSERT_LE(old.routed(part.gang), part.pods);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(PlacementNetwork, Histories, ::testing::Range<std::uint64_t>(0, 40));

}  // namespace
}  // namespace ph::scheduler::flow::test
