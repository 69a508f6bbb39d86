// What the binder makes of volumes, and what it writes: tables. Of claims: persistent_volume_binder_test.cc.
#include <gmock/gmock.h>

#include "api/volumes.h"
#include "controllers/persistent_volume_binder/in_tree.h"
#include "controllers/persistent_volume_binder/volume_plan.h"
#include "controllers/persistent_volume_binder/writes.h"
#include "tests/controllers/volumes.h"

namespace ph::controllers::volume_binder {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kProvider = "csi.example.com";

std::string told(const std::optional<Told>& what) {
  return what ? std::string(what->type) + " " + what->reason + " " + what->message : "";
}

TEST(VolumePlan, Phases) {
  const Claim mine = make_claim("shop/a").uid("u1").bound("v"), unaware = make_claim("shop/a").uid("u1"),
              elsewhere = make_claim("shop/a").uid("u1").bound("w"), namesake = make_claim("shop/a").uid("u2");
  struct Case {
    const char* name;
    Volume volume;
    const Claim* claim;
    std::vector<std::string> phases;
    bool rests;
  };
  const auto kept = [] { return make_volume("v").kept_for("shop/a", "u1").phase("Bound"); };
  const Case cases[] = {
      {"nobody's", make_volume("v"), nullptr, {"Available"}, true},
      {"kept for a claim", make_volume("v").kept_for("shop/a"), &unaware, {"Available"}, true},
      {"its claim's", kept(), &mine, {"Bound"}, true},
      {"its claim does not know yet", kept(), &unaware, {}, false},
      {"its claim is gone", kept(), nullptr, {"Released"}, true},
      {"its claim is gone, and another has the name", kept(), &namesake, {"Released"}, true},
      {"released before", kept().phase("Released"), nullptr, {}, true},
      {"failed before", kept().phase("Failed"), nullptr, {}, true},
      {"deleted by who has made it", kept().reclaim("Delete").noted(kProvisionedBy, kProvider), nullptr, {"Released"}, true},
      {"deleted by nobody", kept().reclaim("Delete"), nullptr, {"Released", "Failed"}, true},
      {"deleted by its driver", kept().reclaim("Delete").noted(kMigratedTo, "ebs.csi.aws.com"), nullptr, {"Released"}, true},
      {"recycled by nobody", kept().reclaim("Recycle"), nullptr, {"Released", "Failed"}, true},
      {"nobody knows what to do", kept().reclaim("Hope"), nullptr, {"Released", "Failed"}, true},
      {"made in vain", kept().reclaim("Delete").noted(kProvisionedBy, kProvider), &elsewhere, {"Released"}, true},
      {"bound in vain", kept(), &elsewhere, {"Available"}, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const VolumePlan plan = plan_volume({.volume = c.volume, .claim = c.claim});
    std::vector<std::string> phases;
    for (const PhaseStep& step : plan.phases) phases.push_back(step.phase);
    EXPECT_EQ(phases, c.phases);
    EXPECT_EQ(plan.rests, c.rests);
  }
}

TEST(VolumePlan, WhatIsBoundInVainIsGivenUp) {
  const Claim elsewhere = make_claim("shop/a").uid("u1").bound("w");
  const auto given_up_by = [&](const Volume& volume) { return plan_volume({.volume = volume, .claim = &elsewhere}).rewritten; };
  const auto ours = given_up_by(make_volume("v").kept_for("shop/a", "u1").noted(api::kBoundByController));
  ASSERT_TRUE(ours);
  EXPECT_FALSE(ours->spec().has_claim_ref());
  EXPECT_FALSE(ours->metadata().annotations().contains(api::kBoundByController));
  const auto users = given_up_by(make_volume("v").kept_for("shop/a", "u1"));
  ASSERT_TRUE(users);
  EXPECT_EQ(users->spec().claim_ref().name(), "a") << "the user has kept it for that claim";
  EXPECT_EQ(users->spec().claim_ref().uid(), "");
}

TEST(VolumePlan, WhyAVolumeFails) {
  const auto message = [](VolumeBuilder volume) {
    const VolumePlan plan = plan_volume({.volume = volume.kept_for("shop/a", "u1").phase("Released")});
    if (plan.phases.size() != 1 || !plan.phases[0].told) return std::string();
    EXPECT_EQ(plan.phases[0].message, plan.phases[0].told->message);
    return plan.phases[0].told->reason + ": " + plan.phases[0].message;
  };
  const auto deleted = [] { return make_volume("v").reclaim("Delete"); };
  EXPECT_EQ(message(deleted()),
            "VolumeFailedDelete: error getting deleter volume plugin for volume \"v\": no deletable volume plugin matched");
  EXPECT_EQ(message(deleted().host_path("/data")),
            "VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /data");
  EXPECT_EQ(message(deleted().host_path("/tmp/")),
            "VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /tmp/");
  EXPECT_EQ(message(deleted().host_path("/tmp/x")),
            "VolumeFailedDelete: error getting deleter volume plugin for volume \"v\": no deletable volume plugin matched");
  Volume iscsi = deleted();
  iscsi.mutable_spec()->mutable_persistent_volume_source()->mutable_iscsi()->set_iqn("iqn");
  iscsi.mutable_spec()->mutable_persistent_volume_source()->clear_csi();
  EXPECT_EQ(deletion_problem(iscsi), "error getting deleter volume plugin for volume \"v\": no volume plugin matched");
  EXPECT_EQ(message(deleted().noted(kProvisionedBy, "kubernetes.io/glusterfs").finalizer(kDeletionFinalizer)),
            "VolumeFailedDelete: no volume plugin matched name: kubernetes.io/glusterfs");
  EXPECT_EQ(message(make_volume("v").reclaim("Recycle")), "VolumeFailedRecycle: No recycler plugin found for the volume!");
  EXPECT_EQ(message(make_volume("v").reclaim("Hope")),
            "VolumeUnknownReclaimPolicy: Volume has unrecognized PersistentVolumeReclaimPolicy");

  const Volume used = make_volume("v").reclaim("Recycle").kept_for("shop/a", "u1").phase("Released");
  const VolumePlan plan = plan_volume({.volume = used, .users = {"shop/p", "shop/q"}});
  EXPECT_THAT(plan.phases, IsEmpty());
  EXPECT_EQ(told(plan.told), "Normal VolumeFailedRecycle Volume is used by pods: shop/p,shop/q");
  EXPECT_FALSE(plan.rests);
}

TEST(VolumePlan, ClaimAndVolumeOfDifferentModesAreTold) {
  const Claim claim = make_claim("shop/a").uid("u1").block();
  const VolumePlan plan = plan_volume({.volume = make_volume("v").kept_for("shop/a", "u1"), .claim = &claim});
  EXPECT_EQ(told(plan.told),
            "Warning VolumeMismatch Cannot bind PersistentVolume to requested PersistentVolumeClaim \"a\" due to incompatible "
            "volumeMode.");
  EXPECT_EQ(told(plan.told_of_claim),
            "Warning VolumeMismatch Cannot bind PersistentVolume \"v\" to requested PersistentVolumeClaim due to incompatible "
            "volumeMode.");
}

TEST(VolumePlan, OnlyAClaimThatMayBeGoneIsLookedForLive) {
  const Claim mine = make_claim("shop/a").uid("u1"), namesake = make_claim("shop/a").uid("u2");
  const Volume bound = make_volume("v").kept_for("shop/a", "u1").phase("Bound");
  EXPECT_TRUE(seems_released(bound, nullptr));
  EXPECT_TRUE(seems_released(bound, &namesake));
  EXPECT_FALSE(seems_released(bound, &mine));
  EXPECT_FALSE(seems_released(make_volume("v").kept_for("shop/a", "u1").phase("Released"), nullptr));
  EXPECT_FALSE(seems_released(make_volume("v").kept_for("shop/a"), nullptr));
  EXPECT_FALSE(seems_released(make_volume("v"), nullptr));
}

// -- What is written

TEST(BinderWrites, AVolumeBecomesAClaims) {
  const Claim claim = make_claim("shop/a").uid("u1");
  const auto free = claimed_by(make_volume("v"), claim);
  ASSERT_TRUE(free);
  EXPECT_EQ(free->spec().claim_ref().uid(), "u1");
  EXPECT_EQ(free->spec().claim_ref().kind(), "PersistentVolumeClaim");
  EXPECT_EQ(annotation(*free, api::kBoundByController), "yes");
  const auto kept = claimed_by(make_volume("v").kept_for("shop/a"), claim);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->spec().claim_ref().uid(), "u1");
  EXPECT_EQ(annotation(*kept, api::kBoundByController), "") << "its user has bound it";
  EXPECT_FALSE(claimed_by(*free, claim));
  EXPECT_FALSE(claimed_by(*kept, claim));
}

TEST(BinderWrites, AClaimBecomesAVolumes) {
  const Volume volume = make_volume("v").size("2Gi").modes({"ReadWriteOnce", "ReadOnlyMany"}).attributes("gold");
  const auto chosen = bound_to(make_claim("shop/a"), volume), named = bound_to(make_claim("shop/a").volume("v"), volume);
  ASSERT_TRUE(chosen && named);
  EXPECT_EQ(chosen->spec().volume_name(), "v");
  EXPECT_EQ(annotation(*chosen, api::kBoundByController), "yes");
  EXPECT_EQ(annotation(*named, api::kBoundByController), "");
  EXPECT_TRUE(api::is_fully_bound(*chosen) && api::is_fully_bound(*named));
  EXPECT_FALSE(bound_to(*chosen, volume) || bound_to(*named, volume));

  const auto told = told_bound(*chosen, volume);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->status().phase(), "Bound");
  EXPECT_THAT(told->status().access_modes(), ElementsAre("ReadWriteOnce", "ReadOnlyMany"));
  EXPECT_EQ(told->status().capacity().at("storage").string(), "2Gi");
  EXPECT_EQ(told->status().current_volume_attributes_class_name(), "gold");
  EXPECT_FALSE(told_bound(*told, volume));

  // Afterwards who resizes tells.
  EXPECT_FALSE(told_bound(*told, make_volume("v").size("5Gi").modes({"ReadWriteOnce", "ReadOnlyMany"}).attributes("tin")));
  const auto growing = told_bound(*chosen, make_volume("v").size("5Gi").noted(kPreResizeCapacity, "2Gi"));
  ASSERT_TRUE(growing);
  EXPECT_EQ(growing->status().capacity().at("storage").string(), "2Gi");
  Volume shapeless = volume;
  shapeless.mutable_spec()->clear_capacity();
  EXPECT_FALSE(told_bound(*chosen, shapeless));

  const auto lost = in_phase(*told, "Lost");
  ASSERT_TRUE(lost);
  EXPECT_THAT(lost->status().access_modes(), IsEmpty());
  EXPECT_TRUE(lost->status().capacity().empty());
  EXPECT_FALSE(lost->status().has_current_volume_attributes_class_name());
  EXPECT_FALSE(in_phase(*lost, "Lost"));
}

TEST(BinderWrites, WherePluginsHaveMoved) {
  struct Case {
    const char *name, *maker, *moved, *policy;
    bool held;
    bool writes;
    const char* told;
    bool holds;
  };
  const Case cases[] = {
      {"by a driver", "csi.example.com", "", "Delete", false, false, "", false},
      {"by a plugin that has moved", "kubernetes.io/aws-ebs", "", "Delete", false, true, "ebs.csi.aws.com", false},
      {"… and is said to", "kubernetes.io/aws-ebs", "ebs.csi.aws.com", "Delete", false, false, "ebs.csi.aws.com", false},
      {"… and was held before", "kubernetes.io/aws-ebs", "ebs.csi.aws.com", "Delete", true, true, "ebs.csi.aws.com", false},
      {"by one that has not moved", "kubernetes.io/host-path", "x", "Delete", true, true, "", true},
      {"… and is to be deleted by it", "kubernetes.io/host-path", "", "Delete", false, true, "", true},
      {"… and is to stay", "kubernetes.io/host-path", "", "Retain", true, true, "", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    VolumeBuilder volume = make_volume("v").noted(kProvisionedBy, c.maker).reclaim(c.policy);
    if (*c.moved) volume.noted(kMigratedTo, c.moved);
    if (c.held) volume.finalizer(kDeletionFinalizer);
    const auto out = with_migration(volume.object());
    ASSERT_EQ(out.has_value(), c.writes);
    if (!out) continue;
    EXPECT_EQ(annotation(*out, kMigratedTo), c.told);
    EXPECT_EQ(out->metadata().finalizers_size(), c.holds ? 1 : 0);
    EXPECT_FALSE(with_migration(*out));
  }
  EXPECT_FALSE(with_migration(make_volume("v").reclaim("Delete").object())) << "made by hand";
  const auto claim = with_migration(make_claim("shop/a").noted(kProvisionerOfOld, "kubernetes.io/gce-pd").object());
  ASSERT_TRUE(claim);
  EXPECT_EQ(annotation(*claim, kMigratedTo), "pd.csi.storage.gke.io");
  EXPECT_FALSE(with_migration(make_claim("shop/a").object()));
}

}  // namespace
}  // namespace ph::controllers::volume_binder
