// The loop of generic ephemeral volumes: claims that pods bring.
#include "controllers/ephemeral_volume/plan.h"

#include <gmock/gmock.h>

#include "api/codec.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Pod;
using ephemeral_volume::Claim, ephemeral_volume::OwnVolume;
using informers::PodView;
using testing::ElementsAre;
using testing::IsEmpty;

Pod with_own(Pod pod, const std::string& volume_name) {
  auto& volume = *pod.mutable_spec()->add_volumes();
  volume.set_name(volume_name);
  auto& from = *volume.mutable_volume_source()->mutable_ephemeral()->mutable_volume_claim_template();
  (*from.mutable_metadata()->mutable_labels())["l"] = "1";
  (*from.mutable_metadata()->mutable_annotations())["a"] = "1";
  from.mutable_spec()->add_access_modes("ReadWriteOnce");
  (*from.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
  return pod;
}
Pod with_claim(Pod pod, const std::string& claim) {
  auto& volume = *pod.mutable_spec()->add_volumes();
  volume.set_name("data");
  volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(claim);
  return pod;
}
Pod with_uid(Pod pod, const std::string& uid) { return pod.mutable_metadata()->set_uid(uid), pod; }
Claim make_claim(const std::string& key) {
  Claim claim;
  const ObjectKey parsed = ObjectKey::parse(key);
  claim.mutable_metadata()->set_namespace_(parsed.namespace_name);
  claim.mutable_metadata()->set_name(parsed.name);
  claim.mutable_spec()->add_access_modes("ReadWriteOnce");
  (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
  return claim;
}
std::shared_ptr<const PodView> view(const Pod& pod) { return PodView::decode(api::encode_protobuf(pod)); }

TEST(EphemeralVolumePlan, WhichVolumesBringClaims) {
  const auto pod = view(with_own(with_claim(with_own(sim::make_pod("shop/web"), "tmp"), "shared"), "a-b"));
  std::vector<std::string> told;
  for (const OwnVolume& each : ephemeral_volume::own_volumes(*pod)) told.push_back(each.volume + " " + each.claim);
  EXPECT_THAT(told, ElementsAre("tmp web-tmp", "a-b web-a-b"));
  EXPECT_THAT(ephemeral_volume::claim_keys(*pod), ElementsAre("shop/web-tmp", "shop/web-a-b"));
}

TEST(EphemeralVolumePlan, WhatIsMade) {
  const Pod pod = with_uid(with_own(sim::make_pod("shop/web"), "tmp"), "u1");
  const auto claim = ephemeral_volume::claim_of(pod, {.volume = "tmp", .claim = "web-tmp"});
  ASSERT_TRUE(claim.has_value());
  Claim wanted;
  api::decode_json(R"({"metadata": {"name": "web-tmp", "namespace": "shop", "labels": {"l": "1"}, "annotations": {"a": "1"},
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "u1", "controller": true, "blockOwnerDeletion": true}]},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})",
                   wanted);
  EXPECT_EQ(api::encode_json(*claim), api::encode_json(wanted));
  EXPECT_FALSE(ephemeral_volume::claim_of(with_claim(sim::make_pod("shop/web"), "x"), {.volume = "data", .claim = "web-data"}));
}

// -- In a cluster

TEST(EphemeralVolumeLoop, MakesClaimsAndMakesThemAgain) {
  sim::Cluster cluster(sim::loops("ephemeral-volume"));
  const Pod pod = cluster.create(with_own(with_own(sim::make_pod("default/p"), "a"), "b"));
  cluster.advance(1s);
  EXPECT_EQ(cluster.list<Claim>("default").size(), 2u);
  const Claim first = cluster.get<Claim>("default/p-a");
  EXPECT_TRUE(ephemeral_volume::is_for_pod(first, *view(pod)));
  cluster.remove<Claim>("default/p-a");
  cluster.advance(1s);
  EXPECT_NE(cluster.get<Claim>("default/p-a").metadata().uid(), first.metadata().uid());
}

TEST(EphemeralVolumeLoop, APodThatHasEndedHasItsClaimStillAndOneThatIsDeletedGetsNone) {
  sim::Cluster cluster(sim::loops("ephemeral-volume"));
  Pod pod = with_own(sim::make_pod("default/p", "n1"), "a");
  pod.mutable_metadata()->add_finalizers("example.com/held");
  pod = cluster.create(pod);
  cluster.advance(1s);
  pod = cluster.get<Pod>("default/p");
  pod.mutable_status()->set_phase("Succeeded");
  cluster.update_status(pod);
  cluster.remove<Claim>("default/p-a");
  cluster.advance(1s);
  EXPECT_TRUE(cluster.has<Claim>("default/p-a"));
  cluster.remove<Pod>("default/p", {.grace_seconds = 0});
  cluster.remove<Claim>("default/p-a");
  cluster.advance(1min);
  EXPECT_FALSE(cluster.has<Claim>("default/p-a"));
}

TEST(EphemeralVolumeLoop, AClaimOfSomebodyElseIsToldOf) {
  sim::Cluster cluster(sim::loops("ephemeral-volume"));
  cluster.create(make_claim("default/q-tmp"));
  cluster.create(with_own(with_own(sim::make_pod("default/q"), "tmp"), "z"));
  cluster.advance(1min);
  const auto events = cluster.list<core::v1::Event>("default");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events.front().reason(), "FailedBinding");
  EXPECT_EQ(events.front().source().component(), "ephemeral_volume");
  EXPECT_EQ(events.front().message(),
            "ephemeral volume tmp: PVC default/q-tmp was not created for pod default/q (pod is not owner)");
  EXPECT_FALSE(cluster.has<Claim>("default/q-z")) << "as upstream, one after the other";
  cluster.remove<Claim>("default/q-tmp");
  cluster.advance(1s);
  EXPECT_TRUE(cluster.has<Claim>("default/q-tmp"));
  EXPECT_TRUE(cluster.has<Claim>("default/q-z"));
}

TEST(EphemeralVolumeLoop, AtRestNothingIsWritten) {
  sim::Cluster cluster(sim::loops("ephemeral-volume"));
  cluster.create(with_own(sim::make_pod("default/p"), "a"));
  cluster.advance(1s);
  const std::size_t writes = cluster.history().size();
  cluster.restart_loops();
  cluster.advance(10min);
  EXPECT_EQ(cluster.history().size(), writes);
}

}  // namespace
}  // namespace ph::controllers
