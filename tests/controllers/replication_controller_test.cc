// The replicationcontroller loop: the replicaset's over another kind. What both share is tested with the replicaset.
#include <gmock/gmock.h>

#include "controllers/replication_controller/convert.h"
#include "tests/controllers/scripted_loop.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Pod;
using core::v1::ReplicationController;
using informers::DeleteOptions;
using testing::Each;

TEST(ReplicationControllerConversion, KeepsWhatBothKindsHave) {
  ReplicationController controller = sim::make_replication_controller("shop/web", 3);
  controller.mutable_metadata()->set_uid("u1");
  controller.mutable_metadata()->set_generation(4);
  (*controller.mutable_spec()->mutable_selector())["app"] = "web";
  controller.mutable_spec()->set_min_ready_seconds(7);
  auto& condition = *controller.mutable_status()->add_conditions();
  condition.set_type("ReplicaFailure");
  condition.set_status("True");
  condition.set_reason("FailedCreate");
  condition.set_message("quota");
  api::set_time(condition.mutable_last_transition_time(), Time(5s));
  controller.mutable_status()->set_replicas(2);
  controller.mutable_status()->set_observed_generation(3);

  apps::v1::ReplicaSet set = replication_controller::as_set(controller);
  EXPECT_EQ(set.metadata().uid(), "u1");
  EXPECT_EQ(set.metadata().generation(), 4);
  EXPECT_EQ(set.spec().replicas(), 3);
  EXPECT_EQ(set.spec().min_ready_seconds(), 7);
  EXPECT_EQ(set.spec().selector().match_labels().at("app"), "web");
  EXPECT_EQ(set.spec().template_().spec().containers(0).image(), "img:1");
  set.mutable_status()->set_terminating_replicas(9);
  EXPECT_EQ(api::encode_protobuf(replication_controller::status(set.status())), api::encode_protobuf(controller.status()))
      << "there and back";

  controller.mutable_spec()->clear_replicas();
  EXPECT_FALSE(replication_controller::as_set(controller).spec().has_replicas());
}

// -- In a cluster

constexpr const char* kLoops = "replicationcontroller,garbagecollector";

int replicas(sim::Cluster& cluster) { return cluster.get<ReplicationController>("default/web").status().replicas(); }
int available(sim::Cluster& cluster) { return cluster.get<ReplicationController>("default/web").status().available_replicas(); }

std::vector<std::string> events(sim::Cluster& cluster) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.involved_object().kind() == "ReplicationController")
      out.push_back(event.source().component() + " " + event.reason());
  }
  return out;
}

TEST(ReplicationControllerLoop, MakesExactlyAsManyAsWanted) {
  sim::Cluster cluster(sim::loops(kLoops));
  std::size_t made = 0;
  cluster.on_write([&](const sim::Cluster::Write& write) { made += write.created && write.key.starts_with("/registry/pods/"); });
  cluster.create(sim::make_replication_controller("default/web", 37));
  cluster.advance(10s);
  EXPECT_EQ(made, 37u) << "never one too many, also while the cache lags";
  const ReplicationController controller = cluster.get<ReplicationController>("default/web");
  EXPECT_EQ(controller.spec().selector().at("app"), "web") << "from the template's labels";
  EXPECT_EQ(controller.status().replicas(), 37);
  EXPECT_EQ(controller.status().fully_labeled_replicas(), 37);
  EXPECT_EQ(controller.status().ready_replicas(), 0);
  EXPECT_EQ(controller.status().observed_generation(), 1);
  const Pod pod = cluster.list<Pod>("default").front();
  EXPECT_TRUE(pod.metadata().name().starts_with("web-"));
  const meta::v1::OwnerReference& owner = pod.metadata().owner_references(0);
  EXPECT_EQ(owner.api_version(), "v1");
  EXPECT_EQ(owner.kind(), "ReplicationController");
  EXPECT_EQ(owner.uid(), controller.metadata().uid());
  EXPECT_TRUE(owner.controller());
  EXPECT_TRUE(owner.block_owner_deletion());
  EXPECT_THAT(events(cluster), Each("replication-controller SuccessfulCreate"));
  EXPECT_FALSE(events(cluster).empty());
}

TEST(ReplicationControllerLoop, ScalesAndRestartsOnTheWay) {
  sim::Cluster cluster(sim::loops(kLoops).nodes(2).scheduler());
  cluster.create(sim::make_replication_controller("default/web", 5));
  cluster.advance(100ms);
  cluster.restart_loops();
  ASSERT_TRUE(cluster.run_until([&] { return available(cluster) == 5; }));
  EXPECT_EQ(cluster.list<Pod>("default").size(), 5u);
  cluster.scale<ReplicationController>("default/web", 2);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.list<Pod>("default").size() == 2; }));
  EXPECT_THAT(events(cluster), testing::Contains("replication-controller SuccessfulDelete"));
  cluster.edit<ReplicationController>("default/web", [](ReplicationController& web) { web.mutable_spec()->set_replicas(4); });
  EXPECT_TRUE(cluster.run_until([&] { return available(cluster) == 4; }));
}

TEST(ReplicationControllerLoop, AdoptsOrphansAndReleasesStrangers) {
  sim::Cluster cluster(sim::loops(kLoops));
  Pod orphan = sim::make_pod("default/orphan");
  (*orphan.mutable_metadata()->mutable_labels())["app"] = "web";
  cluster.create(orphan);
  cluster.create(sim::make_replication_controller("default/web", 2));
  cluster.advance(5s);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 2u);
  ASSERT_EQ(cluster.get<Pod>("default/orphan").metadata().owner_references_size(), 1);
  EXPECT_EQ(cluster.get<Pod>("default/orphan").metadata().owner_references(0).kind(), "ReplicationController");
  cluster.edit<Pod>("default/orphan", [](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["app"] = "debug"; });
  cluster.advance(5s);
  EXPECT_EQ(cluster.get<Pod>("default/orphan").metadata().owner_references_size(), 0);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 3u) << "the released one was replaced";
}

TEST(ReplicationControllerLoop, LeavesTheSetsOfReplicaSetsAlone) {
  sim::Cluster cluster(sim::loops("replicaset,replicationcontroller,garbagecollector"));
  cluster.create(sim::make_replica_set("default/web").replicas(2).object());
  cluster.advance(1s);
  cluster.create(sim::make_replication_controller("default/web", 3));  // of the same name and selector
  cluster.advance(1min);
  int of_set = 0, of_controller = 0;
  for (const Pod& pod : cluster.list<Pod>("default")) {
    of_set += pod.metadata().owner_references(0).kind() == "ReplicaSet";
    of_controller += pod.metadata().owner_references(0).kind() == "ReplicationController";
  }
  EXPECT_EQ(of_set, 2);
  EXPECT_EQ(of_controller, 3);
}

TEST(ReplicationControllerLoop, DeletedAsSaid) {
  struct Case {
    const char* name;
    DeleteOptions options;
    std::size_t pods_left;
  };
  for (const Case& c :
       {Case{"in the background", DeleteOptions::background(), 0}, Case{"in the foreground", DeleteOptions::foreground(), 0},
        Case{"leaving orphans", DeleteOptions::orphan(), 3}, Case{"without a word: as in v1's early days", {}, 3}}) {
    SCOPED_TRACE(c.name);
    sim::Cluster cluster(sim::loops(kLoops));
    cluster.create(sim::make_replication_controller("default/web", 3));
    cluster.advance(5s);
    cluster.remove<ReplicationController>("default/web", c.options);
    cluster.advance(2min);
    EXPECT_FALSE(cluster.has<ReplicationController>("default/web"));
    const auto pods = cluster.list<Pod>("default");
    EXPECT_EQ(pods.size(), c.pods_left);
    for (const Pod& pod : pods) EXPECT_EQ(pod.metadata().owner_references_size(), 0);
    // One that comes after it takes them over.
    cluster.create(sim::make_replication_controller("default/web", 3));
    cluster.advance(5s);
    EXPECT_EQ(cluster.list<Pod>("default").size(), 3u);
    EXPECT_EQ(replicas(cluster), 3);
  }
}

TEST(ReplicationControllerLoop, SaysWhyItFails) {
  sim::Cluster cluster(sim::loops(kLoops).access());
  ReplicationController controller = sim::make_replication_controller("default/web", 1);
  controller.mutable_spec()->mutable_template_()->mutable_spec()->set_service_account_name("nobody");
  cluster.create(controller);
  cluster.advance(5s);
  const auto status = cluster.get<ReplicationController>("default/web").status();
  ASSERT_EQ(status.conditions_size(), 1);
  EXPECT_EQ(status.conditions(0).type(), "ReplicaFailure");
  EXPECT_EQ(status.conditions(0).reason(), "FailedCreate");
  EXPECT_THAT(events(cluster), testing::Contains("replication-controller FailedCreate"));
}

TEST(ReplicationControllerLoop, MayDoSoInARealCluster) {
  sim::Cluster cluster(sim::everything(3));
  cluster.create(sim::make_replication_controller("default/web", 4));
  ASSERT_TRUE(cluster.run_until([&] { return available(cluster) == 4; }));
  EXPECT_THAT(events(cluster), Each("replication-controller SuccessfulCreate"));
  cluster.edit<ReplicationController>("default/web", [](ReplicationController& web) { web.mutable_spec()->set_replicas(1); });
  ASSERT_TRUE(cluster.run_until([&] { return cluster.list<Pod>("default").size() == 1 && replicas(cluster) == 1; }));
  cluster.remove<ReplicationController>("default/web", DeleteOptions::background());
  EXPECT_TRUE(cluster.run_until([&] { return cluster.list<Pod>("default").empty(); }));
}

TEST(ReplicationControllerLoop, AFreshStartChangesNothing) {
  sim::Cluster cluster(sim::loops(kLoops));
  cluster.create(sim::make_replication_controller("default/web", 5));
  ASSERT_TRUE(cluster.run_until_quiet());
  const std::size_t before = cluster.history().size();
  cluster.restart_loops();
  cluster.advance(1min);
  EXPECT_EQ(cluster.history().size(), before);
}

TEST(ReplicationControllerLoop, AStatusThatIsRightIsNotWritten) {
  ReplicationController controller = sim::make_replication_controller("default/web", 0);
  (*controller.mutable_spec()->mutable_selector())["app"] = "web";
  controller.mutable_metadata()->set_uid("u1");
  controller.mutable_metadata()->set_resource_version("5");
  controller.mutable_metadata()->set_generation(1);
  controller.mutable_status()->set_observed_generation(1);
  ScriptedLoop loop("replicationcontroller");
  loop.start({{"replicationcontrollers", {&controller}}});
  EXPECT_EQ(loop.request(), "");
  controller.mutable_metadata()->set_resource_version("1006");
  controller.mutable_metadata()->set_generation(2);
  loop.tell("replicationcontrollers", "MODIFIED", controller);
  EXPECT_EQ(loop.request(), "PUT /api/v1/namespaces/default/replicationcontrollers/web/status");
}

}  // namespace
}  // namespace ph::controllers
