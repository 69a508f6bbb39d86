// Controller managers in pairs: the standby's caches are warm, and it takes over and gives up in place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/v1.pb.h"
#include "controllers/runtime/host.h"
#include "pilothouse/components.h"
#include "tests/election/daemon.h"
#include "tests/sim/builders.h"

namespace ph::election::testing {
namespace {

using apps::v1::ReplicaSet;
using core::v1::Pod;
using ::testing::SizeIs;

class Manager {
 public:
  Manager(sim::Cluster& cluster, const std::string& name)
      : transport_(in_process_transport(cluster.server(), cluster.executor(), demo_identity())),
        client_(*transport_, "kube-controller-manager/v1.36"),
        rng_(7),
        informers_(cluster.executor(), client_, rng_, Log()),
        daemon(cluster, name),
        host({.executor = cluster.executor(),
              .transport = [this](std::string_view) -> Transport& { return *daemon.guarded; },
              .informers = informers_,
              .rng = rng_,
              .log = Log(),
              .options = options_},
             pilothouse::chosen_loops("replicaset")) {
    daemon.also_start = [this] { host.start(); };
    daemon.also_stop = [this] { host.stop(); };
    host.warm();
  }
  ~Manager() { crash(); }

  void crash() {
    daemon.crash();
    host.stop();
  }
  informers::Informers::Stats reads() const { return informers_.stats(); }

 private:
  std::unique_ptr<Transport> transport_;
  informers::Client client_;
  SeededRng rng_;
  controllers::Options options_;
  informers::Informers informers_;

 public:
  Daemon daemon;
  controllers::LoopHost host;
};

TEST(Standby, TakesOverInPlaceWithoutListing) {
  sim::Cluster cluster(sim::no_loops());
  Manager a(cluster, "a");
  cluster.advance(1s);
  Manager b(cluster, "b");
  cluster.create(sim::make_replica_set("default/web").replicas(3).object());
  cluster.advance(5s);
  ASSERT_THAT(cluster.list<Pod>("default"), SizeIs(3));
  const auto warm = b.reads();
  EXPECT_GT(warm.lists, 0u);
  EXPECT_FALSE(b.host.running());

  a.crash();
  ASSERT_TRUE(cluster.run_until([&] { return b.daemon.leading(); }, 1min));
  cluster.remove<Pod>("default/" + cluster.list<Pod>("default")[0].metadata().name());
  cluster.advance(1s);
  EXPECT_THAT(cluster.list<Pod>("default"), SizeIs(3));

  // It loses the lease, stands by, and leads again: still from the same caches.
  b.daemon.lease_line.cut = true;
  cluster.advance(12s);
  EXPECT_FALSE(b.daemon.leading());
  EXPECT_FALSE(b.host.running());
  cluster.edit<ReplicaSet>("default/web", [](ReplicaSet& set) { set.mutable_spec()->set_replicas(5); });
  cluster.advance(1s);
  EXPECT_THAT(cluster.list<Pod>("default"), SizeIs(3));
  b.daemon.lease_line.cut = false;
  cluster.advance(10s);
  EXPECT_TRUE(b.host.running());
  EXPECT_THAT(cluster.list<Pod>("default"), SizeIs(5));
  EXPECT_EQ(b.reads().lists, warm.lists);
  EXPECT_EQ(b.reads().watches, warm.watches);
}

// Handed over in the middle of a loop's work: the two together do it once.
TEST(Standby, GoesOnWhereTheOtherStopped) {
  sim::Cluster cluster(sim::no_loops());
  Manager a(cluster, "a");
  cluster.advance(1s);
  Manager b(cluster, "b");
  cluster.advance(1s);
  int created = 0;
  cluster.on_write([&](const sim::Cluster::Write& write) {
    if (!write.key.starts_with("/registry/pods/") || !write.created) return;
    if (++created == 5) a.daemon.stop();
  });
  cluster.create(sim::make_replica_set("default/web").replicas(20).object());
  cluster.advance(1min);
  EXPECT_TRUE(a.daemon.stopped);
  EXPECT_TRUE(b.daemon.leading());
  EXPECT_THAT(cluster.list<Pod>("default"), SizeIs(20));
  EXPECT_EQ(created, 20);
}

}  // namespace
}  // namespace ph::election::testing
