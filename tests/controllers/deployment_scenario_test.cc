// The deployment and replicaset loops in a simulated cluster with nodes and a scheduler.
#include <gmock/gmock.h>

#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::sim {
namespace {

using apps::v1::Deployment;
using apps::v1::ReplicaSet;
using core::v1::Pod;

Setup rollouts() { return loops("deployment,replicaset").nodes(3).scheduler(); }

bool complete(Cluster& cluster, int replicas, const std::string& key = "default/web") {
  const Deployment web = cluster.get<Deployment>(key);
  const auto& status = web.status();
  return status.observed_generation() == web.metadata().generation() && status.updated_replicas() == replicas &&
         status.replicas() == replicas && status.available_replicas() == replicas;
}

void set_image(Cluster& cluster, const std::string& image) {
  cluster.edit<Deployment>("default/web", [&](Deployment& web) {
    web.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image(image);
  });
}

std::string condition(const Deployment& deployment, std::string_view type) {
  for (const auto& c : deployment.status().conditions()) {
    if (c.type() == type) return c.status() + " " + c.reason();
  }
  return "none";
}

std::vector<std::string> messages(Cluster& cluster) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.reason() == "ScalingReplicaSet") out.push_back(event.message());
  }
  return out;
}

struct Pods {
  int all = 0, available = 0, old_image = 0;
};
Pods count(Cluster& cluster, const std::string& new_image) {
  Pods out;
  for (const Pod& pod : cluster.list<Pod>("default")) {
    if (pod.metadata().has_deletion_timestamp()) continue;
    ++out.all;
    out.old_image += pod.spec().containers(0).image() != new_image;
    for (const auto& c : pod.status().conditions()) out.available += c.type() == "Ready" && c.status() == "True";
  }
  return out;
}

TEST(DeploymentScenario, RollsOutAndTellsOfIt) {
  Cluster cluster(rollouts());
  cluster.create(make_deployment("default/web").replicas(3).object());
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 3); }));
  cluster.advance(5s);
  const Deployment web = cluster.get<Deployment>("default/web");
  EXPECT_EQ(web.metadata().annotations().at("deployment.kubernetes.io/revision"), "1");
  EXPECT_EQ(condition(web, "Available"), "True MinimumReplicasAvailable");
  EXPECT_EQ(condition(web, "Progressing"), "True NewReplicaSetAvailable");
  const ReplicaSet set = cluster.list<ReplicaSet>("default").at(0);
  EXPECT_THAT(messages(cluster), testing::ElementsAre("Scaled up replica set " + set.metadata().name() + " from 0 to 3"));
}

TEST(DeploymentScenario, ARollingUpdateKeepsItsPromisesAtEveryStep) {
  struct Case {
    const char* name;
    const char* surge;
    const char* unavailable;
    int most, least;
  };
  for (const Case& c : {Case{"surge only", "1", "0", 5, 4}, Case{"unavailable only", "0", "1", 4, 3},
                        Case{"both in percent", "25%", "50%", 5, 2}, Case{"all at once", "100%", "0", 8, 4}}) {
    SCOPED_TRACE(c.name);
    Cluster cluster(rollouts());
    cluster.create(make_deployment("default/web").replicas(4).rolling(c.surge, c.unavailable).object());
    ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 4); }));
    set_image(cluster, "img:2");
    int most = 0, least = 100;
    ASSERT_TRUE(cluster.run_until([&] {
      const Pods pods = count(cluster, "img:2");
      most = std::max(most, pods.all);
      least = std::min(least, pods.available);
      return complete(cluster, 4) && pods.old_image == 0;
    }));
    EXPECT_LE(most, c.most);
    EXPECT_GE(least, c.least);
    EXPECT_EQ(cluster.list<ReplicaSet>("default").size(), 2u);
    EXPECT_EQ(cluster.get<Deployment>("default/web").metadata().annotations().at("deployment.kubernetes.io/revision"), "2");
  }
}

TEST(DeploymentScenario, GoingBackReusesTheOldSet) {
  Cluster cluster(rollouts());
  cluster.create(make_deployment("default/web").replicas(2).object());
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 2); }));
  const std::string first = cluster.list<ReplicaSet>("default").at(0).metadata().name();
  set_image(cluster, "img:2");
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 2); }));
  set_image(cluster, "img:1");
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 2) && count(cluster, "img:1").old_image == 0; }));
  const ReplicaSet back = cluster.get<ReplicaSet>("default/" + first);
  EXPECT_EQ(back.spec().replicas(), 2);
  EXPECT_EQ(back.metadata().annotations().at("deployment.kubernetes.io/revision"), "3");
  EXPECT_EQ(back.metadata().annotations().at("deployment.kubernetes.io/revision-history"), "1");
  EXPECT_EQ(cluster.list<ReplicaSet>("default").size(), 2u);
}

TEST(DeploymentScenario, RecreateNeverRunsBoth) {
  Cluster cluster(rollouts());
  Deployment web = make_deployment("default/web").replicas(3);
  web.mutable_spec()->mutable_strategy()->set_type("Recreate");
  cluster.create(web);
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 3); }));
  set_image(cluster, "img:2");
  ASSERT_TRUE(cluster.run_until([&] {
    int old_pods = 0, new_pods = 0;
    for (const Pod& pod : cluster.list<Pod>("default")) ++(pod.spec().containers(0).image() == "img:2" ? new_pods : old_pods);
    EXPECT_TRUE(old_pods == 0 || new_pods == 0);
    return complete(cluster, 3) && old_pods == 0;
  }));
}

TEST(DeploymentScenario, PausingHoldsARolloutAndScalingSharesIt) {
  Cluster cluster(rollouts());
  // Pods take a while to be ready: the pause finds the rollout under way.
  Deployment slow = make_deployment("default/web").replicas(8).rolling("2", "0");
  slow.mutable_spec()
      ->mutable_template_()
      ->mutable_spec()
      ->mutable_containers(0)
      ->mutable_readiness_probe()
      ->set_initial_delay_seconds(5);
  slow.mutable_spec()
      ->mutable_template_()
      ->mutable_spec()
      ->mutable_containers(0)
      ->mutable_readiness_probe()
      ->mutable_handler()
      ->mutable_tcp_socket()
      ->mutable_port()
      ->set_int_val(80);
  cluster.create(slow);
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 8); }));
  set_image(cluster, "img:2");
  cluster.edit<Deployment>("default/web", [](Deployment& web) { web.mutable_spec()->set_paused(true); });
  cluster.advance(1min);
  EXPECT_GT(count(cluster, "img:2").old_image, 0);
  EXPECT_EQ(condition(cluster.get<Deployment>("default/web"), "Progressing"), "Unknown DeploymentPaused");
  cluster.edit<Deployment>("default/web", [](Deployment& web) { web.mutable_spec()->set_replicas(4); });
  cluster.advance(1min);
  EXPECT_LE(count(cluster, "img:2").all, 6);
  cluster.edit<Deployment>("default/web", [](Deployment& web) { web.mutable_spec()->set_paused(false); });
  EXPECT_TRUE(cluster.run_until([&] { return complete(cluster, 4) && count(cluster, "img:2").old_image == 0; }));
}

TEST(DeploymentScenario, ARolloutThatCannotProgressTimesOut) {
  Cluster cluster(loops("deployment,replicaset"));  // nobody runs pods
  Deployment web = make_deployment("default/web").replicas(2);
  web.mutable_spec()->set_progress_deadline_seconds(30);
  cluster.create(web);
  cluster.advance(25s);
  EXPECT_EQ(condition(cluster.get<Deployment>("default/web"), "Progressing"), "True ReplicaSetUpdated");
  cluster.advance(15s);
  EXPECT_EQ(condition(cluster.get<Deployment>("default/web"), "Progressing"), "False ProgressDeadlineExceeded");
}

TEST(DeploymentScenario, ACollidingNameIsPassedBy) {
  Cluster cluster(rollouts());
  cluster.create(make_deployment("default/web").replicas(1).object());
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 1); }));
  const std::string name = cluster.list<ReplicaSet>("default").at(0).metadata().name();
  cluster.remove<Deployment>("default/web", informers::DeleteOptions::orphan());
  cluster.edit<ReplicaSet>("default/" + name, [](ReplicaSet& set) {
    set.mutable_metadata()->clear_owner_references();
    (*set.mutable_metadata()->mutable_labels())["app"] = "another";
  });
  cluster.edit<Deployment>("default/web", [](Deployment& web) { web.mutable_metadata()->clear_finalizers(); });
  cluster.create(make_deployment("default/web").replicas(1).object());
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 1); }));
  EXPECT_EQ(cluster.get<Deployment>("default/web").status().collision_count(), 1);
}

TEST(DeploymentScenario, KeepsItsHistoryShort) {
  Cluster cluster(rollouts());
  Deployment web = make_deployment("default/web").replicas(1);
  web.mutable_spec()->set_revision_history_limit(1);
  cluster.create(web);
  for (const char* image : {"img:2", "img:3", "img:4"}) {
    ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 1); }));
    set_image(cluster, image);
  }
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 1); }));
  cluster.advance(1min);
  EXPECT_EQ(cluster.list<ReplicaSet>("default").size(), 2u);
}

TEST(DeploymentScenario, AFreshStartChangesNothing) {
  Cluster cluster(rollouts());
  cluster.create(make_deployment("default/web").replicas(3).object());
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 3); }));
  cluster.advance(1min);
  const auto sets = [&] {
    std::string out;
    for (const std::string& line : cluster.history()) {
      if (line.find("/deployments/") != std::string::npos || line.find("/replicasets/") != std::string::npos) out += line + "\n";
    }
    return out;
  };
  const std::string before = sets();
  cluster.restart_loops();
  cluster.advance(5min);
  EXPECT_EQ(sets(), before);
}

}  // namespace
}  // namespace ph::sim
