// What is found out beforehand of pods of one class that would be in each other's way.
#include "scheduler/flow/interactions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "scheduler/config/configuration.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::flow::test {
namespace {

using namespace scheduler::test;
using testing::ElementsAre, testing::IsEmpty;

constexpr const char* kHost = "kubernetes.io/hostname";
constexpr const char* kZone = "zone";

MakePod web(const std::string& key = "default/p") { return make_pod(key).with(container()).label("app", "web"); }

MakePod keeps_apart(MakePod pod, const std::string& topology, const std::string& from = "web") {
  auto* term = pod.out.mutable_spec()
                   ->mutable_affinity()
                   ->mutable_pod_anti_affinity()
                   ->add_required_during_scheduling_ignored_during_execution();
  term->set_topology_key(topology);
  (*term->mutable_label_selector()->mutable_match_labels())["app"] = from;
  return pod;
}

MakePod spreads(MakePod pod, const std::string& topology, int skew, const std::string& when = "DoNotSchedule",
                const std::string& of = "web") {
  auto* constraint = pod.out.mutable_spec()->add_topology_spread_constraints();
  constraint->set_max_skew(skew);
  constraint->set_topology_key(topology);
  constraint->set_when_unsatisfiable(when);
  (*constraint->mutable_label_selector()->mutable_match_labels())["app"] = of;
  return pod;
}

// Nodes n0, n1, … in these zones ("": none), with so many pods of the kind `web`.
struct Stand {
  struct At {
    std::string zone;
    int pods = 0;
    bool open = true;  // the filters let the class through
  };
  explicit Stand(const std::vector<At>& nodes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const std::string name = fmt::format("n{}", i);
      MakeNode node = make_node(name).label(kHost, name);
      if (!nodes[i].zone.empty()) node = std::move(node).label(kZone, nodes[i].zone);
      cluster.node(node);
      for (int p = 0; p < nodes[i].pods; ++p) cluster.pod(web(fmt::format("default/there-{}-{}", i, p)).on(name));
      if (nodes[i].open) open.push_back(name);
    }
  }

  Interactions of(const Pod& pod, Amount pods) {
    const Snapshot& snapshot = cluster.take();
    const Profile profile(default_profile(), {.snapshot = &snapshot});
    CycleState state(make_pod_info(pod));
    EXPECT_TRUE(profile.pre_filter(state, pod, snapshot.nodes()).verdict.success());
    std::vector<const NodeInfo*> nodes;
    for (const std::string& name : open) nodes.push_back(snapshot.find(name));
    return interactions_of({profile, state, pod, snapshot, nodes}, pods);
  }

  Cluster cluster;
  std::vector<std::string> open;
};

TEST(Interactions, PodsThatCareForNobodyHaveNone) {
  Stand stand({{"a", 3}, {"b"}});
  const Interactions found = stand.of(web(), 5);
  EXPECT_EQ(found.node_most, kMaxAmount);
  EXPECT_EQ(found.domain_key, "");
  EXPECT_THAT(found.domains, IsEmpty());
  EXPECT_EQ(found.domain_of(*stand.cluster.take().find("n0")), "");
}

TEST(Interactions, APortOfTheHostIsForOnePodANode) {
  Stand stand({{"a"}});
  EXPECT_EQ(stand.of(make_pod().with(container().host_port(80)), 5).node_most, 1);
}

TEST(Interactions, AntiAffinityToItsOwnKind) {
  Stand stand({{"a"}, {"a"}, {"b"}, {""}});
  EXPECT_EQ(stand.of(keeps_apart(web(), kHost), 5).node_most, 1);
  EXPECT_EQ(stand.of(keeps_apart(web(), kHost, "other"), 5).node_most, kMaxAmount);
  const Interactions found = stand.of(keeps_apart(web(), kZone), 5);
  EXPECT_EQ(found.domain_key, kZone);
  EXPECT_THAT(found.domains, ElementsAre(std::pair("a", 1), std::pair("b", 1)));
  EXPECT_EQ(found.domain_of(*stand.cluster.take().find("n1")), "a");
  EXPECT_EQ(found.domain_of(*stand.cluster.take().find("n3")), "");
  EXPECT_THAT(stand.of(keeps_apart(web(), kZone, "other"), 5).domains, IsEmpty());
}

TEST(Interactions, HardSpreadByZone) {
  const struct {
    const char* what;
    std::vector<Stand::At> nodes;
    int skew;
    Amount pods;
    std::vector<std::pair<std::string, Amount>> expected;
  } rows[] = {
      {"equal zones share", {{"a"}, {"b"}, {"c"}}, 1, 6, {{"a", 2}, {"b", 2}, {"c", 2}}},
      {"what does not divide may go to any", {{"a"}, {"b"}}, 1, 3, {{"a", 2}, {"b", 2}}},
      {"the lower fill up first", {{"a", 3}, {"b"}}, 1, 3, {{"a", 0}, {"b", 3}}},
      {"then all rise", {{"a", 3}, {"b"}}, 1, 7, {{"a", 2}, {"b", 5}}},
      {"a larger skew leaves more", {{"a"}, {"b"}}, 3, 4, {{"a", 4}, {"b", 4}}},
      {"a zone that nothing can go to holds the others down", {{"a"}, {"b", 1, false}}, 1, 9, {{"a", 2}}},
      {"nodes of one zone count together", {{"a", 1}, {"a", 1}, {"b"}}, 1, 2, {{"a", 0}, {"b", 2}}},
  };
  for (const auto& row : rows) {
    Stand stand(row.nodes);
    const Interactions found = stand.of(spreads(web(), kZone, row.skew), row.pods);
    EXPECT_EQ(found.domain_key, kZone) << row.what;
    EXPECT_THAT(found.domains, testing::ElementsAreArray(row.expected)) << row.what;
    EXPECT_EQ(found.node_most, kMaxAmount) << row.what;
  }
}

TEST(Interactions, HardSpreadByNode) {
  Stand even({{"a"}, {"b"}, {"c"}});
  EXPECT_EQ(even.of(spreads(web(), kHost, 1), 6).node_most, 2);
  EXPECT_EQ(even.of(spreads(web(), kHost, 1), 1).node_most, 1);
  Stand uneven({{"a", 4}, {"b"}});
  EXPECT_EQ(uneven.of(spreads(web(), kHost, 1), 2).node_most, 2);
}

TEST(Interactions, OnlyWhatIsHardAndMeansThePodItself) {
  Stand stand({{"a"}, {"b"}});
  EXPECT_THAT(stand.of(spreads(web(), kZone, 1, "ScheduleAnyway"), 6).domains, IsEmpty());
  EXPECT_THAT(stand.of(spreads(web(), kZone, 1, "DoNotSchedule", "other"), 6).domains, IsEmpty());
}

// A class has one kind of domains; by node it may be limited besides.
TEST(Interactions, SeveralAtOnce) {
  Stand stand({{"a"}, {"b"}});
  const Interactions found = stand.of(spreads(keeps_apart(web(), kHost), kZone, 1), 6);
  EXPECT_EQ(found.node_most, 1);
  EXPECT_THAT(found.domains, ElementsAre(std::pair("a", 3), std::pair("b", 3)));
  const Interactions both = stand.of(spreads(keeps_apart(web(), kZone), kZone, 1), 6);
  EXPECT_THAT(both.domains, ElementsAre(std::pair("a", 1), std::pair("b", 1)));
  Stand racks({{"a"}, {"b"}});
  const Interactions first = racks.of(spreads(spreads(web(), kZone, 1), "rack", 1), 6);
  EXPECT_EQ(first.domain_key, kZone);
}

TEST(Interactions, RoomIsTheScarcestAmountAndNeverNone) {
  const struct {
    const char* what;
    Pod pod;
    std::vector<Pod> there;
    Amount expected;
  } rows[] = {
      {"CPU", make_pod().asks("1500m", "1Gi"), {}, 2},
      {"memory", make_pod().asks("100m", "3Gi"), {}, 2},
      {"pods", make_pod().with(container()), {}, 110},
      {"what is used counts", make_pod().asks("1", ""), {make_pod("q").asks("2500m", "").on("n")}, 1},
      {"the filters refuse, not this", make_pod().asks("9", ""), {}, 1},
      {"other resources", make_pod().with(container().asks("example.com/gpu", "1")), {}, 3},
  };
  for (const auto& row : rows) {
    Cluster cluster;
    cluster.node(make_node("n").has("example.com/gpu", "3"));
    for (const Pod& pod : row.there) cluster.pod(pod);
    EXPECT_EQ(room_for(*make_pod_info(row.pod), *cluster.take().find("n")), row.expected) << row.what;
  }
}

}  // namespace
}  // namespace ph::scheduler::flow::test
