#include "tests/sim/cluster.h"

#include <gtest/gtest.h>

#include "apps/v1.pb.h"
#include "tests/sim/builders.h"

namespace ph::sim {
namespace {

using apps::v1::Deployment;
using core::v1::Pod;

std::string a_day_in_the_life(std::uint64_t seed) {
  Cluster cluster(everything(3).seed(seed));
  cluster.create(make_namespace("shop"));
  cluster.create(make_service("shop/web"));
  cluster.create(make_deployment("shop/web").replicas(5).object());
  EXPECT_TRUE(cluster.run_until([&] { return cluster.get<Deployment>("shop/web").status().ready_replicas() == 5; }));
  cluster.edit<Deployment>("shop/web", [](Deployment& web) {
    web.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image("img:2");
  });
  EXPECT_TRUE(cluster.run_until([&] {
    const auto status = cluster.get<Deployment>("shop/web").status();
    return status.updated_replicas() == 5 && status.replicas() == 5;
  }));
  cluster.remove<core::v1::Namespace>("shop");
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<core::v1::Namespace>("shop"); }));
  cluster.advance(1min);
  return cluster.history_text();
}

TEST(Simulation, OneSeedGivesOneHistory) {
  const std::string once = a_day_in_the_life(7);
  EXPECT_GT(once.size(), 10'000u);
  EXPECT_EQ(once, a_day_in_the_life(7));
}

TEST(Simulation, AnotherSeedGivesAnother) { EXPECT_NE(a_day_in_the_life(7), a_day_in_the_life(8)); }

TEST(Simulation, ComesToRest) {
  Cluster cluster(everything(2));
  cluster.create(make_deployment("default/web").replicas(2).object());
  EXPECT_TRUE(cluster.run_until_quiet(1h, 1min));
  EXPECT_EQ(cluster.list<Pod>("default").size(), 2u);
}

TEST(Simulation, APodThatEndsIsStartedAgainByItsDeployment) {
  Cluster cluster(everything(1));
  cluster.create(make_deployment("default/crash").command({"sh", "-c", "sleep 5; exit 1"}).object());
  EXPECT_TRUE(cluster.run_until(
      [&] {
        const auto pods = cluster.list<Pod>("default");
        return pods.size() == 1 && pods[0].status().container_statuses_size() == 1 &&
               pods[0].status().container_statuses(0).restart_count() >= 3;
      },
      5min));
}

}  // namespace
}  // namespace ph::sim
