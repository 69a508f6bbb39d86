// The loop of claims to devices: made for pods, kept for them, given back.
#include "controllers/resource_claim/plan.h"

#include <gmock/gmock.h>

#include "api/codec.h"
#include "informers/pod_asks.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Pod;
using informers::PodView;
using resource_claim::Claim, resource_claim::kFinalizer, resource_claim::PodClaim, resource_claim::Template;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

// The pod's resourceClaims: "name=claim", or "name<template".
Pod asking(Pod pod, const std::vector<std::string>& entries) {
  for (const std::string& text : entries) {
    const auto at = text.find_first_of("=<");
    auto& entry = *pod.mutable_spec()->add_resource_claims();
    entry.set_name(text.substr(0, at));
    if (text[at] == '=') entry.set_resource_claim_name(text.substr(at + 1));
    else entry.set_resource_claim_template_name(text.substr(at + 1));
  }
  return pod;
}
// Its status: "name=claim", or "name" where none is needed.
Pod told(Pod pod, const std::vector<std::string>& statuses) {
  for (const std::string& text : statuses) {
    const auto at = text.find('=');
    auto& status = *pod.mutable_status()->add_resource_claim_statuses();
    status.set_name(text.substr(0, at));
    if (at != std::string::npos) status.set_resource_claim_name(text.substr(at + 1));
  }
  return pod;
}
Pod with_uid(Pod pod, const std::string& uid) { return pod.mutable_metadata()->set_uid(uid), pod; }
Pod phase(Pod pod, const char* is) { return pod.mutable_status()->set_phase(is), pod; }
Pod deleted(Pod pod) { return api::set_time(pod.mutable_metadata()->mutable_deletion_timestamp(), Time(1s)), pod; }
std::shared_ptr<const PodView> view(const Pod& pod) { return PodView::decode(api::encode_protobuf(pod)); }

Claim make_claim(const std::string& key) {
  Claim claim;
  const ObjectKey parsed = ObjectKey::parse(key);
  claim.mutable_metadata()->set_namespace_(parsed.namespace_name);
  claim.mutable_metadata()->set_name(parsed.name);
  auto& request = *claim.mutable_spec()->mutable_devices()->add_requests();
  request.set_name("r");
  request.mutable_exactly()->set_device_class_name("gpu");
  return claim;
}
Template make_template(const std::string& key) {
  Template out;
  const Claim claim = make_claim(key);
  *out.mutable_metadata() = claim.metadata();
  *out.mutable_spec()->mutable_spec() = claim.spec();
  (*out.mutable_spec()->mutable_metadata()->mutable_labels())["l"] = "1";
  (*out.mutable_spec()->mutable_metadata()->mutable_annotations())["a"] = "1";
  return out;
}
void reserve(Claim& claim, const std::string& name, const std::string& uid, const std::string& resource = "pods") {
  auto& user = *claim.mutable_status()->add_reserved_for();
  user.set_resource(resource);
  user.set_name(name);
  user.set_uid(uid);
}
void allocate(Claim& claim) {
  auto& result = *claim.mutable_status()->mutable_allocation()->mutable_devices()->add_results();
  result.set_request("r");
  result.set_driver("d.example.com");
  result.set_pool("p");
  result.set_device("x");
}

TEST(ResourceClaimPlan, WhatAPodNames) {
  Pod pod = told(asking(with_uid(sim::make_pod("shop/web"), "u1"), {"a=shared", "b<t", "c<t", "d<t"}), {"b=web-b-1", "c"});
  std::vector<std::string> lines;
  for (const PodClaim& each : resource_claim::pod_claims(*view(pod)))
    lines.push_back(each.name + " " + each.from + " " + each.claim + (each.is_made_here() ? " made" : ""));
  EXPECT_THAT(lines, ElementsAre("a  shared", "b t web-b-1 made", "c t ", "d t  made"));
  pod.mutable_status()->mutable_extended_resource_claim_status()->set_resource_claim_name("web-extended");
  EXPECT_THAT(resource_claim::claim_keys(*view(pod)), ElementsAre("shop/shared", "shop/web-b-1", "shop/web-extended"));
  EXPECT_THAT(resource_claim::template_keys(*view(pod)), ElementsAre("shop/t", "shop/t", "shop/t"));
  EXPECT_THAT(resource_claim::claim_keys(*view(sim::make_pod("shop/plain"))), IsEmpty());
}

TEST(ResourceClaimPlan, AnExtendedResourceAloneIsAskingForDevices) {
  Pod pod = sim::make_pod("shop/web");
  EXPECT_FALSE(informers::asks_for_devices(*view(pod)));
  pod.mutable_status()->mutable_extended_resource_claim_status()->set_resource_claim_name("web-extended");
  EXPECT_TRUE(informers::asks_for_devices(*view(pod)));
}

TEST(ResourceClaimPlan, WhatIsMade) {
  const Pod pod = asking(with_uid(sim::make_pod("shop/web"), "u1"), {"g<t"});
  const Claim claim =
      resource_claim::claim_from_template(*view(pod), resource_claim::pod_claims(*view(pod)).front(), make_template("shop/t"));
  Claim wanted;
  api::decode_json(R"({"metadata": {"generateName": "web-g-", "namespace": "shop", "labels": {"l": "1"},
    "annotations": {"a": "1", "resource.kubernetes.io/pod-claim-name": "g"},
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "u1", "controller": true}]},
    "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "gpu"}}]}}})",
                   wanted);
  EXPECT_EQ(api::encode_json(claim), api::encode_json(wanted));
}

TEST(ResourceClaimPlan, LongNamesAreCutOnBothSides) {
  struct Case {
    std::size_t pod, entry, pod_kept, entry_kept;
  };
  for (const Case& c : {Case{10, 46, 10, 46}, Case{11, 46, 10, 45}, Case{100, 20, 47, 9}, Case{253, 63, 45, 11}}) {
    PodView pod;
    pod.name = std::string(c.pod, 'p');
    const Claim claim = resource_claim::claim_from_template(pod, {.name = std::string(c.entry, 'e')}, {});
    EXPECT_EQ(claim.metadata().generate_name(), std::string(c.pod_kept, 'p') + "-" + std::string(c.entry_kept, 'e') + "-");
  }
}

TEST(ResourceClaimPlan, WhatIsToldToThePod) {
  const Pod pod =
      told(asking(with_uid(sim::make_pod("shop/web"), "u1"), {"a=shared", "b<t", "c<t", "d<t", "e<t"}), {"b=old", "c", "d=d1"});
  EXPECT_EQ(
      resource_claim::status_document(*view(pod), {{"b", "new"}}),
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","uid":"u1"},"status":{"resourceClaimStatuses":)"
      R"([{"name":"b","resourceClaimName":"new"},{"name":"c"},{"name":"d","resourceClaimName":"d1"}]}})");
}

TEST(ResourceClaimPlan, WhoIsDone) {
  const Pod bound = sim::make_pod("shop/web", "n1"), waiting = sim::make_pod("shop/web");
  EXPECT_FALSE(resource_claim::is_done(*view(bound)));
  EXPECT_FALSE(resource_claim::is_done(*view(waiting)));
  EXPECT_TRUE(resource_claim::is_done(*view(phase(bound, "Succeeded"))));
  EXPECT_TRUE(resource_claim::is_done(*view(phase(bound, "Failed"))));
  EXPECT_FALSE(resource_claim::is_done(*view(deleted(bound)))) << "its node is still at it";
  EXPECT_TRUE(resource_claim::is_done(*view(deleted(waiting))));
}

// "status" "finalizer" "remove" "abandoned" by their first letters, and who is left.
std::string told(const resource_claim::Steps& steps) {
  std::string out;
  if (steps.writes_status) out += "s";
  if (steps.drops_finalizer) out += "f";
  if (steps.removes) out += "r";
  if (steps.is_abandoned) out += "a";
  out += ":";
  for (const auto& user : steps.claim.status().reserved_for()) out += user.uid();
  return out + (steps.claim.status().has_allocation() ? "+" : "");
}

TEST(ResourceClaimPlan, Steps) {
  struct Case {
    const char* name;
    std::vector<std::string> users;  // UIDs of pods; "!…": of something else
    bool allocated, finalizer, deleted, owned;
    std::set<std::string> ended;
    const char* steps;
  };
  const Case cases[] = {
      {"free", {}, false, false, false, false, {}, ":"},
      {"used", {"a"}, true, true, false, false, {}, ":a+"},
      {"one of two has ended", {"a", "b"}, true, true, false, false, {"a"}, "s:b+"},
      {"the last has ended", {"a"}, true, true, false, false, {"a"}, "sf:"},
      {"the last has ended, and the finalizer is somebody's", {"a"}, true, false, false, false, {"a"}, "s:+"},
      {"used by what is no pod", {"!a"}, true, true, false, false, {"a"}, ":a+"},
      {"allocated, not used yet", {}, true, true, false, false, {}, ":+"},
      {"deleted before it was used", {}, true, true, true, false, {}, "sf:"},
      {"deleted, and held by the finalizer alone", {}, false, true, true, false, {}, "f:"},
      {"deleted while used", {"a"}, true, true, true, false, {}, ":a+"},
      {"about to be allocated, or left so", {}, false, true, false, false, {}, "a:"},
      {"made for a pod that runs", {"o"}, true, true, false, true, {}, ":o+"},
      {"made for a pod that waits", {}, false, false, false, true, {}, ":"},
      {"made for a pod that has ended", {"o"}, true, true, false, true, {"o"}, "sfr:"},
      {"made for a pod that has ended, never used", {}, false, false, false, true, {"o"}, "r:"},
      {"made for a pod that has ended, and used by another", {"o", "b"}, true, true, false, true, {"o"}, "s:b+"},
      {"made for a pod that has ended, and on its way out", {}, false, false, true, true, {"o"}, ":"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Claim claim = make_claim("shop/c");
    for (const std::string& user : c.users) {
      if (user.starts_with('!')) reserve(claim, "x", user.substr(1), "jobs");
      else reserve(claim, "pod-" + user, user);
    }
    if (c.allocated) allocate(claim);
    if (c.finalizer) claim.mutable_metadata()->add_finalizers(kFinalizer);
    if (c.deleted) api::set_time(claim.mutable_metadata()->mutable_deletion_timestamp(), Time(1s));
    if (c.owned) {
      auto& owner = *claim.mutable_metadata()->add_owner_references();
      owner.set_api_version("v1");
      owner.set_kind("Pod");
      owner.set_name("pod-o");
      owner.set_uid("o");
      owner.set_controller(true);
    }
    EXPECT_EQ(told(resource_claim::steps(claim, c.ended)), c.steps);
  }
}

TEST(ResourceClaimPlan, Reservations) {
  const auto pod = view(with_uid(sim::make_pod("shop/web", "n1"), "u1"));
  Claim claim = make_claim("shop/c");
  EXPECT_FALSE(resource_claim::lacks_reservation(claim, *pod)) << "a scheduler allocates it first";
  allocate(claim);
  EXPECT_TRUE(resource_claim::lacks_reservation(claim, *pod));
  resource_claim::reserve(claim, *pod);
  EXPECT_FALSE(resource_claim::lacks_reservation(claim, *pod));
  for (int i = 0; i < 255; ++i) reserve(claim, "p", "x" + std::to_string(i));
  EXPECT_FALSE(resource_claim::lacks_reservation(claim, *view(with_uid(sim::make_pod("shop/more", "n1"), "u2")))) << "it is full";
}

// -- In a cluster

Claim scheduled(sim::Cluster& cluster, const std::string& key, const std::vector<std::string>& pods) {
  cluster.edit<Claim>(key, [](Claim& claim) { claim.mutable_metadata()->add_finalizers(kFinalizer); });
  Claim claim = cluster.get<Claim>(key);
  allocate(claim);
  for (const std::string& pod : pods) reserve(claim, pod, cluster.get<Pod>("default/" + pod).metadata().uid());
  return cluster.update_status(claim);
}
void finish(sim::Cluster& cluster, const std::string& key) {
  Pod pod = cluster.get<Pod>(key);
  pod.mutable_status()->set_phase("Succeeded");
  cluster.update_status(pod);
}
std::vector<std::string> users(sim::Cluster& cluster, const std::string& key) {
  std::vector<std::string> out;
  const Claim claim = cluster.get<Claim>(key);
  for (const auto& user : claim.status().reserved_for()) out.push_back(user.name());
  return out;
}

TEST(ResourceClaimLoop, MakesClaimsAndTellsThePod) {
  sim::Cluster cluster(sim::loops("resourceclaim-controller"));
  cluster.create(make_template("default/t"));
  cluster.create(asking(sim::make_pod("default/p"), {"g<t", "h<t"}));
  cluster.advance(1s);
  const Pod pod = cluster.get<Pod>("default/p");
  ASSERT_EQ(pod.status().resource_claim_statuses_size(), 2);
  for (const auto& status : pod.status().resource_claim_statuses()) {
    EXPECT_THAT(status.resource_claim_name(), StartsWith("p-" + status.name() + "-"));
    const Claim claim = cluster.get<Claim>("default/" + status.resource_claim_name());
    EXPECT_EQ(resource_claim::made_for(claim), status.name());
    EXPECT_TRUE(resource_claim::is_controlled_by(claim, *view(pod)));
  }
  const std::string taken = pod.status().resource_claim_statuses(0).resource_claim_name();
  cluster.remove<Claim>("default/" + taken);
  cluster.advance(1s);
  EXPECT_EQ(cluster.list<Claim>("default").size(), 2u) << "it is made again";
  EXPECT_NE(cluster.get<Pod>("default/p").status().resource_claim_statuses(0).resource_claim_name(), taken);
  cluster.remove<Pod>("default/p", {.grace_seconds = 0});
  cluster.advance(1s);
  EXPECT_THAT(cluster.list<Claim>("default"), IsEmpty());
}

TEST(ResourceClaimLoop, WaitsForTheTemplate) {
  sim::Cluster cluster(sim::loops("resourceclaim-controller"));
  cluster.create(asking(sim::make_pod("default/p"), {"g<t"}));
  cluster.advance(10min);
  EXPECT_THAT(cluster.list<Claim>("default"), IsEmpty());
  const auto events = cluster.list<core::v1::Event>("default");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events.front().reason(), "FailedResourceClaimCreation");
  EXPECT_EQ(events.front().message(),
            R"(PodResourceClaim g: resource claim template "t": resourceclaimtemplate.resource.k8s.io "t" not found)");
  EXPECT_EQ(events.front().source().component(), "resource_claim");
  cluster.create(make_template("default/t"));
  cluster.advance(1s);
  EXPECT_EQ(cluster.list<Claim>("default").size(), 1u);
}

TEST(ResourceClaimLoop, OfAPodThatHasEndedNothingIsLeft) {
  sim::Cluster cluster(sim::loops("resourceclaim-controller"));
  cluster.create(make_template("default/t"));
  cluster.create(asking(sim::make_pod("default/p", "n1"), {"g<t"}));
  cluster.advance(1s);
  const std::string key = "default/" + cluster.list<Claim>("default").front().metadata().name();
  scheduled(cluster, key, {"p"});
  cluster.advance(1min);
  EXPECT_THAT(users(cluster, key), ElementsAre("p"));
  finish(cluster, "default/p");
  cluster.advance(1s);
  EXPECT_THAT(cluster.list<Claim>("default"), IsEmpty()) << "and it is not made again";
  EXPECT_TRUE(cluster.run_until_quiet());
}

TEST(ResourceClaimLoop, OneOfTwoPodsEnds) {
  sim::Cluster cluster(sim::loops("resourceclaim-controller"));
  cluster.create(make_claim("default/c"));
  for (const char* key : {"default/a", "default/b"}) cluster.create(asking(sim::make_pod(key, "n1"), {"g=c"}));
  scheduled(cluster, "default/c", {"a", "b"});
  cluster.advance(1s);
  finish(cluster, "default/a");
  cluster.advance(1s);
  EXPECT_THAT(users(cluster, "default/c"), ElementsAre("b"));
  const std::size_t writes = cluster.history().size();
  cluster.advance(10min);
  cluster.restart_loops();
  cluster.advance(10min);
  EXPECT_EQ(cluster.history().size(), writes) << "it is not put there again";
  cluster.remove<Pod>("default/b", {.grace_seconds = 0});
  cluster.advance(1s);
  const Claim claim = cluster.get<Claim>("default/c");
  EXPECT_FALSE(claim.status().has_allocation());
  EXPECT_THAT(claim.status().reserved_for(), IsEmpty());
  EXPECT_THAT(claim.metadata().finalizers(), IsEmpty());
}

TEST(ResourceClaimLoop, APodPutOnItsNodeByHandIsReserved) {
  sim::Cluster cluster(sim::loops("resourceclaim-controller"));
  cluster.create(make_claim("default/c"));
  cluster.create(asking(sim::make_pod("default/z", "n1"), {"g=c"}));
  scheduled(cluster, "default/c", {"z"});
  cluster.create(asking(sim::make_pod("default/waits"), {"g=c"}));
  cluster.create(asking(sim::make_pod("default/a", "n1"), {"g=c"}));
  cluster.advance(1s);
  EXPECT_THAT(users(cluster, "default/c"), ElementsAre("z", "a"));
}

TEST(ResourceClaimLoop, AnotherPodOfThatNameHasNothing) {
  sim::Cluster cluster(sim::loops("resourceclaim-controller"));
  cluster.create(make_claim("default/c"));
  cluster.create(asking(sim::make_pod("default/a"), {"g=c"}));
  cluster.edit<Claim>("default/c", [](Claim& claim) { claim.mutable_metadata()->add_finalizers(kFinalizer); });
  Claim claim = cluster.get<Claim>("default/c");
  allocate(claim);
  reserve(claim, "a", "00000000-0000-0000-0000-000000000001");
  cluster.update_status(claim);
  cluster.advance(1s);
  claim = cluster.get<Claim>("default/c");
  EXPECT_FALSE(claim.status().has_allocation());
  EXPECT_THAT(claim.metadata().finalizers(), IsEmpty());
}

// It ended between giving the devices back and taking the finalizer away.
TEST(ResourceClaimLoop, AFinalizerThatWasLeftBehindGoes) {
  sim::Cluster cluster(sim::loops("resourceclaim-controller"));
  Claim claim = make_claim("default/c");
  claim.mutable_metadata()->add_finalizers(kFinalizer);
  cluster.create(claim);
  cluster.advance(20s);
  EXPECT_EQ(cluster.get<Claim>("default/c").metadata().finalizers_size(), 1) << "a scheduler may be about to allocate it";
  cluster.advance(20s);
  EXPECT_THAT(cluster.get<Claim>("default/c").metadata().finalizers(), IsEmpty());
}

TEST(ResourceClaimLoop, AClaimOfSomebodyElseIsToldOf) {
  sim::Cluster cluster(sim::loops("resourceclaim-controller").later());
  cluster.create(make_template("default/t"));
  cluster.create(make_claim("default/c"));
  cluster.create(asking(sim::make_pod("default/p"), {"g<t"}));
  Pod pod = cluster.get<Pod>("default/p");
  cluster.update_status(told(pod, {"g=c"}));
  cluster.restart_loops();
  cluster.advance(1min);
  const auto events = cluster.list<core::v1::Event>("default");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events.front().message(),
            "PodResourceClaim g: ResourceClaim default/c was not created for pod default/p (pod is not owner)");
}

}  // namespace
}  // namespace ph::controllers
