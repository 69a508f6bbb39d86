// The cache: assumed pods, snapshots, the order of nodes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::test {
namespace {

using testing::ElementsAre;

std::vector<std::string> names(const Snapshot& snapshot) {
  std::vector<std::string> out;
  for (const NodeInfo* node : snapshot.nodes()) out.push_back(node->name());
  return out;
}

PodRef pod_on(const std::string& name, const std::string& node, const std::string& cpu = "1") {
  return make_pod_info(make_pod(name).on(node).asks(cpu, "1Gi"));
}

TEST(Cache, AnAssumedPodCountsUntilItIsForgotten) {
  Cluster cluster;
  cluster.node(make_node("n"));
  ASSERT_TRUE(cluster.cache.assume(pod_on("a", "n")));
  EXPECT_TRUE(cluster.cache.is_assumed("uid-a"));
  EXPECT_EQ(cluster.take().find("n")->requested().milli_cpu, 1000);
  cluster.cache.forget("uid-a");
  EXPECT_EQ(cluster.take().find("n")->requested().milli_cpu, 0);
  EXPECT_EQ(cluster.cache.pod_count(), 0u);
}

TEST(Cache, AConfirmedPodIsNoLongerAssumed) {
  Cluster cluster;
  cluster.node(make_node("n"));
  ASSERT_TRUE(cluster.cache.assume(pod_on("a", "n")));
  cluster.cache.put_pod(pod_on("a", "n"));
  EXPECT_FALSE(cluster.cache.is_assumed("uid-a"));
  cluster.cache.forget("uid-a");
  EXPECT_EQ(cluster.take().find("n")->pods().size(), 1u);
}

TEST(Cache, APodThatWasPlacedElsewhereMoves) {
  Cluster cluster;
  cluster.node(make_node("n")).node(make_node("m"));
  ASSERT_TRUE(cluster.cache.assume(pod_on("a", "n")));
  cluster.cache.put_pod(pod_on("a", "m"));
  cluster.take();
  EXPECT_EQ(cluster.snapshot.find("n")->pods().size(), 0u);
  EXPECT_EQ(cluster.snapshot.find("m")->pods().size(), 1u);
}

TEST(Cache, UnconfirmedPodsExpireAfterTheirBindingHasFinished) {
  Cache cache(30s);
  cache.put_node(share_node(make_node("n")));
  ASSERT_TRUE(cache.assume(pod_on("a", "n")));
  ASSERT_TRUE(cache.assume(pod_on("b", "n")));
  cache.finish_binding("uid-a", Steady(10s));
  EXPECT_TRUE(cache.expire(Steady(39s)).empty());
  EXPECT_THAT(cache.expire(Steady(40s)), ElementsAre(ObjectKey{"default", "a"}));
  EXPECT_TRUE(cache.expire(Steady(1000s)).empty());  // b is still being bound
  EXPECT_EQ(cache.assumed_count(), 1u);
}

TEST(Cache, ByDefaultNothingExpires) {
  Cache cache;
  ASSERT_TRUE(cache.assume(pod_on("a", "n")));
  cache.finish_binding("uid-a", Steady(0s));
  EXPECT_TRUE(cache.expire(Steady(24h)).empty());
}

TEST(Cache, ChangedRequestsAreCountedAnew) {
  Cluster cluster;
  cluster.node(make_node("n"));
  cluster.cache.put_pod(pod_on("a", "n", "1"));
  cluster.cache.put_pod(pod_on("a", "n", "250m"));
  EXPECT_EQ(cluster.take().find("n")->requested().milli_cpu, 250);
}

TEST(Cache, PodsOutliveTheirNodeAndPrecedeIt) {
  Cluster cluster;
  cluster.cache.put_pod(pod_on("a", "n"));
  EXPECT_THAT(names(cluster.take()), ElementsAre());
  cluster.node(make_node("n"));
  EXPECT_EQ(cluster.take().find("n")->pods().size(), 1u);
  cluster.cache.remove_node("n");
  EXPECT_EQ(cluster.take().find("n"), nullptr);
  cluster.node(make_node("n"));
  EXPECT_EQ(cluster.take().find("n")->pods().size(), 1u);
}

TEST(Cache, SnapshotsAreBroughtUpToDatePieceByPiece) {
  Cluster cluster;
  cluster.node(make_node("a")).node(make_node("b")).take();
  const NodeInfo* a = cluster.snapshot.find("a");
  const auto generation = a->generation();
  cluster.cache.put_pod(pod_on("x", "b"));
  cluster.take();
  EXPECT_EQ(cluster.snapshot.find("a"), a);
  EXPECT_EQ(a->generation(), generation);  // not copied again
  EXPECT_EQ(cluster.snapshot.find("b")->pods().size(), 1u);
  cluster.cache.remove_node("a");
  EXPECT_THAT(names(cluster.take()), ElementsAre("b"));
}

TEST(Cache, ZonesTakeTurns) {
  const auto in = [](const char* name, const char* zone) { return make_node(name).label("topology.kubernetes.io/zone", zone); };
  Cluster cluster;
  cluster.node(in("a1", "a"))
      .node(in("a2", "a"))
      .node(in("a3", "a"))
      .node(in("b1", "b"))
      .node(make_node("none"))
      .node(in("b2", "b"));
  EXPECT_THAT(names(cluster.take()), ElementsAre("a1", "b1", "none", "a2", "b2", "a3"));
  cluster.node(in("a1", "b"));
  EXPECT_THAT(names(cluster.take()), ElementsAre("a2", "b1", "none", "a3", "b2", "a1"));
}

// A snapshot that is brought up to date piece by piece has the order of one that is made anew.
TEST(Cache, NodesThatComeOneByOneStandWhereTheyBelong) {
  SeededRng rng(7);
  Cache cache;
  Snapshot snapshot;
  for (int step = 0; step < 600; ++step) {
    const std::string name = fmt::format("n{}", rng.below(60));
    if (rng.below(12) == 0) {
      cache.remove_node(name);
    } else {
      core::v1::Node node = make_node(name);
      const auto zone = rng.below(5);
      if (zone != 0) (*node.mutable_metadata()->mutable_labels())["topology.kubernetes.io/zone"] = fmt::format("z{}", zone);
      cache.put_node(share_node(node));
    }
    if (rng.below(3) == 0) continue;
    cache.update(snapshot);
    Snapshot fresh;
    cache.update(fresh);
    ASSERT_EQ(names(snapshot), names(fresh)) << step;
    ASSERT_EQ(snapshot.nodes().size(), cache.node_count());
  }
}

TEST(Cache, ImagesAreCountedOnceANode) {
  Cluster cluster;
  cluster.node(make_node("a").image("x:1", 100).image("x:1", 100)).node(make_node("b").image("x:1", 100));
  EXPECT_EQ(cluster.take().find("a")->image("x:1")->nodes, 2);
  cluster.node(make_node("b"));
  EXPECT_EQ(cluster.take().find("a")->image("x:1")->nodes, 1);
  EXPECT_EQ(cluster.snapshot.find("b")->image("x:1"), nullptr);
  cluster.cache.remove_node("a");
  cluster.node(make_node("b").image("x:1", 200));
  EXPECT_EQ(cluster.take().find("b")->image("x:1")->size, 200);
}

TEST(Cache, HostPortsAreFreedWithTheirPod) {
  Cluster cluster;
  cluster.node(make_node("n")).pod(make_pod("a").on("n").with(container().host_port(80)));
  const HostPort port{80, Interned("TCP"), Interned("10.0.0.1")};
  EXPECT_FALSE(cluster.take().find("n")->port_is_free(port));
  cluster.cache.remove_pod("uid-a");
  EXPECT_TRUE(cluster.take().find("n")->port_is_free(port));
}

}  // namespace
}  // namespace ph::scheduler::test
