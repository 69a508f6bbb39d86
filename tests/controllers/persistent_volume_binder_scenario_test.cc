// The binder in a cluster.
#include <gmock/gmock.h>

#include "api/volumes.h"
#include "tests/controllers/volumes.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/stateful_set.h"

namespace ph::controllers {
namespace {

using core::v1::Event, core::v1::Pod;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Claim = core::v1::PersistentVolumeClaim;
using Volume = core::v1::PersistentVolume;
using StorageClass = storage::v1::StorageClass;

constexpr const char* kProvider = "csi.example.com";
constexpr const char* kProvisioner = "volume.kubernetes.io/storage-provisioner";

sim::Setup binder() { return sim::loops("persistentvolume-binder"); }

std::string phase_of_claim(sim::Cluster& cluster, const std::string& key) { return cluster.get<Claim>(key).status().phase(); }
std::string phase_of_volume(sim::Cluster& cluster, const std::string& key) { return cluster.get<Volume>(key).status().phase(); }

// "reason message", of all that were told of an object.
std::vector<std::string> told_of(sim::Cluster& cluster, const std::string& name) {
  std::vector<std::string> out;
  for (const Event& event : cluster.list<Event>()) {
    if (event.involved_object().name() == name) out.push_back(event.reason() + " " + event.message());
  }
  return out;
}

// What a provisioner does: a volume for each claim that it is asked for one.
void provision(sim::Cluster& cluster) {
  for (const Claim& claim : cluster.list<Claim>()) {
    const auto asked = claim.metadata().annotations().find(kProvisioner);
    if (asked == claim.metadata().annotations().end() || asked->second != kProvider || !claim.spec().volume_name().empty())
      continue;
    const std::string name = "pvc-" + claim.metadata().uid();
    if (cluster.has<Volume>(name)) continue;
    cluster.create(make_volume(name)
                       .of_class(claim.spec().storage_class_name())
                       .reclaim("Delete")
                       .noted("pv.kubernetes.io/provisioned-by", kProvider)
                       .kept_for(key_of(claim).text(), claim.metadata().uid())
                       .object());
  }
}

TEST(VolumeBinderScenario, AClaimGetsTheSmallestThatFits) {
  sim::Cluster cluster(binder());
  for (const auto& [name, size] : {std::pair{"a", "1Gi"}, {"b", "5Gi"}, {"c", "3Gi"}})
    cluster.create(make_volume(name).size(size).object());
  cluster.advance(1s);
  EXPECT_EQ(phase_of_volume(cluster, "c"), "Available");
  cluster.create(make_claim("default/data").size("2Gi").object());
  cluster.advance(1s);
  const Claim claim = cluster.get<Claim>("default/data");
  const Volume volume = cluster.get<Volume>("c");
  EXPECT_EQ(claim.spec().volume_name(), "c");
  EXPECT_EQ(claim.status().phase(), "Bound");
  EXPECT_EQ(claim.status().capacity().at("storage").string(), "3Gi");
  EXPECT_TRUE(api::is_fully_bound(claim));
  EXPECT_EQ(volume.status().phase(), "Bound");
  EXPECT_EQ(volume.spec().claim_ref().uid(), claim.metadata().uid());
  EXPECT_EQ(phase_of_volume(cluster, "a"), "Available");
}

TEST(VolumeBinderScenario, AHundredClaimsAtOnceGetAVolumeEach) {
  sim::Cluster cluster(binder());
  for (int i = 0; i < 100; ++i) cluster.create(make_volume(fmt::format("v{}", i)).object());
  cluster.advance(5s);
  for (int i = 0; i < 100; ++i) cluster.create(make_claim(fmt::format("default/c{}", i)).object());
  cluster.advance(10s);
  std::set<std::string> volumes;
  for (const Claim& claim : cluster.list<Claim>()) {
    EXPECT_EQ(claim.status().phase(), "Bound") << claim.metadata().name();
    volumes.insert(claim.spec().volume_name());
  }
  EXPECT_EQ(volumes.size(), 100u);
}

TEST(VolumeBinderScenario, AVolumeThatComesLaterIsFoundWithThePeriod) {
  sim::Cluster cluster(binder());
  cluster.create(make_claim("default/data").object());
  cluster.advance(2s);
  EXPECT_THAT(told_of(cluster, "data"),
              ElementsAre("FailedBinding no persistent volumes available for this claim and no storage class is set"));
  cluster.create(make_volume("v").object());
  cluster.advance(2s);
  EXPECT_EQ(phase_of_claim(cluster, "default/data"), "Pending");
  cluster.advance(15s);
  EXPECT_EQ(phase_of_claim(cluster, "default/data"), "Bound");
}

TEST(VolumeBinderScenario, ThePeriodIsTheFlags) {
  controllers::Options options;
  options.volume_binder.sync_period = 5min;
  sim::Cluster cluster(binder().options(options));
  cluster.create(make_claim("default/data").object());
  cluster.advance(2s);
  cluster.create(make_volume("v").object());
  cluster.advance(4min);
  EXPECT_EQ(phase_of_claim(cluster, "default/data"), "Pending");
  cluster.advance(1min);
  EXPECT_EQ(phase_of_claim(cluster, "default/data"), "Bound");
}

TEST(VolumeBinderScenario, AStatefulSetGetsItsVolumesWhereItsPodsAre) {
  sim::Cluster cluster(sim::loops("statefulset,persistentvolume-binder").nodes(3).scheduler());
  cluster.create(make_class("local", kProvider, true));
  cluster.create(make_driver("csi.example.com"));
  apps::v1::StatefulSet set = sim::make_stateful_set("default/db").replicas(3).claims("Retain", "Retain");
  set.mutable_spec()->mutable_volume_claim_templates(0)->mutable_spec()->set_storage_class_name("local");
  cluster.create(set);
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<Claim>("default/data-db-0").spec().volume_name(), "");
  const bool ready = cluster.run_until(
      [&] {
        provision(cluster);
        return cluster.get<apps::v1::StatefulSet>("default/db").status().ready_replicas() == 3;
      },
      10min);
  ASSERT_TRUE(ready);
  std::set<std::string> volumes;
  for (int i = 0; i < 3; ++i) {
    const Claim claim = cluster.get<Claim>(fmt::format("default/data-db-{}", i));
    const Pod pod = cluster.get<Pod>(fmt::format("default/db-{}", i));
    EXPECT_EQ(claim.status().phase(), "Bound");
    EXPECT_EQ(claim.metadata().annotations().at(api::kSelectedNode), pod.spec().node_name());
    EXPECT_EQ(claim.metadata().annotations().at(kProvisioner), kProvider);
    EXPECT_EQ(phase_of_volume(cluster, claim.spec().volume_name()), "Bound");
    volumes.insert(claim.spec().volume_name());
  }
  EXPECT_EQ(volumes.size(), 3u);
}

TEST(VolumeBinderScenario, VolumesOnTheNodesAreChosenByTheScheduler) {
  sim::Cluster cluster(sim::loops("statefulset,persistentvolume-binder").nodes(2).scheduler());
  cluster.create(make_class("local", "kubernetes.io/no-provisioner", true));
  cluster.create(make_driver("csi.example.com"));
  cluster.advance(1s);
  for (const char* name : {"a", "b"}) cluster.create(make_volume(name).of_class("local").object());
  apps::v1::StatefulSet set = sim::make_stateful_set("default/db").replicas(2).claims("Retain", "Retain");
  set.mutable_spec()->mutable_volume_claim_templates(0)->mutable_spec()->set_storage_class_name("local");
  cluster.create(set);
  cluster.advance(2min);
  EXPECT_EQ(cluster.get<apps::v1::StatefulSet>("default/db").status().ready_replicas(), 2);
  EXPECT_NE(cluster.get<Claim>("default/data-db-0").spec().volume_name(),
            cluster.get<Claim>("default/data-db-1").spec().volume_name());
}

TEST(VolumeBinderScenario, ADefaultClassReachesClaimsThatWereThereBefore) {
  sim::Cluster cluster(binder());
  cluster.create(make_claim("default/unset").object());
  cluster.create(make_claim("default/empty").of_class("").object());
  cluster.advance(2s);
  cluster.create(by_default(make_class("old", kProvider)));
  cluster.advance(3s);
  cluster.create(by_default(make_class("new", kProvider)));
  cluster.create(make_class("other", kProvider));
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<Claim>("default/unset").spec().storage_class_name(), "new");
  EXPECT_EQ(cluster.get<Claim>("default/unset").metadata().annotations().at(kProvisioner), kProvider);
  EXPECT_EQ(cluster.get<Claim>("default/empty").spec().storage_class_name(), "");
}

TEST(VolumeBinderScenario, AVolumeIsReleasedWithItsClaim) {
  sim::Cluster cluster(binder());
  cluster.create(make_volume("kept").of_class("a").object());
  cluster.create(make_volume("deleted").of_class("b").reclaim("Delete").object());
  cluster.create(
      make_volume("made").of_class("c").reclaim("Delete").noted("pv.kubernetes.io/provisioned-by", kProvider).object());
  cluster.advance(1s);
  for (const char* name : {"a", "b", "c"}) cluster.create(make_claim(std::string("default/") + name).of_class(name).object());
  cluster.advance(1s);
  for (const char* name : {"a", "b", "c"}) cluster.remove<Claim>(std::string("default/") + name);
  cluster.advance(1s);
  EXPECT_EQ(phase_of_volume(cluster, "kept"), "Released");
  EXPECT_EQ(phase_of_volume(cluster, "made"), "Released") << "its provisioner deletes it";
  const Volume failed = cluster.get<Volume>("deleted");
  const std::string why = "error getting deleter volume plugin for volume \"deleted\": no deletable volume plugin matched";
  EXPECT_EQ(failed.status().phase(), "Failed");
  EXPECT_EQ(failed.status().message(), why);
  EXPECT_THAT(told_of(cluster, "deleted"), ElementsAre("VolumeFailedDelete " + why));
  // Another of the name gets nothing of it.
  cluster.create(make_claim("default/a").of_class("a").object());
  cluster.advance(1min);
  EXPECT_EQ(phase_of_claim(cluster, "default/a"), "Pending");
  EXPECT_EQ(phase_of_volume(cluster, "kept"), "Released");
  // Until somebody gives it back.
  cluster.edit<Volume>("kept", [](Volume& volume) { volume.mutable_spec()->clear_claim_ref(); });
  cluster.advance(20s);
  EXPECT_EQ(phase_of_claim(cluster, "default/a"), "Bound");
}

TEST(VolumeBinderScenario, AClaimIsLostWithItsVolume) {
  sim::Cluster cluster(binder());
  cluster.create(make_volume("v").object());
  cluster.advance(1s);
  cluster.create(make_claim("default/data").object());
  cluster.advance(1s);
  ASSERT_EQ(phase_of_claim(cluster, "default/data"), "Bound");
  cluster.remove<Volume>("v");
  cluster.advance(1s);
  const Claim claim = cluster.get<Claim>("default/data");
  EXPECT_EQ(claim.status().phase(), "Lost");
  EXPECT_TRUE(claim.status().capacity().empty());
  cluster.advance(2min);
  EXPECT_THAT(told_of(cluster, "data"),
              ElementsAre("ClaimLost Bound claim has lost its PersistentVolume. Data on the volume is lost!"))
      << "it is told once";
  for (const Event& event : cluster.list<Event>()) EXPECT_EQ(event.count(), 1);
}

TEST(VolumeBinderScenario, WhoFindsItsVolumeTakenWaitsOrIsGivenAnother) {
  sim::Cluster cluster(binder());
  cluster.create(make_volume("v").object());
  cluster.advance(1s);
  cluster.create(make_claim("default/first").volume("v").object());
  cluster.create(make_claim("default/second").volume("v").object());
  cluster.advance(1min);
  EXPECT_EQ(phase_of_claim(cluster, "default/first"), "Bound");
  EXPECT_EQ(phase_of_claim(cluster, "default/second"), "Pending");
  // A volume of the scheduler's choice, for a claim that has another by now.
  const std::string uid = cluster.get<Claim>("default/first").metadata().uid();
  cluster.create(make_volume("w").kept_for("default/first", uid).noted(api::kBoundByController).object());
  cluster.create(make_volume("x").kept_for("default/first", uid).object());
  cluster.advance(1s);
  EXPECT_EQ(phase_of_volume(cluster, "w"), "Available");
  EXPECT_FALSE(cluster.get<Volume>("w").spec().has_claim_ref());
  EXPECT_EQ(phase_of_volume(cluster, "x"), "Available");
  EXPECT_EQ(cluster.get<Volume>("x").spec().claim_ref().name(), "first") << "its user has kept it for that claim";
}

TEST(VolumeBinderScenario, ThePodThatAClaimWaitsForIsTold) {
  sim::Cluster cluster(binder());
  cluster.create(make_class("waits", kProvider, true));
  cluster.advance(1s);
  cluster.create(make_claim("default/data").of_class("waits").object());
  cluster.advance(1s);
  Pod pod = sim::make_pod("default/web-0");
  auto& volume = *pod.mutable_spec()->add_volumes();
  volume.set_name("data");
  volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name("data");
  cluster.create(pod);
  cluster.advance(16s);
  EXPECT_THAT(told_of(cluster, "data"),
              UnorderedElementsAre("WaitForFirstConsumer waiting for first consumer to be created before binding",
                                   "WaitForPodScheduled waiting for pod web-0 to be scheduled"));
  cluster.edit<Claim>("default/data",
                      [](Claim& claim) { (*claim.mutable_metadata()->mutable_annotations())[api::kSelectedNode] = "n1"; });
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<Claim>("default/data").metadata().annotations().at(kProvisioner), kProvider);
  provision(cluster);
  cluster.advance(1s);
  EXPECT_EQ(phase_of_claim(cluster, "default/data"), "Bound");
}

TEST(VolumeBinderScenario, SinceWhenAVolumeIsInItsPhase) {
  sim::Cluster cluster(binder());
  cluster.create(make_volume("v").object());
  cluster.advance(10s);
  const auto since = [&] { return api::to_time(cluster.get<Volume>("v").status().last_phase_transition_time()); };
  const Time available = since();
  cluster.create(make_claim("default/data").object());
  cluster.advance(10s);
  EXPECT_GT(since(), available);
}

}  // namespace
}  // namespace ph::controllers
