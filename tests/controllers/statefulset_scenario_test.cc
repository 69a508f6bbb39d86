// The statefulset loop in a simulated cluster: what the recorded scenarios (tests/vectors) do not show.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/codec.h"
#include "tests/sim/cluster.h"
#include "tests/sim/custom.h"
#include "tests/sim/stateful_set.h"

namespace ph::sim {
namespace {

using apps::v1::ControllerRevision;
using apps::v1::StatefulSet;
using core::v1::PersistentVolumeClaim;
using core::v1::Pod;
using testing::Contains, testing::ElementsAre, testing::HasSubstr, testing::IsEmpty, testing::UnorderedElementsAre;

std::vector<std::string> pods(Cluster& cluster) {
  std::vector<std::string> out;
  for (const Pod& pod : cluster.list<Pod>("default")) out.push_back(pod.metadata().name());
  return out;
}

// "Type Reason: message" of what the loop told.
std::vector<std::string> told(Cluster& cluster) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.source().component() != "statefulset-controller") continue;
    out.push_back(fmt::format("{} {}: {}", event.type(), event.reason(), event.message()));
  }
  return out;
}

int available(Cluster& cluster) { return cluster.get<StatefulSet>("default/web").status().available_replicas(); }

TEST(StatefulSetScenario, RunsOnNodesFromCreationToDeletion) {
  Cluster cluster(loops("statefulset,garbagecollector").nodes(2).scheduler());
  std::vector<std::string> made;
  cluster.on_write([&](const Cluster::Write& write) {
    if (write.created && write.key.starts_with("/registry/pods/")) made.push_back(write.key.substr(write.key.rfind('/') + 1));
  });
  cluster.create(make_stateful_set("default/web").replicas(3).object());
  ASSERT_TRUE(cluster.run_until([&] { return available(cluster) == 3; }));
  EXPECT_THAT(made, ElementsAre("web-0", "web-1", "web-2"));
  cluster.edit<StatefulSet>("default/web", [](StatefulSet& set) {
    set.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image("img:2");
  });
  ASSERT_TRUE(cluster.run_until([&] {
    const auto status = cluster.get<StatefulSet>("default/web").status();
    return status.available_replicas() == 3 && status.updated_replicas() == 3 &&
           status.current_revision() == status.update_revision();
  }));
  EXPECT_THAT(made, ElementsAre("web-0", "web-1", "web-2", "web-2", "web-1", "web-0"));
  for (const Pod& pod : cluster.list<Pod>("default")) EXPECT_EQ(pod.spec().containers(0).image(), "img:2");
  cluster.remove<StatefulSet>("default/web", informers::DeleteOptions::foreground());
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.has<StatefulSet>("default/web"); }));
  EXPECT_THAT(pods(cluster), IsEmpty());
  EXPECT_THAT(cluster.list<ControllerRevision>("default"), IsEmpty());
  EXPECT_EQ(made.size(), 6u) << "nothing is made for a set that ends";
}

TEST(StatefulSetScenario, LeavesARevisionOfAnotherTemplateItsName) {
  // The first set shows the name; then something else has it.
  Cluster cluster(loops("statefulset"));
  cluster.create(make_stateful_set("default/web").replicas(0).object());
  cluster.advance(1s);
  ControllerRevision taken;
  taken.mutable_metadata()->set_namespace_("default");
  taken.mutable_metadata()->set_name(cluster.get<StatefulSet>("default/web").status().update_revision());
  taken.mutable_data()->set_raw(R"({"spec":"else"})");
  taken.set_revision(9);
  cluster.remove<StatefulSet>("default/web");
  cluster.remove<ControllerRevision>("default/" + taken.metadata().name());
  cluster.create(taken);
  cluster.create(make_stateful_set("default/web").replicas(0).object());
  cluster.advance(1s);
  const auto status = cluster.get<StatefulSet>("default/web").status();
  EXPECT_NE(status.update_revision(), taken.metadata().name());
  EXPECT_EQ(status.collision_count(), 1);
  EXPECT_EQ(cluster.get<ControllerRevision>("default/" + status.update_revision()).revision(), 1);
}

TEST(StatefulSetScenario, KnowsTheRevisionOfAnOlderServer) {
  Cluster cluster(loops("statefulset").later());
  const StatefulSet set = cluster.create(make_stateful_set("default/web").replicas(1).object());
  ControllerRevision old;
  old.mutable_metadata()->set_namespace_("default");
  old.mutable_metadata()->set_name("web-of-1-33");
  (*old.mutable_metadata()->mutable_labels())["app"] = "web";
  auto& owner = *old.mutable_metadata()->add_owner_references();
  owner.set_api_version("apps/v1");
  owner.set_kind("StatefulSet");
  owner.set_name("web");
  owner.set_uid(set.metadata().uid());
  owner.set_controller(true);
  std::string data = api::encode_json(set.spec().template_());
  data.replace(data.find("\"metadata\":{"), 12, R"("$patch":"replace","metadata":{"creationTimestamp":null,)");
  old.mutable_data()->set_raw(R"({"spec":{"template":)" + data + "}}");
  old.set_revision(4);
  cluster.create(old);
  cluster.restart_loops();
  cluster.advance(5s);
  EXPECT_EQ(cluster.list<ControllerRevision>("default").size(), 1u) << "no new revision, nothing is rolled out";
  EXPECT_EQ(cluster.get<Pod>("default/web-0").metadata().labels().at("controller-revision-hash"), "web-of-1-33");
}

TEST(StatefulSetScenario, BringsAnOldTemplateBackBelowThePartition) {
  Cluster cluster(loops("statefulset").nodes(1).scheduler());
  cluster.create(make_stateful_set("default/web").replicas(2).partition(2).object());
  ASSERT_TRUE(cluster.run_until([&] { return available(cluster) == 2; }));
  cluster.edit<StatefulSet>("default/web", [](StatefulSet& set) {
    set.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image("img:2");
  });
  cluster.advance(10s);
  cluster.remove<Pod>("default/web-0", {.grace_seconds = 0});
  ASSERT_TRUE(cluster.run_until([&] { return available(cluster) == 2; }));
  EXPECT_EQ(cluster.get<Pod>("default/web-0").spec().containers(0).image(), "img:1");
}

TEST(StatefulSetScenario, GivesClaimsToTheGarbageCollectorAsThePolicyWants) {
  struct Case {
    const char *when_deleted, *when_scaled;
    std::vector<std::string> scaled, deleted;  // claims that are left
  };
  const Case cases[] = {
      {"Retain", "Retain", {"data-web-0", "data-web-1"}, {"data-web-0", "data-web-1"}},
      {"Retain", "Delete", {"data-web-0"}, {"data-web-0"}},
      {"Delete", "Retain", {"data-web-0", "data-web-1"}, {}},
      {"Delete", "Delete", {"data-web-0"}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("deleted {}, scaled {}", c.when_deleted, c.when_scaled));
    Cluster cluster(loops("statefulset,garbagecollector"));
    const auto claims = [&] {
      std::vector<std::string> out;
      for (const auto& claim : cluster.list<PersistentVolumeClaim>("default")) out.push_back(claim.metadata().name());
      return out;
    };
    cluster.create(make_stateful_set("default/web").replicas(2).parallel().claims(c.when_deleted, c.when_scaled).object());
    cluster.advance(10s);
    EXPECT_EQ(claims().size(), 2u);
    cluster.scale<StatefulSet>("default/web", 1);
    cluster.advance(1min);
    EXPECT_THAT(claims(), testing::ElementsAreArray(c.scaled));
    cluster.scale<StatefulSet>("default/web", 2);
    cluster.advance(1min);
    EXPECT_EQ(claims().size(), 2u) << "made anew";
    EXPECT_EQ(pods(cluster).size(), 2u);
    cluster.scale<StatefulSet>("default/web", 1);
    cluster.advance(1min);
    cluster.remove<StatefulSet>("default/web");
    cluster.advance(2min);
    EXPECT_THAT(claims(), testing::ElementsAreArray(c.deleted));
  }
}

TEST(StatefulSetScenario, TellsOfAnAdoptedPodThatCannotMountItsClaim) {
  Cluster cluster(loops("statefulset").nodes(1).scheduler());
  Pod orphan = make_pod("default/web-0");
  (*orphan.mutable_metadata()->mutable_labels())["app"] = "web";
  cluster.create(orphan);
  cluster.advance(10s);
  cluster.create(make_stateful_set("default/web").replicas(1).claims("Retain", "Retain").object());
  cluster.advance(1min);
  EXPECT_THAT(told(cluster), Contains(HasSubstr("Warning FailedUpdate: Update Pod web-0 in StatefulSet web failed error: ")));
  EXPECT_TRUE(cluster.has<Pod>("default/web-0"));
  cluster.remove<Pod>("default/web-0", {.grace_seconds = 0});
  cluster.advance(20min);
  EXPECT_EQ(cluster.get<Pod>("default/web-0").spec().volumes_size(), 1) << "the next one does";
}

TEST(StatefulSetScenario, MakesNothingInANamespaceThatEnds) {
  Cluster cluster(loops("statefulset,namespace").access().without_admission({"ServiceAccount"}));
  cluster.create(make_namespace("shop"));
  cluster.create(make_stateful_set("shop/web").replicas(1).object());
  cluster.advance(5s);
  cluster.remove<core::v1::Namespace>("shop");
  cluster.advance(5min);
  EXPECT_FALSE(cluster.has<core::v1::Namespace>("shop"));
}

TEST(StatefulSetScenario, AnAbsurdHistoryKeepsNobodyUp) {
  Cluster cluster(loops("statefulset"));
  const auto odd = [](const char* data) {
    ControllerRevision out;
    out.mutable_metadata()->set_namespace_("default");
    out.mutable_metadata()->set_name(fmt::format("odd-{}", std::string_view(data).size()));
    (*out.mutable_metadata()->mutable_labels())["app"] = "web";
    out.mutable_data()->set_raw(data);
    out.set_revision(std::numeric_limits<std::int64_t>::max());
    return out;
  };
  for (const char* data : {"{}", R"({"spec":7})", R"({"spec":{"template":[]}})"}) cluster.create(odd(data));
  const StatefulSet set = cluster.create(make_stateful_set("default/web").replicas(1).object());
  // What no server takes any more, and one may have left there: the set's own, for it could not be adopted.
  ControllerRevision left = odd("7");
  left.mutable_metadata()->set_uid("left");
  add_owner(left.mutable_metadata(), "apps/v1", "StatefulSet", set.metadata());
  left.mutable_metadata()->mutable_owner_references(0)->set_controller(true);
  cluster.plant("/registry/controllerrevisions/default/odd-1", api::encode_envelope(left));
  const auto turns = cluster.turns();
  cluster.advance(10min);
  EXPECT_THAT(pods(cluster), ElementsAre("web-0"));
  EXPECT_LT(cluster.turns() - turns, 20'000u) << "it does not spin";
}

}  // namespace
}  // namespace ph::sim
