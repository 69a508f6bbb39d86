// The hollow driver and directories of a node: whose volumes are made, attached, let grow and deleted.
#include <gmock/gmock.h>

#include "api/times.h"
#include "controllers/hollow_csi/plan.h"
#include "tests/controllers/volumes.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers::hollow_csi {
namespace {

using core::v1::Event, core::v1::Node, core::v1::Pod;
using storage::v1::StorageClass;
using testing::Contains, testing::ElementsAre, testing::HasSubstr, testing::IsEmpty;

constexpr const char* kAsked = "volume.kubernetes.io/storage-provisioner";
constexpr const char* kAskedOfOld = "volume.beta.kubernetes.io/storage-provisioner";
constexpr const char* kChosen = "volume.kubernetes.io/selected-node";
constexpr const char* kMadeBy = "pv.kubernetes.io/provisioned-by";

// -- The rules

TEST(HollowCsi, WhoseVolumeIsToBeMade) {
  Claim going = make_claim("default/c").noted(kAsked, kDriver);
  api::set_time(going.mutable_metadata()->mutable_deletion_timestamp(), Time(1s));
  EXPECT_TRUE(is_to_provision(make_claim("default/c").noted(kAsked, kDriver), kDriver));
  EXPECT_TRUE(is_to_provision(make_claim("default/c").noted(kAskedOfOld, kDriver), kDriver));
  EXPECT_FALSE(is_to_provision(make_claim("default/c").noted(kAsked, "other").noted(kAskedOfOld, kDriver), kDriver));
  EXPECT_FALSE(is_to_provision(make_claim("default/c"), kDriver));
  EXPECT_FALSE(is_to_provision(make_claim("default/c").noted(kAsked, kDriver).volume("v"), kDriver));
  EXPECT_FALSE(is_to_provision(going, kDriver));
}

TEST(HollowCsi, TheVolumeThatIsMade) {
  StorageClass of = make_class("fast", kDriver);
  of.set_reclaim_policy("Delete");
  of.add_mount_options("noatime");
  const Claim claim = make_claim("default/c").uid("u1").of_class("fast").size("3Gi").modes({"ReadWriteMany"}).block();
  const auto volume = volume_for(claim, of, nullptr);
  ASSERT_TRUE(volume) << volume.error();
  EXPECT_EQ(volume->metadata().name(), "pvc-u1");
  EXPECT_EQ(volume->metadata().annotations().at(kMadeBy), kDriver);
  EXPECT_THAT(volume->metadata().finalizers(), ElementsAre(kProvisionerFinalizer));
  const auto& spec = volume->spec();
  EXPECT_EQ(spec.capacity().at("storage").string(), "3Gi");
  EXPECT_THAT(spec.access_modes(), ElementsAre("ReadWriteMany"));
  EXPECT_THAT(spec.mount_options(), ElementsAre("noatime"));
  EXPECT_EQ(spec.volume_mode(), "Block");
  EXPECT_EQ(spec.persistent_volume_reclaim_policy(), "Delete");
  EXPECT_EQ(spec.storage_class_name(), "fast");
  EXPECT_EQ(spec.claim_ref().uid(), "u1");
  EXPECT_EQ(spec.persistent_volume_source().csi().driver(), kDriver);
  EXPECT_EQ(spec.persistent_volume_source().csi().volume_handle(), "pvc-u1");
  EXPECT_FALSE(spec.has_node_affinity());

  of.set_reclaim_policy("Retain");
  EXPECT_THAT(volume_for(claim, of, nullptr)->metadata().finalizers(), IsEmpty());
}

TEST(HollowCsi, ADirectoryIsOneOfANode) {
  const StorageClass of = make_class("local", kHostPath, true);
  const Claim claim = make_claim("default/c").uid("u1").of_class("local");
  Node node;
  node.mutable_metadata()->set_name("n1");
  (*node.mutable_metadata()->mutable_labels())["kubernetes.io/hostname"] = "host-1";
  const auto volume = volume_for(claim, of, &node);
  ASSERT_TRUE(volume) << volume.error();
  EXPECT_EQ(volume->spec().persistent_volume_source().host_path().path(), "/var/lib/pilothouse/volumes/pvc-u1");
  const auto& requirement = volume->spec().node_affinity().required().node_selector_terms(0).match_expressions(0);
  EXPECT_EQ(requirement.key(), "kubernetes.io/hostname");
  EXPECT_THAT(requirement.values(), ElementsAre("host-1"));
  EXPECT_THAT(volume_for(claim, of, nullptr).error(), HasSubstr("none has been chosen"));
  EXPECT_THAT(volume_for(make_claim("default/c").block(), of, &node).error(), HasSubstr("no block device"));
}

TEST(HollowCsi, WhatNoVolumeIsMadeFor) {
  const StorageClass of = make_class("fast", kDriver);
  EXPECT_THAT(volume_for(make_claim("default/c").selects("a", "b"), of, nullptr).error(), HasSubstr("Selector"));
  EXPECT_THAT(volume_for(make_claim("default/c").size("large"), of, nullptr).error(), HasSubstr("asks for no size"));
  Claim sizeless = make_claim("default/c");
  sizeless.mutable_spec()->mutable_resources()->clear_requests();
  EXPECT_THAT(volume_for(sizeless, of, nullptr).error(), HasSubstr("asks for no size"));
  Claim copy = make_claim("default/c");
  copy.mutable_spec()->mutable_data_source()->set_name("snapshot");
  EXPECT_THAT(volume_for(copy, of, nullptr).error(), HasSubstr("snapshots"));
}

TEST(HollowCsi, WhichVolumesAreDeleted) {
  const auto made = [](const char* policy, const char* phase) {
    return make_volume("v").noted(kMadeBy, kDriver).reclaim(policy).phase(phase);
  };
  EXPECT_TRUE(is_to_delete(made("Delete", "Released"), kDriver));
  EXPECT_FALSE(is_to_delete(made("Delete", "Released"), kHostPath));
  EXPECT_FALSE(is_to_delete(made("Delete", "Bound"), kDriver));
  EXPECT_FALSE(is_to_delete(made("Retain", "Released"), kDriver));
  EXPECT_FALSE(is_to_delete(made("Delete", "Released").deleting(), kDriver));
  EXPECT_TRUE(is_to_let_go(made("Delete", "Released").deleting().finalizer(kProvisionerFinalizer), kDriver));
  EXPECT_FALSE(is_to_let_go(made("Delete", "Bound").deleting().finalizer(kProvisionerFinalizer), kDriver));
  EXPECT_FALSE(is_to_let_go(made("Delete", "Released").deleting(), kDriver));
}

informers::Ref<Attachment> asked_for(const std::string& name, int second, bool begun = false, bool attached = false) {
  auto out = std::make_shared<Attachment>();
  out->mutable_metadata()->set_name(name);
  api::set_time(out->mutable_metadata()->mutable_creation_timestamp(), Time(std::chrono::seconds(second)));
  if (begun) out->mutable_metadata()->add_finalizers(kAttacherFinalizer);
  out->mutable_spec()->set_node_name("on-" + name);
  out->mutable_status()->set_attached(attached);
  return out;
}

TEST(HollowCsi, WhoGetsAVolumeForOneNode) {
  const auto taken = [](std::vector<informers::Ref<Attachment>> all) {
    std::ranges::sort(all, [](const auto& a, const auto& b) { return is_before(*a, *b); });
    return taken_by(all);
  };
  EXPECT_EQ(taken({}), "");
  EXPECT_EQ(taken({asked_for("a", 2), asked_for("b", 1)}), "on-b");
  EXPECT_EQ(taken({asked_for("b", 1), asked_for("a", 1)}), "on-a");
  // Of those that the driver has begun with, and that have the volume.
  EXPECT_EQ(taken({asked_for("a", 2, true), asked_for("b", 1)}), "on-a");
  EXPECT_EQ(taken({asked_for("a", 1, true), asked_for("b", 2, true, true)}), "on-b");

  const auto deleted = [](const informers::Ref<Attachment>& of) {
    auto out = std::make_shared<Attachment>(*of);
    api::set_time(out->mutable_metadata()->mutable_deletion_timestamp(), Time(9s));
    return informers::Ref<Attachment>(out);
  };
  EXPECT_EQ(taken({deleted(asked_for("a", 1, true, true)), asked_for("b", 2)}), "on-a");
  EXPECT_EQ(taken({deleted(asked_for("a", 1, true)), asked_for("b", 2)}), "on-b");
  EXPECT_EQ(taken({deleted(asked_for("a", 1, true))}), "");
}

TEST(HollowCsi, WhichVolumesMayBeOnManyNodes) {
  EXPECT_FALSE(is_shared(make_volume("v")));
  EXPECT_FALSE(is_shared(make_volume("v").modes({"ReadWriteOncePod"})));
  EXPECT_TRUE(is_shared(make_volume("v").modes({"ReadWriteOnce", "ReadWriteMany"})));
  EXPECT_TRUE(is_shared(make_volume("v").modes({"ReadOnlyMany"})));
}

// -- In a cluster

constexpr const char* kAll =
    "statefulset,persistentvolume-binder,attachdetach,persistentvolume-expander,pv-protection,pvc-protection,"
    "hollow-csi-provisioner,hollow-csi-attacher,hollow-csi-resizer,podgc,garbagecollector";

class HollowCsiScenario : public testing::Test {
 protected:
  void begin(const std::string& loops, int nodes) {
    cluster.emplace(sim::loops(loops).nodes(nodes).scheduler());
    storage::v1::CSIDriver driver;
    driver.mutable_metadata()->set_name(kDriver);
    driver.mutable_spec()->set_attach_required(true);
    cluster->create(driver);
    StorageClass of = make_class("hollow", kDriver, true);
    of.set_allow_volume_expansion(true);
    cluster->create(of);
  }
  void stateful_set(int replicas) {
    apps::v1::StatefulSet set;
    set.mutable_metadata()->set_namespace_("default");
    set.mutable_metadata()->set_name("db");
    auto& spec = *set.mutable_spec();
    spec.set_replicas(replicas);
    spec.set_service_name("db");
    (*spec.mutable_selector()->mutable_match_labels())["app"] = "db";
    (*spec.mutable_template_()->mutable_metadata()->mutable_labels())["app"] = "db";
    auto& container = *spec.mutable_template_()->mutable_spec()->add_containers();
    container.set_name("c");
    container.set_image("db:1");
    auto& mount = *container.add_volume_mounts();
    mount.set_name("data");
    mount.set_mount_path("/data");
    *spec.add_volume_claim_templates() = make_claim("default/data").of_class("hollow").object();
    spec.mutable_volume_claim_templates(0)->mutable_metadata()->clear_namespace_();
    cluster->create(set);
  }
  // "volume node", of what is attached.
  std::vector<std::string> attached() {
    std::vector<std::string> out;
    for (const Attachment& each : cluster->list<Attachment>()) {
      if (each.status().attached()) out.push_back(each.spec().source().persistent_volume_name() + " " + each.spec().node_name());
    }
    return out;
  }
  std::vector<std::string> reasons() {
    std::vector<std::string> out;
    for (const Event& event : cluster->list<Event>()) out.push_back(event.reason());
    return out;
  }
  std::optional<sim::Cluster> cluster;
};

TEST_F(HollowCsiScenario, AStatefulSetGetsVolumesThatGrowAndOutliveItsPods) {
  begin(kAll, 2);
  stateful_set(2);
  cluster->advance(1min);
  std::vector<std::string> volumes;
  for (const char* name : {"db-0", "db-1"}) {
    const Pod pod = cluster->get<Pod>(std::string("default/") + name);
    EXPECT_EQ(pod.status().phase(), "Running") << name;
    const Claim claim = cluster->get<Claim>(std::string("default/data-") + name);
    EXPECT_EQ(claim.status().phase(), "Bound");
    EXPECT_EQ(claim.metadata().annotations().at(kChosen), pod.spec().node_name());
    EXPECT_THAT(attached(), Contains(claim.spec().volume_name() + " " + pod.spec().node_name()));
    volumes.push_back(claim.spec().volume_name());
  }
  EXPECT_THAT(reasons(), Contains("ProvisioningSucceeded"));

  cluster->edit<Claim>("default/data-db-0", [](Claim& claim) {
    (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("4Gi");
  });
  cluster->advance(1min);
  const Claim grown = cluster->get<Claim>("default/data-db-0");
  EXPECT_EQ(grown.status().capacity().at("storage").string(), "4Gi");
  EXPECT_EQ(grown.status().conditions_size(), 0);
  EXPECT_EQ(cluster->get<Volume>(volumes[0]).spec().capacity().at("storage").string(), "4Gi");
  EXPECT_THAT(reasons(), Contains("VolumeResizeSuccessful"));

  // A pod that is made again has the volume that it had.
  cluster->remove<Pod>("default/db-0");
  cluster->advance(2min);
  EXPECT_EQ(cluster->get<Pod>("default/db-0").status().phase(), "Running");
  EXPECT_EQ(cluster->get<Claim>("default/data-db-0").spec().volume_name(), volumes[0]);
  EXPECT_EQ(attached().size(), 2u);

  // With its claim a volume goes, when it is attached no more.
  cluster->remove<apps::v1::StatefulSet>("default/db");
  cluster->advance(3min);
  EXPECT_THAT(attached(), IsEmpty());
  cluster->remove<Claim>("default/data-db-0");
  cluster->advance(3min);
  ASSERT_EQ(cluster->list<Volume>().size(), 1u);
  EXPECT_EQ(cluster->list<Volume>()[0].metadata().name(), volumes[1]);
}

TEST_F(HollowCsiScenario, AVolumeIsNeverOnTwoNodes) {
  begin(kAll, 3);
  stateful_set(1);
  cluster->advance(1min);
  const std::string before = cluster->get<Pod>("default/db-0").spec().node_name();
  // The node is lost and said to be out of service: the pod goes elsewhere, its volume after it.
  cluster->edit<Node>(before, [](Node& node) {
    auto& taint = *node.mutable_spec()->add_taints();
    taint.set_key("node.kubernetes.io/out-of-service");
    taint.set_value("nodeshutdown");
    taint.set_effect("NoExecute");
    node.mutable_spec()->set_unschedulable(true);
  });
  informers::DeleteOptions at_once;
  at_once.grace_seconds = 0;
  cluster->remove<Pod>("default/db-0", at_once);
  for (int i = 0; i < 120; ++i) {
    cluster->advance(5s);
    ASSERT_LE(attached().size(), 1u);
  }
  const Pod pod = cluster->get<Pod>("default/db-0");
  EXPECT_NE(pod.spec().node_name(), before);
  EXPECT_EQ(pod.status().phase(), "Running");
  EXPECT_THAT(attached(),
              ElementsAre(cluster->get<Claim>("default/data-db-0").spec().volume_name() + " " + pod.spec().node_name()));
}

TEST_F(HollowCsiScenario, WhatIsAttachedIsNotDeletedThoughSomebodyAsksForIt) {
  begin("hollow-csi-provisioner,hollow-csi-attacher,persistentvolume-binder", 1);
  cluster->create(make_claim("default/c").of_class("hollow").noted(kChosen, "node-0").object());
  cluster->advance(1min);
  const std::string volume = cluster->get<Claim>("default/c").spec().volume_name();
  ASSERT_FALSE(volume.empty());
  for (const char* node : {"node-0", "node-1"}) {
    Attachment attachment;
    attachment.mutable_metadata()->set_name(node);
    attachment.mutable_spec()->set_attacher(kDriver);
    attachment.mutable_spec()->set_node_name(node);
    attachment.mutable_spec()->mutable_source()->set_persistent_volume_name(volume);
    cluster->create(attachment);
  }
  cluster->advance(10s);
  EXPECT_THAT(attached(), ElementsAre(volume + " node-0"));
  EXPECT_THAT(cluster->get<Attachment>("node-1").status().attach_error().message(), HasSubstr("is attached to node node-0"));

  cluster->remove<Claim>("default/c");
  cluster->advance(1min);
  EXPECT_THAT(reasons(), Contains("VolumeFailedDelete"));
  cluster->remove<Volume>(volume);
  cluster->advance(1min);
  EXPECT_TRUE(cluster->has<Volume>(volume));
  cluster->remove<Attachment>("node-0");
  cluster->advance(10s);
  EXPECT_THAT(attached(), ElementsAre(volume + " node-1"));
  EXPECT_TRUE(cluster->has<Volume>(volume));
  cluster->remove<Attachment>("node-1");
  cluster->advance(1min);
  EXPECT_FALSE(cluster->has<Volume>(volume));
}

TEST_F(HollowCsiScenario, ANodeThatIsGoneIsForgotten) {
  begin("hollow-csi-provisioner,persistentvolume-binder", 1);
  cluster->create(make_claim("default/c").of_class("hollow").noted(kChosen, "gone").object());
  cluster->advance(1min);
  EXPECT_FALSE(cluster->get<Claim>("default/c").metadata().annotations().contains(kChosen));
  EXPECT_THAT(cluster->list<Volume>(), IsEmpty());
  EXPECT_THAT(reasons(), Contains("ProvisioningFailed"));
}

}  // namespace
}  // namespace ph::controllers::hollow_csi
