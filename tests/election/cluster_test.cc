// Elections in a cluster: who leads, whose writes are made, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "coordination/v1.pb.h"
#include "pilothouse/connector.h"
#include "tests/election/daemon.h"
#include "tests/sim/builders.h"

namespace ph::election::testing {
namespace {

using coordination::v1::Lease;
using core::v1::ConfigMap;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ElectionInCluster : public ::testing::Test {
 protected:
  ElectionInCluster() {
    cluster.on_write([this](const sim::Cluster::Write& write) {
      constexpr std::string_view kMaps = "/registry/configmaps/default/";
      if (!write.key.starts_with(kMaps)) return;
      writes.push_back({write.key.substr(kMaps.size(), 1), cluster.executor().clock().steady()});
    });
  }

  struct Write {
    std::string by;
    Steady at;
  };

  Steady now() { return cluster.executor().clock().steady(); }
  Lease lease() { return cluster.get<Lease>("kube-system/demo"); }
  std::optional<Steady> first_of(const std::string& name) const {
    const auto found = std::ranges::find(writes, name, &Write::by);
    return found == writes.end() ? std::nullopt : std::optional(found->at);
  }
  std::optional<Steady> last_of(const std::string& name) const {
    const auto found = std::ranges::find(writes.rbegin(), writes.rend(), name, &Write::by);
    return found == writes.rend() ? std::nullopt : std::optional(found->at);
  }
  // Whether the writes of the two never mixed: all of one, then all of the other, and so on, `turns` in all.
  std::vector<std::string> turns() const {
    std::vector<std::string> out;
    for (const Write& write : writes) {
      if (out.empty() || out.back() != write.by) out.push_back(write.by);
    }
    return out;
  }

  sim::Cluster cluster{sim::no_loops()};
  std::vector<Write> writes;
};

TEST_F(ElectionInCluster, OneOfSeveralLeads) {
  Daemon a(cluster, "a"), b(cluster, "b"), c(cluster, "c");
  cluster.advance(1min);
  EXPECT_THAT(turns(), ElementsAre("a"));
  EXPECT_EQ(a.terms + b.terms + c.terms, 1);
  EXPECT_EQ(lease().spec().lease_transitions(), 0);
  EXPECT_EQ(lease().spec().lease_duration_seconds(), 15);
  EXPECT_THAT(b.leaders, ElementsAre("a"));
  EXPECT_GE(a.election->stats().renewals, 29u);
  EXPECT_EQ(a.election->stats().slow_paths, 0u);
}

TEST_F(ElectionInCluster, AStandbyTakesOverFromACrash) {
  Daemon a(cluster, "a");
  cluster.advance(1s);
  Daemon b(cluster, "b");
  cluster.advance(9s);
  const Steady crash = now();
  a.crash();
  EXPECT_TRUE(cluster.run_until([&] { return b.leading(); }, 1min));
  EXPECT_LE(now() - crash, 15s);  // the lease was renewed before the crash
  EXPECT_GT(now() - crash, 15s - 2s);
  cluster.advance(1s);
  EXPECT_THAT(turns(), ElementsAre("a", "b"));
  EXPECT_EQ(lease().spec().lease_transitions(), 1);
  EXPECT_THAT(b.leaders, ElementsAre("a", "b"));
}

TEST_F(ElectionInCluster, AReleaseHandsOverWithoutTimePassing) {
  Daemon a(cluster, "a");
  Daemon b(cluster, "b");
  cluster.advance(10s);
  const Steady release = now();
  a.stop();
  cluster.executor().drain();
  EXPECT_TRUE(a.stopped);
  EXPECT_FALSE(a.leading());
  EXPECT_TRUE(b.leading());
  EXPECT_EQ(now(), release);
  EXPECT_EQ(first_of("b"), release);
  cluster.advance(1min);
  EXPECT_THAT(turns(), ElementsAre("a", "b"));
}

TEST_F(ElectionInCluster, NobodyIsLeftToTakeAReleasedLease) {
  Daemon a(cluster, "a");
  cluster.advance(10s);
  a.stop();
  cluster.advance(1s);
  EXPECT_TRUE(lease().spec().has_holder_identity());
  EXPECT_EQ(lease().spec().holder_identity(), "");
  EXPECT_EQ(lease().spec().lease_duration_seconds(), 1);
}

TEST_F(ElectionInCluster, ALeaderCutOffStopsBeforeTheOtherBegins) {
  Daemon a(cluster, "a");
  Daemon b(cluster, "b");
  cluster.advance(9s);
  const Steady cut = now();
  a.cut(true);
  cluster.advance(10s);
  EXPECT_FALSE(a.leading());
  EXPECT_FALSE(b.leading());
  EXPECT_GE(a.election->stats().abandoned, 1u);
  EXPECT_TRUE(cluster.run_until([&] { return b.leading(); }, 1min));
  EXPECT_LE(now() - cut, 15s);
  a.cut(false);
  cluster.advance(1min);
  EXPECT_THAT(turns(), ElementsAre("a", "b"));
  EXPECT_FALSE(a.leading());
  EXPECT_THAT(a.leaders, ElementsAre("a", "b"));
}

// The worst of partitions: the leader can write, but not renew.
TEST_F(ElectionInCluster, ALeaderThatCannotRenewStopsWriting) {
  Daemon a(cluster, "a");
  Daemon b(cluster, "b");
  cluster.advance(9s);
  const Steady renewed = now() - 1s;  // one renewal every two seconds
  a.lease_line.cut = true;
  cluster.advance(1min);
  EXPECT_THAT(turns(), ElementsAre("a", "b"));
  EXPECT_LT(*last_of("a"), renewed + 10s);
  EXPECT_GT(*first_of("b"), renewed + 14s);
  EXPECT_THAT(a.errors, IsEmpty());
}

// … and its own thread is too busy to be told.
TEST_F(ElectionInCluster, ABusyDaemonIsHeldBackByItsTransport) {
  Daemon a(cluster, "a");
  Daemon b(cluster, "b");
  cluster.advance(9s);
  a.lease_line.cut = true;
  a.thread.busy();
  cluster.advance(30s);
  EXPECT_THAT(turns(), ElementsAre("a", "b"));
  EXPECT_GT(a.refused, 100);
  EXPECT_EQ(a.leadership->refused_writes(), static_cast<std::uint64_t>(a.refused));
  EXPECT_THAT(a.errors, IsEmpty()) << "nothing left, so that the fence had nothing to do";

  // It cannot lead again while work of its old term may run, though nobody else wants to.
  a.lease_line.cut = false;
  b.crash();
  cluster.advance(1min);
  EXPECT_FALSE(a.leading());
  a.thread.free();
  cluster.advance(20s);  // its watch, too, was lost: it sees b's lease for the first time
  EXPECT_TRUE(a.leading());
  EXPECT_EQ(a.terms, 2);
}

TEST_F(ElectionInCluster, ALateWriteOfADeposedLeaderIsRefused) {
  Daemon a(cluster, "a");
  Daemon b(cluster, "b");
  cluster.advance(9s);
  a.work_line.slow = true;
  cluster.advance(1s);
  ASSERT_THAT(a.work_line.in_transit, SizeIs(1));
  EXPECT_TRUE(a.work_line.in_transit[0].headers.has("Pilothouse-Fence"));
  a.lease_line.cut = true;
  cluster.advance(30s);
  ASSERT_TRUE(b.leading());
  const std::size_t before = cluster.list<ConfigMap>("default").size();
  EXPECT_THAT(a.deliver(), ElementsAre(409));
  EXPECT_EQ(cluster.list<ConfigMap>("default").size(), before);
}

TEST_F(ElectionInCluster, ALateWriteOfTheTermIsMade) {
  Daemon a(cluster, "a");
  cluster.advance(9s);
  a.work_line.slow = true;
  cluster.advance(5s);
  EXPECT_THAT(a.deliver(), ElementsAre(201));
}

// It leads again before anybody took its lease; what it sent before stays refused.
TEST_F(ElectionInCluster, ALateWriteOfAnEarlierTermIsRefused) {
  Daemon a(cluster, "a");
  cluster.advance(9s);
  a.work_line.slow = true;
  cluster.advance(1s);
  ASSERT_THAT(a.work_line.in_transit, SizeIs(1));
  a.lease_line.cut = true;
  cluster.advance(12s);
  EXPECT_FALSE(a.leading());
  a.lease_line.cut = false;
  a.work_line.slow = false;
  cluster.advance(10s);
  ASSERT_TRUE(a.leading());
  EXPECT_EQ(a.terms, 2);
  EXPECT_EQ(lease().spec().lease_transitions(), 1);
  EXPECT_THAT(a.deliver(), ElementsAre(409));
}

TEST_F(ElectionInCluster, JumpsOfTheWallClockChangeNothing) {
  Daemon a(cluster, "a");
  Daemon b(cluster, "b");
  cluster.advance(5s);
  for (const Duration jump : {Duration(1h), Duration(-3h), Duration(24h * 365)}) {
    cluster.executor().sim_clock().jump(jump);
    cluster.advance(20s);
  }
  EXPECT_THAT(turns(), ElementsAre("a"));
  EXPECT_EQ(a.terms, 1);
  EXPECT_EQ(lease().spec().lease_transitions(), 0);
}

TEST_F(ElectionInCluster, ALeaseTakenByAPersonIsGivenUpAtOnce) {
  Daemon a(cluster, "a");
  cluster.advance(9s);
  cluster.edit<Lease>("kube-system/demo", [](Lease& lease) { lease.mutable_spec()->set_holder_identity("person"); });
  cluster.executor().drain();
  EXPECT_FALSE(a.leading());
  cluster.advance(20s);
  EXPECT_TRUE(a.leading());
  EXPECT_EQ(a.terms, 2);
}

TEST_F(ElectionInCluster, ADeletedLeaseIsMadeAnewByItsLeader) {
  Daemon a(cluster, "a");
  Daemon b(cluster, "b");
  cluster.advance(9s);
  const std::string uid = lease().metadata().uid();
  cluster.remove<Lease>("kube-system/demo");
  cluster.advance(1min);
  EXPECT_NE(lease().metadata().uid(), uid);
  EXPECT_EQ(lease().spec().holder_identity(), "a");
  EXPECT_THAT(turns(), ElementsAre("a"));
  EXPECT_EQ(a.terms, 1);
  EXPECT_THAT(a.errors, AllOf(SizeIs(::testing::Le(1)), Each(409)));  // what left before the election knew
}

TEST_F(ElectionInCluster, WritesUpstreamsEvents) {
  Daemon a(cluster, "a");
  cluster.advance(1s);
  const auto events = cluster.list<core::v1::Event>("kube-system");
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].type(), "Normal");
  EXPECT_EQ(events[0].reason(), "LeaderElection");
  EXPECT_EQ(events[0].message(), "a became leader");
  EXPECT_EQ(events[0].source().component(), "demo-manager");
  EXPECT_EQ(events[0].involved_object().kind(), "Lease");
  EXPECT_EQ(events[0].involved_object().api_version(), "coordination.k8s.io/v1");
  EXPECT_EQ(events[0].involved_object().name(), "demo");
  EXPECT_EQ(events[0].involved_object().uid(), lease().metadata().uid());
}

TEST_F(ElectionInCluster, ShowsUpstreamsMetrics) {
  Daemon a(cluster, "a");
  Daemon b(cluster, "b");
  cluster.advance(1s);
  cluster.edit<Lease>("kube-system/demo", [](Lease& lease) { (*lease.mutable_metadata()->mutable_labels())["a"] = "b"; });
  cluster.advance(2s);
  EXPECT_EQ(a.scrape(),
            "leader_election_master_status{name=\"demo\"} 1\n"
            "leader_election_slowpath_total{name=\"demo\"} 1\n"
            "pilothouse_election_refused_writes_total{name=\"demo\"} 0\n");
  EXPECT_THAT(b.scrape(), HasSubstr("leader_election_master_status{name=\"demo\"} 0\n"));
  a.thread.busy();
  a.stop();
  cluster.advance(1s);
  EXPECT_THAT(a.scrape(), AllOf(HasSubstr("leader_election_master_status{name=\"demo\"} 0\n"),
                                HasSubstr("pilothouse_election_refused_writes_total{name=\"demo\"} 10\n")));
  a.thread.free();
}

// With RBAC, as the users the daemons are; the bootstrap roles let each at its own lease, and watch it.
TEST(ElectionWithAccess, TheDaemonsMayHoldTheirLeases) {
  sim::Cluster cluster(sim::no_loops().access());
  for (const auto& [identity, name] : {std::pair(pilothouse::scheduler_identity(), "kube-scheduler"),
                                       std::pair(pilothouse::controller_manager_identity(), "kube-controller-manager")}) {
    SCOPED_TRACE(name);
    ElectionOptions options;
    options.resource_name = name;
    Daemon a(cluster, "a", identity, options);
    Daemon b(cluster, "b", identity, options);
    cluster.advance(5s);
    EXPECT_TRUE(a.leading());
    a.stop();
    cluster.executor().drain();
    EXPECT_TRUE(b.leading()) << "it does not see the release";
    cluster.advance(1s);
    std::set<std::string> messages;
    for (const auto& event : cluster.list<core::v1::Event>("kube-system")) {
      if (event.involved_object().name() == name) messages.insert(event.message());
    }
    EXPECT_THAT(messages, AllOf(Contains("a became leader"), Contains("b became leader")));
  }
}

}  // namespace
}  // namespace ph::election::testing
