// The loop that has volumes attached, in a cluster; the attacher of the driver is played.
#include <gmock/gmock.h>

#include "api/times.h"
#include "controllers/attach_detach/volumes.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using attach_detach::Attachment, attach_detach::Claim, attach_detach::Driver, attach_detach::Volume;
using core::v1::Node;
using core::v1::Pod;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kAttacherHolds = "external-attacher/d";

class AttachDetachLoop : public testing::Test {
 protected:
  explicit AttachDetachLoop(controllers::Options options = {}) : cluster(sim::loops("attachdetach").options(std::move(options))) {
    for (const char* name : {"n1", "n2"}) make_node(name);
  }

  void make_node(const std::string& name) {
    Node node;
    node.mutable_metadata()->set_name(name);
    (*node.mutable_metadata()->mutable_annotations())["volumes.kubernetes.io/controller-managed-attach-detach"] = "true";
    auto& ready = *node.mutable_status()->add_conditions();
    ready.set_type("Ready");
    ready.set_status("True");
    cluster.create(node);
  }
  // A bound claim `name` of the default namespace, and its volume `pv-<name>`.
  void make_bound(const std::string& name, const std::string& mode = "ReadWriteOnce") {
    Claim claim;
    claim.mutable_metadata()->set_namespace_("default");
    claim.mutable_metadata()->set_name(name);
    claim.mutable_spec()->add_access_modes(mode);
    (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
    claim.mutable_spec()->set_volume_name("pv-" + name);
    claim = cluster.create(claim);
    Volume volume;
    volume.mutable_metadata()->set_name("pv-" + name);
    (*volume.mutable_spec()->mutable_capacity())["storage"].set_string("1Gi");
    volume.mutable_spec()->add_access_modes(mode);
    auto& csi = *volume.mutable_spec()->mutable_persistent_volume_source()->mutable_csi();
    csi.set_driver("d");
    csi.set_volume_handle("h-" + name);
    auto& of = *volume.mutable_spec()->mutable_claim_ref();
    of.set_api_version("v1");
    of.set_kind("PersistentVolumeClaim");
    of.set_namespace_("default");
    of.set_name(name);
    of.set_uid(claim.metadata().uid());
    cluster.create(volume);
    claim.mutable_status()->set_phase("Bound");
    cluster.update_status(claim);
  }
  void make_pod(const std::string& name, const std::string& node, const std::string& claim) {
    Pod pod = sim::make_pod("default/" + name, node);
    auto& volume = *pod.mutable_spec()->add_volumes();
    volume.set_name("data");
    volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(claim);
    cluster.create(pod);
  }
  void remove_pod(const std::string& name) { cluster.remove<Pod>("default/" + name, {.grace_seconds = 0}); }

  // The driver's attacher does what it is asked for.
  void attach_all() {
    for (Attachment each : cluster.list<Attachment>()) {
      const std::string key = each.metadata().name();
      if (each.metadata().has_deletion_timestamp()) {
        cluster.edit<Attachment>(key, [](Attachment& left) { left.mutable_metadata()->clear_finalizers(); });
      } else if (!each.status().attached()) {
        each.mutable_metadata()->add_finalizers(kAttacherHolds);
        each = cluster.update(each);
        each.mutable_status()->set_attached(true);
        cluster.update_status(each);
      }
    }
    cluster.advance(1s);
  }
  void say_in_use(const std::string& node, const std::vector<std::string>& claims) {
    Node now = cluster.get<Node>(node);
    now.mutable_status()->clear_volumes_in_use();
    for (const std::string& claim : claims) now.mutable_status()->add_volumes_in_use("kubernetes.io/csi/d^h-" + claim);
    cluster.update_status(now);
    cluster.advance(1s);
  }
  void say_ready(const std::string& node, const char* status) {
    Node now = cluster.get<Node>(node);
    now.mutable_status()->mutable_conditions(0)->set_status(status);
    cluster.update_status(now);
  }

  // "<volume> <node>", "+" when attached, "-" when on its way out.
  std::vector<std::string> attachments() {
    std::vector<std::string> out;
    for (const Attachment& each : cluster.list<Attachment>()) {
      out.push_back(each.spec().source().persistent_volume_name() + " " + each.spec().node_name() +
                    (each.status().attached() ? "+" : "") + (each.metadata().has_deletion_timestamp() ? "-" : ""));
    }
    return out;
  }
  std::vector<std::string> told(const std::string& node) {
    std::vector<std::string> out;
    const Node now = cluster.get<Node>(node);
    for (const auto& each : now.status().volumes_attached()) out.push_back(each.name());
    return out;
  }
  // "<pod> <reason> <message>"
  std::vector<std::string> events() {
    std::vector<std::string> out;
    for (const auto& each : cluster.list<core::v1::Event>("default")) {
      EXPECT_EQ(each.source().component(), "attachdetach-controller");
      out.push_back(each.involved_object().name() + " " + each.reason() + " " + each.message());
    }
    return out;
  }

  sim::Cluster cluster;
};

TEST_F(AttachDetachLoop, AttachesTellsAndDetaches) {
  make_bound("a");
  make_pod("web", "n1", "a");
  cluster.advance(1s);
  const auto made = cluster.list<Attachment>();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made.front().spec().attacher(), "d");
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1"));
  EXPECT_THAT(told("n1"), IsEmpty());
  attach_all();
  EXPECT_THAT(told("n1"), ElementsAre("kubernetes.io/csi/d^h-a"));
  EXPECT_THAT(events(), ElementsAre("web SuccessfulAttachVolume AttachVolume.Attach succeeded for volume \"pv-a\" "));
  say_in_use("n1", {"a"});
  make_pod("second", "n1", "a");
  remove_pod("web");
  cluster.advance(10min);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+")) << "another pod of the node needs it";
  remove_pod("second");
  cluster.advance(1min);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+")) << "the node uses it still";
  EXPECT_THAT(told("n1"), ElementsAre("kubernetes.io/csi/d^h-a"));
  say_in_use("n1", {});
  EXPECT_THAT(told("n1"), IsEmpty());
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+-"));
  attach_all();
  EXPECT_THAT(attachments(), IsEmpty());
}

TEST_F(AttachDetachLoop, AVolumeIsInOnePlaceAtATime) {
  make_bound("a");
  make_pod("first", "n1", "a");
  cluster.advance(1s);
  attach_all();
  make_pod("second", "n2", "a");
  cluster.advance(1min);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+"));
  EXPECT_THAT(events(),
              testing::Contains("second FailedAttachVolume Multi-Attach error for volume \"pv-a\" Volume is already used by "
                                "pod(s) first"));
  remove_pod("first");
  cluster.advance(1s);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+-")) << "not before it has gone";
  attach_all();
  EXPECT_THAT(attachments(), ElementsAre("pv-a n2"));
  attach_all();
  EXPECT_THAT(told("n2"), ElementsAre("kubernetes.io/csi/d^h-a"));
}

TEST_F(AttachDetachLoop, PodsThatComeTogetherOnTwoNodesDoNotBothGetIt) {
  make_bound("a");
  make_pod("first", "n1", "a");
  make_pod("second", "n2", "a");
  cluster.advance(10s);
  EXPECT_EQ(cluster.list<Attachment>().size(), 1u);
}

TEST_F(AttachDetachLoop, ASharedVolumeIsWhereverItIsWanted) {
  make_bound("a", "ReadWriteMany");
  make_pod("first", "n1", "a");
  make_pod("second", "n2", "a");
  cluster.advance(10s);
  EXPECT_THAT(attachments(), UnorderedElementsAre("pv-a n1", "pv-a n2"));
}

TEST_F(AttachDetachLoop, WhatEndsLetsGoOfItsVolumes) {
  make_bound("a");
  make_pod("job", "n1", "a");
  cluster.advance(1s);
  attach_all();
  Pod pod = cluster.get<Pod>("default/job");
  pod.mutable_status()->set_phase("Succeeded");
  cluster.update_status(pod);
  cluster.advance(1s);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+-"));
}

TEST_F(AttachDetachLoop, NothingForDriversThatDoNotAttachAndNodesThatDoItThemselves) {
  Driver driver;
  driver.mutable_metadata()->set_name("d");
  driver.mutable_spec()->set_attach_required(false);
  cluster.create(driver);
  make_bound("a");
  make_pod("web", "n1", "a");
  cluster.advance(1min);
  EXPECT_THAT(attachments(), IsEmpty());
  cluster.edit<Node>("n1", [](Node& node) { node.mutable_metadata()->clear_annotations(); });
  cluster.advance(1s);
  cluster.remove<Driver>("d");
  cluster.advance(1min);
  EXPECT_THAT(attachments(), IsEmpty());
  cluster.edit<Node>("n1", [](Node& node) {
    (*node.mutable_metadata()->mutable_annotations())["volumes.kubernetes.io/controller-managed-attach-detach"] = "true";
  });
  cluster.advance(1s);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1"));
}

TEST_F(AttachDetachLoop, ANodeInTroubleIsForcedAfterSixMinutes) {
  make_bound("a");
  make_pod("web", "n1", "a");
  cluster.advance(1s);
  attach_all();
  say_in_use("n1", {"a"});
  say_ready("n1", "Unknown");
  remove_pod("web");
  cluster.advance(5min);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+"));
  cluster.advance(62s);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+-"));
}

class AttachDetachLoopUnforced : public AttachDetachLoop {
 protected:
  AttachDetachLoopUnforced()
      : AttachDetachLoop([] {
          controllers::Options out;
          out.disable_force_detach_on_timeout = true;
          return out;
        }()) {}
};

TEST_F(AttachDetachLoopUnforced, OnlyTheTaintForcesANode) {
  make_bound("a");
  make_pod("web", "n1", "a");
  cluster.advance(1s);
  attach_all();
  say_in_use("n1", {"a"});
  say_ready("n1", "Unknown");
  remove_pod("web");
  cluster.advance(20min);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+"));
  cluster.edit<Node>("n1", [](Node& node) {
    auto& taint = *node.mutable_spec()->add_taints();
    taint.set_key("node.kubernetes.io/out-of-service");
    taint.set_effect("NoExecute");
  });
  cluster.advance(1s);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+-"));
}

TEST_F(AttachDetachLoop, OfANodeThatIsGone) {
  make_bound("a");
  make_pod("web", "n1", "a");
  cluster.advance(1s);
  attach_all();
  say_in_use("n1", {"a"});
  cluster.remove<Node>("n1");
  cluster.advance(1min);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+")) << "its pod may still run";
  remove_pod("web");
  cluster.advance(1s);
  EXPECT_THAT(attachments(), ElementsAre("pv-a n1+-"));
}

TEST_F(AttachDetachLoop, TellsWhyNothingIsAttached) {
  make_bound("a");
  make_pod("web", "n1", "a");
  cluster.advance(110s);
  EXPECT_THAT(events(), IsEmpty());
  cluster.advance(20s);
  EXPECT_THAT(events(),
              ElementsAre("web FailedAttachVolume AttachVolume.Attach failed for volume \"pv-a\" : timed out waiting for "
                          "external-attacher of d CSI driver to attach volume h-a"));
  Attachment failed = cluster.list<Attachment>().front();
  api::set_time(failed.mutable_status()->mutable_attach_error()->mutable_time(), cluster.now());
  failed.mutable_status()->mutable_attach_error()->set_message("rpc error: no");
  cluster.update_status(failed);
  cluster.advance(10s);
  EXPECT_THAT(events(),
              testing::Contains("web FailedAttachVolume AttachVolume.Attach failed for volume \"pv-a\" : rpc error: no"));
}

TEST_F(AttachDetachLoop, AtRestNothingIsWritten) {
  make_bound("a");
  make_bound("b");
  make_pod("web", "n1", "a");
  make_pod("db", "n2", "b");
  cluster.advance(1s);
  attach_all();
  say_in_use("n1", {"a"});
  cluster.advance(1min);
  const std::size_t writes = cluster.history().size();
  cluster.restart_loops();
  cluster.advance(20min);
  EXPECT_EQ(cluster.history().size(), writes);
}

}  // namespace
}  // namespace ph::controllers
