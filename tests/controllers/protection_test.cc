// The loops that keep claims, volumes and volume attributes classes while they are used.
#include "controllers/common/protection.h"

#include <gmock/gmock.h>

#include "api/codec.h"
#include "controllers/persistent_volume_claim_protection/plan.h"
#include "controllers/persistent_volume_protection/plan.h"
#include "controllers/volume_attributes_class_protection/plan.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using claim_protection::Claim;
using class_protection::Class;
using core::v1::Pod;
using informers::PodView;
using testing::ElementsAre;
using testing::IsEmpty;
using volume_protection::Volume;

constexpr const char* kHeld = "example.com/held";

Claim make_claim(const std::string& key) {
  Claim claim;
  const ObjectKey parsed = ObjectKey::parse(key);
  claim.mutable_metadata()->set_namespace_(parsed.namespace_name);
  claim.mutable_metadata()->set_name(parsed.name);
  claim.mutable_spec()->add_access_modes("ReadWriteOnce");
  (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
  return claim;
}

// Uses claim `claim` by a volume, or brings its own by one of that name.
Pod with_claim(Pod pod, const std::string& claim) {
  auto& volume = *pod.mutable_spec()->add_volumes();
  volume.set_name("v");
  volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(claim);
  return pod;
}
Pod with_own(Pod pod, const std::string& volume_name) {
  auto& volume = *pod.mutable_spec()->add_volumes();
  volume.set_name(volume_name);
  auto& spec = *volume.mutable_volume_source()->mutable_ephemeral()->mutable_volume_claim_template()->mutable_spec();
  spec.add_access_modes("ReadWriteOnce");
  (*spec.mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
  return pod;
}
Pod with_uid(Pod pod, const std::string& uid) { return pod.mutable_metadata()->set_uid(uid), pod; }
Pod deleting(Pod pod, int grace) {
  api::set_time(pod.mutable_metadata()->mutable_deletion_timestamp(), Time(1s));
  pod.mutable_metadata()->set_deletion_grace_period_seconds(grace);
  return pod;
}
Pod ended(Pod pod) { return pod.mutable_status()->set_phase("Failed"), pod; }

std::shared_ptr<const PodView> view(const Pod& pod) { return PodView::decode(api::encode_protobuf(pod)); }

Claim of_pod(Claim claim, const std::string& uid) {
  auto& owner = *claim.mutable_metadata()->add_owner_references();
  owner.set_uid(uid);
  owner.set_controller(true);
  return claim;
}

TEST(Protection, WhatIsToBeDone) {
  struct Case {
    const char* name;
    std::vector<std::string> finalizers;
    bool deleted;
    Protection protection;
  };
  const Case cases[] = {
      {"it has it", {kHeld, "f"}, false, Protection::Fits},
      {"it lacks it", {kHeld}, false, Protection::Lacks},
      {"deleted, and has it", {"f", kHeld}, true, Protection::Leaving},
      {"deleted, and was let go", {kHeld}, true, Protection::Fits},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    meta::v1::ObjectMeta metadata;
    metadata.mutable_finalizers()->Assign(c.finalizers.begin(), c.finalizers.end());
    if (c.deleted) api::set_time(metadata.mutable_deletion_timestamp(), Time(1s));
    EXPECT_EQ(protection_of(metadata, "f"), c.protection);
  }
  meta::v1::ObjectMeta metadata;
  metadata.add_finalizers(kHeld);
  add_finalizer(metadata, "f");
  EXPECT_THAT(metadata.finalizers(), ElementsAre(kHeld, "f"));
  drop_finalizer(metadata, "f");
  EXPECT_THAT(metadata.finalizers(), ElementsAre(kHeld));
}

TEST(ClaimProtection, WhichPodsUseIt) {
  const Claim claim = make_claim("shop/data"), own = of_pod(make_claim("shop/web-tmp"), "u1");
  const Pod pod = with_uid(sim::make_pod("shop/web", "n1"), "u1");
  struct Case {
    const char* name;
    Pod pod;
    const Claim* claim;
    bool uses;
  };
  const Case cases[] = {
      {"by name", with_claim(pod, "data"), &claim, true},
      {"another claim", with_claim(pod, "logs"), &claim, false},
      {"the second of its volumes", with_claim(with_claim(pod, "logs"), "data"), &claim, true},
      {"a pod of another namespace", with_claim(sim::make_pod("bank/web", "n1"), "data"), &claim, false},
      {"no node yet", with_claim(sim::make_pod("shop/web"), "data"), &claim, false},
      {"it has ended: the volume may still be mounted", ended(with_claim(pod, "data")), &claim, true},
      {"it is shut down", deleting(with_claim(pod, "data"), 0), &claim, true},
      {"its own", with_own(pod, "tmp"), &own, true},
      {"its own, while it ends", deleting(with_own(pod, "tmp"), 30), &own, true},
      {"its own, shut down", deleting(with_own(pod, "tmp"), 0), &own, false},
      {"somebody else's of that name", with_uid(with_own(pod, "tmp"), "u2"), &own, false},
      {"its own, without an owner", with_own(sim::make_pod("shop/da", "n1"), "ta"), &claim, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(claim_protection::uses(*view(c.pod), *c.claim), c.uses);
  }
}

TEST(ClaimProtection, WhichPodsLetGo) {
  const Pod pod = with_own(with_claim(with_uid(sim::make_pod("shop/web", "n1"), "u1"), "data"), "tmp");
  const Pod waiting = with_claim(sim::make_pod("shop/web"), "data");
  const auto names = [](const std::vector<ObjectKey>& keys) {
    std::vector<std::string> out;
    for (const ObjectKey& key : keys) out.push_back(key.text());
    return out;
  };
  const auto let_go = [&](const Pod* before, const Pod* after) {
    const auto from = before ? view(*before) : nullptr, to = after ? view(*after) : nullptr;
    return names(claim_protection::let_go(from.get(), to.get()));
  };
  const Pod other = with_uid(pod, "u2"), shut_down = deleting(pod, 0), leaving = deleting(pod, 30), over = ended(pod);
  EXPECT_THAT(let_go(nullptr, &pod), IsEmpty());
  EXPECT_THAT(let_go(&pod, &over), IsEmpty());
  EXPECT_THAT(let_go(&pod, &leaving), IsEmpty());
  EXPECT_THAT(let_go(&leaving, &shut_down), ElementsAre("shop/web-tmp"));
  EXPECT_THAT(let_go(&shut_down, &shut_down), IsEmpty());
  EXPECT_THAT(let_go(&shut_down, nullptr), ElementsAre("shop/data", "shop/web-tmp"));
  EXPECT_THAT(let_go(&pod, &other), ElementsAre("shop/data", "shop/web-tmp"));
  EXPECT_THAT(let_go(&waiting, nullptr), IsEmpty()) << "it never used it";
}

TEST(VolumeProtection, Steps) {
  struct Case {
    const char* name;
    const char* phase;
    bool has, deleted;
    Protection step;
  };
  const Case cases[] = {
      {"free", "Available", true, false, Protection::Fits},
      {"lacks it", "Bound", false, false, Protection::Lacks},
      {"deleted, bound", "Bound", true, true, Protection::Fits},
      {"deleted, released", "Released", true, true, Protection::Leaving},
      {"deleted, of no phase", "", true, true, Protection::Leaving},
      {"deleted, let go", "Available", false, true, Protection::Fits},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Volume volume;
    volume.mutable_status()->set_phase(c.phase);
    if (c.has) volume.mutable_metadata()->add_finalizers(volume_protection::kFinalizer);
    if (c.deleted) api::set_time(volume.mutable_metadata()->mutable_deletion_timestamp(), Time(1s));
    EXPECT_EQ(volume_protection::step(volume), c.step);
  }
}

TEST(ClassProtection, WhoNamesIt) {
  Claim claim;
  EXPECT_THAT(class_protection::named_by(claim), IsEmpty());
  claim.mutable_spec()->set_volume_attributes_class_name("gold");
  claim.mutable_status()->set_current_volume_attributes_class_name("silver");
  claim.mutable_status()->mutable_modify_volume_status()->set_target_volume_attributes_class_name("gold");
  EXPECT_THAT(class_protection::named_by(claim), ElementsAre("gold", "silver"));
  Volume volume;
  EXPECT_THAT(class_protection::named_by(volume), IsEmpty());
  volume.mutable_spec()->set_volume_attributes_class_name("gold");
  EXPECT_THAT(class_protection::named_by(volume), ElementsAre("gold"));

  Claim after = claim;
  after.mutable_status()->set_current_volume_attributes_class_name("gold");
  EXPECT_THAT(class_protection::let_go(&claim, &after), ElementsAre("silver"));
  EXPECT_THAT(class_protection::let_go<Claim>(&claim, nullptr), ElementsAre("gold", "silver"));
  EXPECT_THAT(class_protection::let_go<Claim>(nullptr, &claim), IsEmpty());
}

// -- In a cluster

template <class T>
std::vector<std::string> finalizers_of(sim::Cluster& cluster, const std::string& key) {
  const T object = cluster.get<T>(key);
  return {object.metadata().finalizers().begin(), object.metadata().finalizers().end()};
}

TEST(ClaimProtectionLoop, KeepsAClaimForPodsOnNodes) {
  sim::Cluster cluster(sim::loops("pvc-protection"));
  cluster.create(make_claim("default/used"));
  cluster.create(make_claim("default/wanted"));
  cluster.advance(1s);
  EXPECT_THAT(finalizers_of<Claim>(cluster, "default/used"), ElementsAre(claim_protection::kFinalizer))
      << "it came before admission gave it";
  cluster.create(with_claim(sim::make_pod("default/a", "n1"), "used"));
  cluster.create(with_claim(sim::make_pod("default/b", "n1"), "used"));
  cluster.create(with_claim(sim::make_pod("default/waits"), "wanted"));
  cluster.advance(1s);
  cluster.remove<Claim>("default/used");
  cluster.remove<Claim>("default/wanted");
  cluster.advance(1min);
  EXPECT_TRUE(cluster.has<Claim>("default/used"));
  EXPECT_FALSE(cluster.has<Claim>("default/wanted"));
  cluster.remove<Pod>("default/a", {.grace_seconds = 0});
  cluster.advance(1min);
  EXPECT_TRUE(cluster.has<Claim>("default/used"));
  cluster.remove<Pod>("default/b", {.grace_seconds = 0});
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Claim>("default/used"));
}

TEST(ClaimProtectionLoop, OthersMayHoldItStill) {
  sim::Cluster cluster(sim::loops("pvc-protection"));
  Claim claim = make_claim("default/c");
  claim.mutable_metadata()->add_finalizers(kHeld);
  cluster.create(claim);
  cluster.advance(1s);
  cluster.remove<Claim>("default/c");
  cluster.advance(1min);
  EXPECT_THAT(finalizers_of<Claim>(cluster, "default/c"), ElementsAre(kHeld)) << "and it is not given anew";
}

TEST(ClaimProtectionLoop, LetsGoWhenItComesLate) {
  sim::Cluster cluster(sim::loops("pvc-protection").later());
  Claim claim = make_claim("default/c");
  claim.mutable_metadata()->add_finalizers(claim_protection::kFinalizer);
  cluster.create(claim);
  cluster.create(with_claim(sim::make_pod("default/a", "n1"), "c"));
  cluster.remove<Claim>("default/c");
  cluster.remove<Pod>("default/a", {.grace_seconds = 0});
  cluster.advance(1min);
  EXPECT_TRUE(cluster.has<Claim>("default/c"));
  cluster.restart_loops();
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Claim>("default/c"));
}

TEST(VolumeProtectionLoop, KeepsAVolumeWhileItIsBound) {
  sim::Cluster cluster(sim::loops("pv-protection"));
  Volume volume;
  volume.mutable_metadata()->set_name("v");
  (*volume.mutable_spec()->mutable_capacity())["storage"].set_string("1Gi");
  volume.mutable_spec()->add_access_modes("ReadWriteOnce");
  volume.mutable_spec()->mutable_persistent_volume_source()->mutable_host_path()->set_path("/x");
  cluster.create(volume);
  cluster.advance(1s);
  EXPECT_THAT(finalizers_of<Volume>(cluster, "v"), ElementsAre(volume_protection::kFinalizer));
  const auto set_phase = [&](const char* phase) {
    Volume now = cluster.get<Volume>("v");
    now.mutable_status()->set_phase(phase);
    cluster.update_status(now);
  };
  set_phase("Bound");
  cluster.remove<Volume>("v");
  cluster.advance(1min);
  EXPECT_TRUE(cluster.has<Volume>("v"));
  set_phase("Released");
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Volume>("v"));
}

TEST(ClassProtectionLoop, KeepsAClassWhileItIsNamed) {
  sim::Cluster cluster(sim::loops("volumeattributesclass-protection-controller"));
  Class of;
  of.mutable_metadata()->set_name("gold");
  of.set_driver_name("csi.example.com");
  (*of.mutable_parameters())["iops"] = "5";
  cluster.create(of);
  Claim claim = make_claim("default/c");
  claim.mutable_spec()->set_volume_attributes_class_name("gold");
  cluster.create(claim);
  cluster.advance(1s);
  EXPECT_THAT(finalizers_of<Class>(cluster, "gold"), ElementsAre(class_protection::kFinalizer));
  cluster.remove<Class>("gold");
  cluster.advance(1min);
  EXPECT_TRUE(cluster.has<Class>("gold"));
  cluster.remove<Claim>("default/c");
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Class>("gold"));
}

}  // namespace
}  // namespace ph::controllers
