// The expander: whom it brings, and what it says.
#include <gmock/gmock.h>

#include "controllers/persistent_volume_expander/plan.h"
#include "tests/controllers/volumes.h"
#include "tests/sim/cluster.h"

namespace ph::controllers::volume_expander {
namespace {

using core::v1::Event;

Claim of_size(const std::string& has, const std::string& asks) {
  Claim claim = make_claim("default/data").uid("u1").of_class("grows").bound("v").size(asks);
  (*claim.mutable_status()->mutable_capacity())["storage"].set_string(has);
  return claim;
}
Volume moved() {
  Volume out = make_volume("v").of_class("grows");
  out.mutable_spec()->mutable_persistent_volume_source()->clear_csi();
  out.mutable_spec()->mutable_persistent_volume_source()->mutable_aws_elastic_block_store()->set_volume_id("vol-1");
  return out;
}

TEST(VolumeExpander, WhatBringsAClaim) {
  const Claim small = of_size("1Gi", "1Gi"), big = of_size("1Gi", "2Gi");
  Claim pending = big, another = big;
  pending.mutable_status()->set_phase("Pending");
  another.mutable_metadata()->set_uid("u2");
  EXPECT_TRUE(asks_for_more(nullptr, &small));
  EXPECT_TRUE(asks_for_more(&small, &big));
  EXPECT_TRUE(asks_for_more(&big, &another));
  EXPECT_FALSE(asks_for_more(&big, &big));
  EXPECT_FALSE(asks_for_more(&big, &small));
  EXPECT_FALSE(asks_for_more(nullptr, &pending));
  EXPECT_FALSE(asks_for_more(&small, nullptr));
}

TEST(VolumeExpander, WhatAClaimIsTold) {
  const Volume volume = make_volume("v");
  EXPECT_FALSE(plan(of_size("1Gi", "1Gi"), volume));
  EXPECT_FALSE(plan(of_size("2Gi", "1Gi"), volume));
  EXPECT_TRUE(plan(of_size("1Gi", "1Gi"), make_volume("v").noted("volume.alpha.kubernetes.io/pre-resize-capacity", "1Gi")));
  const auto csi = plan(of_size("1Gi", "1025Mi"), volume);
  ASSERT_TRUE(csi);
  EXPECT_EQ(csi->message, "waiting for an external controller to expand this PVC");
  EXPECT_EQ(csi->resizer, "");
  const auto migrated = plan(of_size("1Gi", "2Gi"), moved());
  ASSERT_TRUE(migrated);
  EXPECT_EQ(migrated->message, "CSI migration enabled for kubernetes.io/aws-ebs; waiting for external resizer to expand the pvc");
  EXPECT_EQ(migrated->resizer, "ebs.csi.aws.com");
}

TEST(VolumeExpanderScenario, AClaimThatGrowsIsToldOnce) {
  for (const Volume& volume : {Volume(make_volume("v").of_class("grows")), moved()}) {
    const bool is_moved = volume.spec().persistent_volume_source().has_aws_elastic_block_store();
    SCOPED_TRACE(is_moved);
    sim::Cluster cluster(sim::loops("persistentvolume-expander,persistentvolume-binder"));
    cluster.create(volume);
    cluster.advance(1s);
    cluster.create(make_claim("default/data").of_class("grows").object());
    cluster.advance(1s);
    cluster.edit<Claim>("default/data", [](Claim& claim) {
      (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("2Gi");
    });
    cluster.advance(1min);
    const Claim claim = cluster.get<Claim>("default/data");
    EXPECT_EQ(claim.metadata().annotations().contains(kResizer), is_moved);
    EXPECT_EQ(claim.status().capacity().at("storage").string(), "1Gi");
    const auto events = cluster.list<Event>();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].reason(), "ExternalExpanding");
    EXPECT_EQ(events[0].count(), 1);
    EXPECT_EQ(events[0].source().component(), "volume_expand");
  }
}

}  // namespace
}  // namespace ph::controllers::volume_expander
