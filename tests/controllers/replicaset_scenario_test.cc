// The replicaset loop in a simulated cluster.
#include <gmock/gmock.h>

#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/planted.h"

namespace ph::sim {
namespace {

using apps::v1::ReplicaSet;
using core::v1::Pod;

std::size_t living(Cluster& cluster) {
  std::size_t out = 0;
  for (const Pod& pod : cluster.list<Pod>("default")) out += !pod.metadata().has_deletion_timestamp();
  return out;
}

std::vector<std::string> reasons(Cluster& cluster) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.source().component() == "replicaset-controller") out.push_back(event.reason());
  }
  return out;
}

TEST(ReplicaSetScenario, MakesExactlyAsManyAsWanted) {
  Cluster cluster(loops("replicaset"));
  std::size_t made = 0;
  cluster.on_write([&](const Cluster::Write& write) { made += write.created && write.key.starts_with("/registry/pods/"); });
  cluster.create(make_replica_set("default/web").replicas(37).object());
  cluster.advance(10s);
  EXPECT_EQ(living(cluster), 37u);
  EXPECT_EQ(made, 37u) << "never one too many, also while the cache lags";
  const auto status = cluster.get<ReplicaSet>("default/web").status();
  EXPECT_EQ(status.replicas(), 37);
  EXPECT_EQ(status.fully_labeled_replicas(), 37);
  EXPECT_EQ(status.ready_replicas(), 0);
  EXPECT_EQ(status.observed_generation(), 1);
  const Pod pod = cluster.list<Pod>("default").front();
  EXPECT_TRUE(pod.metadata().name().starts_with("web-"));
  EXPECT_EQ(pod.metadata().owner_references(0).kind(), "ReplicaSet");
  EXPECT_TRUE(pod.metadata().owner_references(0).controller());
  EXPECT_TRUE(pod.metadata().owner_references(0).block_owner_deletion());
  EXPECT_THAT(reasons(cluster), testing::Contains("SuccessfulCreate"));
}

TEST(ReplicaSetScenario, ScalesBothWays) {
  Cluster cluster(loops("replicaset").nodes(2).scheduler());
  cluster.create(make_replica_set("default/web").replicas(5).object());
  ASSERT_TRUE(cluster.run_until([&] { return cluster.get<ReplicaSet>("default/web").status().available_replicas() == 5; }));
  cluster.edit<ReplicaSet>("default/web", [](ReplicaSet& set) { set.mutable_spec()->set_replicas(2); });
  ASSERT_TRUE(cluster.run_until([&] { return cluster.list<Pod>("default").size() == 2; }));
  EXPECT_THAT(reasons(cluster), testing::Contains("SuccessfulDelete"));
  cluster.edit<ReplicaSet>("default/web", [](ReplicaSet& set) { set.mutable_spec()->set_replicas(4); });
  EXPECT_TRUE(cluster.run_until([&] { return cluster.get<ReplicaSet>("default/web").status().available_replicas() == 4; }));
}

TEST(ReplicaSetScenario, ReplacesWhatIsDeleted) {
  Cluster cluster(loops("replicaset"));
  cluster.create(make_replica_set("default/web").replicas(3).object());
  cluster.advance(1s);
  cluster.remove<Pod>("default/" + cluster.list<Pod>("default").front().metadata().name());
  cluster.advance(1min);
  EXPECT_EQ(living(cluster), 3u);
}

TEST(ReplicaSetScenario, AdoptsOrphansAndReleasesStrangers) {
  Cluster cluster(loops("replicaset"));
  Pod orphan = make_pod("default/orphan");
  (*orphan.mutable_metadata()->mutable_labels())["app"] = "web";
  cluster.create(orphan);
  cluster.create(make_replica_set("default/web").replicas(2).object());
  cluster.advance(5s);
  EXPECT_EQ(living(cluster), 2u);
  EXPECT_EQ(cluster.get<Pod>("default/orphan").metadata().owner_references_size(), 1);
  cluster.edit<Pod>("default/orphan", [](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["app"] = "debug"; });
  cluster.advance(5s);
  EXPECT_EQ(cluster.get<Pod>("default/orphan").metadata().owner_references_size(), 0);
  EXPECT_EQ(living(cluster), 3u) << "the released one was replaced";
}

TEST(ReplicaSetScenario, WaitsOutMinReadySeconds) {
  Cluster cluster(loops("replicaset").nodes(1).scheduler());
  ReplicaSet set = make_replica_set("default/web").replicas(2);
  set.mutable_spec()->set_min_ready_seconds(60);
  cluster.create(set);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.get<ReplicaSet>("default/web").status().ready_replicas() == 2; }));
  cluster.advance(50s);
  EXPECT_EQ(cluster.get<ReplicaSet>("default/web").status().available_replicas(), 0);
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<ReplicaSet>("default/web").status().available_replicas(), 2);
}

TEST(ReplicaSetScenario, AFreshStartChangesNothing) {
  Cluster cluster(loops("replicaset"));
  cluster.create(make_replica_set("default/web").replicas(5).object());
  ASSERT_TRUE(cluster.run_until_quiet());
  const std::size_t before = cluster.history().size();
  cluster.restart_loops();
  cluster.advance(1min);
  EXPECT_EQ(cluster.history().size(), before);
}

TEST(ReplicaSetScenario, MakesNothingThatItWouldNotSelect) {
  Cluster cluster(loops("replicaset").later());
  cluster.create(make_replica_set("default/web").replicas(2).object());
  edit_unjudged<ReplicaSet>(cluster, "default/web", [](ReplicaSet& spoiled) {
    (*spoiled.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels())["app"] = "another";
  });
  int made = 0;
  cluster.on_write([&](const Cluster::Write& write) { made += write.created && write.key.starts_with("/registry/pods/"); });
  cluster.restart_loops();
  cluster.advance(1min);
  EXPECT_EQ(made, 0) << "each would be released at once, and another made";
}

}  // namespace
}  // namespace ph::sim
