// What the binder makes of claims, and whom a change brings: tables. Of volumes: persistent_volume_binder_volumes_test.cc.
#include <gmock/gmock.h>

#include "api/volumes.h"
#include "controllers/persistent_volume_binder/claim_plan.h"
#include "controllers/persistent_volume_binder/matching.h"
#include "controllers/persistent_volume_binder/wakes.h"
#include "tests/controllers/volumes.h"

namespace ph::controllers::volume_binder {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kProvider = "csi.example.com";

std::string name_of(const Volume* volume) { return volume ? volume->metadata().name() : ""; }

VolumeBuilder free_volume(const std::string& name) { return make_volume(name).phase("Available"); }

// -- Which volume

TEST(VolumeMatching, TheBestOfAll) {
  const std::vector<std::string> both = {"ReadWriteOnce", "ReadWriteMany"};
  struct Case {
    const char* name;
    Claim claim;
    std::vector<Volume> volumes;
    bool waits;
    const char* best;
  };
  const Claim claim = make_claim("shop/data").uid("u1");
  const Case cases[] = {
      {"none", claim, {}, false, ""},
      {"the smallest", claim, {free_volume("big").size("3Gi"), free_volume("small").size("2Gi")}, false, "small"},
      {"not a smaller one", claim, {free_volume("v").size("1023Mi")}, false, ""},
      {"the same size, said otherwise", claim, {free_volume("v").size("1073741824")}, false, "v"},
      {"few modes before few bytes", claim, {free_volume("a").modes(both), free_volume("b").size("9Gi")}, false, "b"},
      {"all modes it asks for",
       make_claim("shop/data").modes(both),
       {free_volume("a"), free_volume("b").modes(both)},
       false,
       "b"},
      {"modes in another order",
       make_claim("shop/data").modes(both),
       {free_volume("b").modes({both[1], both[0]}).size("2Gi"), free_volume("a").modes(both)},
       false,
       "a"},
      {"its class", make_claim("shop/data").of_class("fast"), {free_volume("a"), free_volume("b").of_class("fast")}, false, "b"},
      {"no class is one, too", claim, {free_volume("a").of_class("fast")}, false, ""},
      {"its mode", make_claim("shop/data").block(), {free_volume("a"), free_volume("b").block()}, false, "b"},
      {"its attributes",
       make_claim("shop/data").attributes("gold"),
       {free_volume("a"), free_volume("b").attributes("gold")},
       false,
       "b"},
      {"its labels",
       make_claim("shop/data").selects("t", "2"),
       {free_volume("a").label("t", "1"), free_volume("b").label("t", "2")},
       false,
       "b"},
      {"not available yet", claim, {make_volume("a").phase("Pending")}, false, ""},
      {"on its way out", claim, {free_volume("a").deleting()}, false, ""},
      {"somebody's", claim, {free_volume("a").kept_for("shop/other")}, false, ""},
      {"somebody's of its name", claim, {free_volume("a").kept_for("shop/data", "u2")}, false, ""},
      {"kept for it, whatever its class and labels",
       make_claim("shop/data").uid("u1").selects("t", "2").of_class("fast"),
       {free_volume("a").of_class("fast").label("t", "2"), free_volume("b").size("9Gi").kept_for("shop/data")},
       false,
       "b"},
      {"kept for it, and too small", claim, {free_volume("a").size("1Mi").kept_for("shop/data")}, false, ""},
      {"its first pod is waited for", claim, {free_volume("a")}, true, ""},
      {"the scheduler has kept one", claim, {free_volume("a"), free_volume("b").kept_for("shop/data", "u1")}, true, "b"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<const Volume*> candidates;
    for (const Volume& each : c.volumes) candidates.push_back(&each);
    EXPECT_EQ(name_of(best_match(c.claim, candidates, c.waits)), c.best);
  }
}

TEST(VolumeMatching, WhyAVolumeThatIsNamedDoesNotFit) {
  const Claim claim = make_claim("shop/data").of_class("fast").attributes("gold");
  const auto fits = [] { return make_volume("v").of_class("fast").attributes("gold"); };
  EXPECT_EQ(mismatch(fits(), claim), "");
  EXPECT_EQ(mismatch(fits().deleting(), claim), "the volume is marked for deletion \"v\"");
  EXPECT_EQ(mismatch(fits().size("1Mi"), claim), "requested PV is too small");
  EXPECT_EQ(mismatch(fits().of_class("slow"), claim), "storageClassName does not match");
  EXPECT_EQ(mismatch(fits().attributes("tin"), claim), "volumeAttributesClassName does not match");
  EXPECT_EQ(mismatch(fits().block(), claim), "incompatible volumeMode");
  EXPECT_EQ(mismatch(fits().modes({"ReadOnlyMany"}), claim), "incompatible accessMode");
}

// -- Claims

std::string told(const std::optional<Told>& what) {
  return what ? std::string(what->type) + " " + what->reason + " " + what->message : "";
}

TEST(ClaimPlan, OfOneThatTakesAnyVolume) {
  const StorageClass made = make_class("made", kProvider), waits = make_class("waits", kProvider, true),
                     by_hand = make_class("by-hand", "kubernetes.io/no-provisioner");
  const Volume volume = free_volume("v"), of_made = free_volume("m").of_class("made");
  struct Case {
    const char* name;
    Claim claim;
    const Volume* candidate;
    const StorageClass *its_class, *by_default;
    std::vector<std::string> pods;
    const char *volume, *told;
  };
  const char* const external =
      "Normal ExternalProvisioning Waiting for a volume to be created either by the external provisioner 'csi.example.com' or "
      "manually "
      "by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly "
      "registered.";
  const Case cases[] = {
      {"one fits", make_claim("shop/a"), &volume, nullptr, nullptr, {}, "v", ""},
      {"none, and no class",
       make_claim("shop/a"),
       nullptr,
       nullptr,
       nullptr,
       {},
       "",
       "Normal FailedBinding no persistent volumes available for this claim and no storage class is set"},
      {"the empty class is not filled in",
       make_claim("shop/a").of_class(""),
       nullptr,
       nullptr,
       &made,
       {},
       "",
       "Normal FailedBinding no persistent volumes available for this claim and no storage class is set"},
      {"a class that is not there",
       make_claim("shop/a").of_class("gone"),
       nullptr,
       nullptr,
       nullptr,
       {},
       "",
       "Warning ProvisioningFailed storageclass.storage.k8s.io \"gone\" not found"},
      {"nobody makes volumes of its class",
       make_claim("shop/a").of_class("by-hand"),
       nullptr,
       &by_hand,
       nullptr,
       {},
       "",
       "Warning ProvisioningFailed no volume plugin matched name: kubernetes.io/no-provisioner"},
      {"somebody does", make_claim("shop/a").of_class("made"), nullptr, &made, nullptr, {}, "", external},
      {"one of its class is there before", make_claim("shop/a").of_class("made"), &of_made, &made, nullptr, {}, "m", ""},
      {"its first pod is to come",
       make_claim("shop/a").of_class("waits"),
       nullptr,
       &waits,
       nullptr,
       {},
       "",
       "Normal WaitForFirstConsumer waiting for first consumer to be created before binding"},
      {"its first pod is there",
       make_claim("shop/a").of_class("waits"),
       nullptr,
       &waits,
       nullptr,
       {"web-0"},
       "",
       "Normal WaitForPodScheduled waiting for pod web-0 to be scheduled"},
      {"several are",
       make_claim("shop/a").of_class("waits"),
       nullptr,
       &waits,
       nullptr,
       {"web-0", "web-1"},
       "",
       "Normal WaitForPodScheduled waiting for pods web-0,web-1 to be scheduled"},
      {"its node is known",
       make_claim("shop/a").of_class("waits").noted(api::kSelectedNode, "n1"),
       nullptr,
       &waits,
       nullptr,
       {"web-0"},
       "",
       external},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ClaimSituation of{.claim = c.claim, .its_class = c.its_class, .default_class = c.by_default, .waiting_pods = c.pods};
    if (c.candidate) of.candidates.push_back(c.candidate);
    const ClaimPlan plan = plan_claim(of);
    EXPECT_EQ(name_of(plan.volume), c.volume);
    EXPECT_EQ(told(plan.told), c.told);
    EXPECT_EQ(plan.problem, "");
  }
}

TEST(ClaimPlan, WhoIsToMakeAVolume) {
  const auto plan = [](const Claim& claim, const std::string& provisioner, bool provisions = true) {
    const StorageClass its_class = make_class("c", provisioner);
    return plan_claim({.claim = claim, .its_class = &its_class, .provisions = provisions});
  };
  const auto provisioner = [](const ClaimPlan& plan) {
    if (!plan.rewritten) return std::string("not told");
    EXPECT_EQ(annotation(*plan.rewritten, kProvisioner), annotation(*plan.rewritten, kProvisionerOfOld));
    return annotation(*plan.rewritten, kProvisioner);
  };
  const Claim claim = make_claim("shop/a").of_class("c");
  EXPECT_EQ(provisioner(plan(claim, kProvider)), kProvider);
  EXPECT_EQ(provisioner(plan(claim, "kubernetes.io/aws-ebs")), "ebs.csi.aws.com");
  const Claim told = make_claim("shop/a").of_class("c").noted(kProvisioner, kProvider);
  EXPECT_FALSE(plan(told, kProvider).rewritten);
  EXPECT_TRUE(plan(told, kProvider).told) << "it is said as long as it waits";
  EXPECT_EQ(provisioner(plan(told, "other.example.com")), "other.example.com");
  EXPECT_FALSE(plan(claim, "kubernetes.io/nfs").rewritten);
  EXPECT_FALSE(plan(claim, kProvider, false).rewritten);
  EXPECT_FALSE(plan(claim, kProvider, false).told);
}

TEST(ClaimPlan, ADefaultClassThatComesLater) {
  const StorageClass late = by_default(make_class("late", kProvider));
  const ClaimPlan plan = plan_claim({.claim = make_claim("shop/a"), .default_class = &late});
  ASSERT_TRUE(plan.rewritten);
  EXPECT_EQ(plan.rewritten->spec().storage_class_name(), "late");
  EXPECT_TRUE(plan.looks_again);
  EXPECT_FALSE(plan.told);
  const Claim of_old = make_claim("shop/a").noted("volume.beta.kubernetes.io/storage-class", "other");
  EXPECT_FALSE(plan_claim({.claim = of_old, .default_class = &late}).rewritten) << "it has one by annotation";
  const Volume free = free_volume("v");
  EXPECT_EQ(name_of(plan_claim({.claim = make_claim("shop/a"), .candidates = {&free}, .default_class = &late}).volume), "v")
      << "a volume without a class is there";
}

TEST(ClaimPlan, OfOneThatNamesItsVolume) {
  struct Case {
    const char* name;
    Claim claim;
    std::optional<Volume> named;
    const char *volume, *told;
  };
  const Claim claim = make_claim("shop/a").uid("u1").volume("v");
  const Case cases[] = {
      {"it is not there", claim, {}, "", ""},
      {"it is free", claim, make_volume("v").phase("Available"), "v", ""},
      {"it is nobody's, in whatever phase", claim, make_volume("v").phase("Released"), "v", ""},
      {"it is too small", claim, make_volume("v").size("1Mi"), "",
       "Warning VolumeMismatch Cannot bind to requested volume \"v\": requested PV is too small"},
      {"it is kept for it", claim, make_volume("v").kept_for("shop/a"), "v", ""},
      {"it is kept for it, and too small", claim, make_volume("v").size("1Mi").kept_for("shop/a"), "v", ""},
      {"it is somebody's", claim, make_volume("v").kept_for("shop/b"), "",
       "Warning FailedBinding volume \"v\" already bound to a different claim."},
      {"it was a namesake's", claim, make_volume("v").kept_for("shop/a", "u0"), "",
       "Warning FailedBinding volume \"v\" already bound to a different claim."},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const ClaimPlan plan = plan_claim({.claim = c.claim, .named = c.named ? &*c.named : nullptr});
    EXPECT_EQ(name_of(plan.volume), c.volume);
    EXPECT_EQ(told(plan.told), c.told);
    if (!plan.volume) {
      EXPECT_EQ(plan.phase, "Pending");
    }
  }
  const Claim unfinished = make_claim("shop/a").uid("u1").volume("v").noted(api::kBoundByController);
  const Volume taken = make_volume("v").kept_for("shop/b", "u2");
  EXPECT_THAT(plan_claim({.claim = unfinished, .named = &taken}).problem, HasSubstr("already claimed by \"shop/b\""));
}

TEST(ClaimPlan, OfOneThatWasBoundForGood) {
  struct Case {
    const char* name;
    const char* names;
    std::optional<Volume> named;
    const char *volume, *reason;
  };
  const Case cases[] = {
      {"all is well", "v", make_volume("v").kept_for("shop/a", "u1"), "v", ""},
      {"its volume has forgotten it", "v", make_volume("v"), "v", ""},
      {"its volume is gone", "v", {}, "", "ClaimLost"},
      {"it names none any more", "", {}, "", "ClaimLost"},
      {"its volume is another's", "v", make_volume("v").kept_for("shop/b", "u2"), "", "ClaimMisbound"},
      {"its volume was a namesake's", "v", make_volume("v").kept_for("shop/a", "u0"), "", "ClaimMisbound"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Claim claim = make_claim("shop/a").uid("u1").bound(c.names);
    const ClaimPlan plan = plan_claim({.claim = claim, .named = c.named ? &*c.named : nullptr});
    EXPECT_EQ(name_of(plan.volume), c.volume);
    EXPECT_EQ(plan.told_of_phase ? plan.told_of_phase->reason : "", c.reason);
    EXPECT_EQ(plan.phase, *c.reason ? "Lost" : "");
  }
}

TEST(ClaimPlan, WhatCannotBeReadIsLeftAlone) {
  Claim claim = make_claim("shop/a").of_class("c");
  auto& bad = *claim.mutable_spec()->mutable_selector()->add_match_expressions();
  bad.set_key("t");
  bad.set_operator_("Likes");
  const Volume free = free_volume("v").of_class("c");
  const StorageClass its_class = make_class("c", kProvider);
  const ClaimPlan plan = plan_claim({.claim = claim, .candidates = {&free}, .its_class = &its_class});
  EXPECT_THAT(plan.problem, HasSubstr("selector"));
  EXPECT_FALSE(plan.volume || plan.rewritten || plan.told);
}

// -- Who is woken

TEST(BinderWakes, WhomAChangeConcerns) {
  std::map<std::string, Claim> claims;
  const FindClaim find = [&](const ObjectKey& key) -> Ref<Claim> {
    const auto found = claims.find(key.text());
    return found == claims.end() ? nullptr : std::make_shared<const Claim>(found->second);
  };
  const auto woken = [&](const std::optional<Volume>& before, const std::optional<Volume>& after) {
    std::vector<std::string> out;
    for (const ObjectKey& key : claims_concerned(before ? &*before : nullptr, after ? &*after : nullptr, find))
      out.push_back(key.text());
    return out;
  };
  const Volume free = make_volume("v"), kept = make_volume("v").kept_for("shop/a"),
               had = make_volume("v").kept_for("shop/a", "u1"), others = make_volume("v").kept_for("shop/b", "u2"),
               block = make_volume("v").block().kept_for("shop/a", "u1");
  EXPECT_THAT(woken({}, free), IsEmpty());
  EXPECT_THAT(woken({}, had), IsEmpty()) << "there is no such claim";
  claims.insert_or_assign("shop/a", make_claim("shop/a").uid("u1"));
  EXPECT_THAT(woken({}, had), ElementsAre("shop/a"));
  EXPECT_THAT(woken({}, kept), IsEmpty()) << "the claim comes to it in its own time";
  EXPECT_THAT(woken({}, block), IsEmpty()) << "it would not get it";
  EXPECT_THAT(woken(had, std::nullopt), ElementsAre("shop/a"));
  EXPECT_THAT(woken(had, free), ElementsAre("shop/a"));
  EXPECT_THAT(woken(had, others), ElementsAre("shop/a"));
  claims.insert_or_assign("shop/a", make_claim("shop/a").uid("u1").volume("v"));
  EXPECT_THAT(woken({}, had), IsEmpty());
  claims.insert_or_assign("shop/a", make_claim("shop/a").uid("u1").bound("v"));
  EXPECT_THAT(woken(kept, had), ElementsAre("shop/a"));

  const Claim bound = make_claim("shop/a").uid("u1").bound("v"), again = make_claim("shop/a").uid("u2"),
              unbound = make_claim("shop/a").uid("u1");
  EXPECT_THAT(volumes_left(&bound, nullptr), ElementsAre(ObjectKey{{}, "v"}));
  EXPECT_THAT(volumes_left(&bound, &again), ElementsAre(ObjectKey{{}, "v"}));
  EXPECT_THAT(volumes_left(&bound, &bound), IsEmpty());
  EXPECT_THAT(volumes_left(&unbound, nullptr), IsEmpty());
  EXPECT_THAT(volumes_left(nullptr, &bound), IsEmpty());
}

}  // namespace
}  // namespace ph::controllers::volume_binder
