// What is attached to a node, detached from it and told of it, as the plan has it.
#include "controllers/attach_detach/plan.h"

#include <gmock/gmock.h>

#include "api/codec.h"
#include "tests/sim/builders.h"

namespace ph::controllers::attach_detach {
namespace {

using core::v1::Pod;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kX = "kubernetes.io/csi/d^x";

Ref<PodView> view(const Pod& pod) { return PodView::decode(api::encode_protobuf(pod)); }

Volume make_volume(const std::string& name, const std::string& handle, const std::vector<std::string>& modes) {
  Volume volume;
  volume.mutable_metadata()->set_name(name);
  for (const std::string& mode : modes) volume.mutable_spec()->add_access_modes(mode);
  auto& csi = *volume.mutable_spec()->mutable_persistent_volume_source()->mutable_csi();
  csi.set_driver("d");
  csi.set_volume_handle(handle);
  return volume;
}

TEST(AttachDetachPlan, Names) {
  const auto volume = csi_volume(make_volume("pv", "x", {"ReadWriteOnce"}));
  ASSERT_TRUE(volume.has_value());
  EXPECT_EQ(volume->unique_name(), kX);
  // sha256 of "xdnode-a"
  EXPECT_EQ(attachment_name(*volume, "node-a"), "csi-4313e05ac0c9d11646a37abaff921787591685412af1efb81fc32156546b66a8");
  EXPECT_TRUE(is_named_by_us(attachment_of(*volume, "node-a")));
  Attachment other;
  for (const char* name : {"csi-1", "mine", "csi-4313E05AC0C9D11646A37ABAFF921787591685412AF1EFB81FC32156546B66A8"}) {
    other.mutable_metadata()->set_name(name);
    EXPECT_FALSE(is_named_by_us(other)) << name;
  }
  Volume local;
  local.mutable_spec()->mutable_persistent_volume_source()->mutable_host_path()->set_path("/x");
  EXPECT_FALSE(csi_volume(local).has_value());
}

TEST(AttachDetachPlan, WhatMayBeInSeveralPlaces) {
  EXPECT_FALSE(csi_volume(make_volume("pv", "x", {"ReadWriteOnce"}))->is_shared);
  EXPECT_FALSE(csi_volume(make_volume("pv", "x", {"ReadWriteOncePod"}))->is_shared);
  EXPECT_TRUE(csi_volume(make_volume("pv", "x", {"ReadWriteOnce", "ReadOnlyMany"}))->is_shared);
  EXPECT_TRUE(csi_volume(make_volume("pv", "x", {"ReadWriteMany"}))->is_shared);
  EXPECT_TRUE(csi_volume(make_volume("pv", "x", {}))->is_shared);
}

TEST(AttachDetachPlan, WhichDriversAttach) {
  Driver driver;
  EXPECT_TRUE(needs_attaching(nullptr));
  EXPECT_TRUE(needs_attaching(&driver));
  driver.mutable_spec()->set_attach_required(false);
  EXPECT_FALSE(needs_attaching(&driver));
  driver.mutable_spec()->set_attach_required(true);
  EXPECT_TRUE(needs_attaching(&driver));
}

TEST(AttachDetachPlan, WhatIsBound) {
  Pod pod = sim::make_pod("shop/web", "n1");
  pod.mutable_metadata()->set_uid("u1");
  Claim claim;
  claim.mutable_metadata()->set_uid("c1");
  claim.mutable_spec()->set_volume_name("pv");
  claim.mutable_status()->set_phase("Bound");
  Volume volume = make_volume("pv", "x", {});
  volume.mutable_spec()->mutable_claim_ref()->set_uid("c1");
  const informers::ClaimView by_name{.name = "data"}, own{.name = "web-tmp", .generic_ephemeral = true};
  EXPECT_TRUE(is_bound_for(*view(pod), by_name, claim, volume));
  EXPECT_FALSE(is_bound_for(*view(pod), own, claim, volume)) << "it is somebody else's";
  auto& owner = *claim.mutable_metadata()->add_owner_references();
  owner.set_uid("u1");
  owner.set_controller(true);
  EXPECT_TRUE(is_bound_for(*view(pod), own, claim, volume));
  claim.mutable_status()->set_phase("Lost");
  EXPECT_FALSE(is_bound_for(*view(pod), by_name, claim, volume));
  claim.mutable_status()->set_phase("Bound");
  volume.mutable_spec()->mutable_claim_ref()->set_uid("c2");
  EXPECT_FALSE(is_bound_for(*view(pod), by_name, claim, volume)) << "the volume knows another";
}

// A node that attaches, and what it says.
struct NodeIs {
  bool ready = true, managed = true, out_of_service = false;
  std::vector<std::string> in_use = {}, told = {};
};
Ref<NodeView> make_node(const NodeIs& is) {
  core::v1::Node node;
  node.mutable_metadata()->set_name("n1");
  node.mutable_metadata()->set_uid("n");
  if (is.managed)
    (*node.mutable_metadata()->mutable_annotations())["volumes.kubernetes.io/controller-managed-attach-detach"] = "true";
  if (is.out_of_service) node.mutable_spec()->add_taints()->set_key("node.kubernetes.io/out-of-service");
  auto& ready = *node.mutable_status()->add_conditions();
  ready.set_type("Ready");
  ready.set_status(is.ready ? "True" : "False");
  for (const std::string& name : is.in_use) node.mutable_status()->add_volumes_in_use(name);
  for (const std::string& name : is.told) node.mutable_status()->add_volumes_attached()->set_name(name);
  return NodeView::of(node);
}
Wanted make_wanted(bool is_elsewhere = false) {
  return {.volume = *csi_volume(make_volume("pv", "x", {"ReadWriteOnce"})),
          .pods = {view(sim::make_pod("shop/web", "n1"))},
          .is_elsewhere = is_elsewhere};
}
enum class Is { Waiting, Attached, Leaving };
Existing make_existing(Is is, Duration unwanted_for = {}, bool is_known = true) {
  const CsiVolume volume = *csi_volume(make_volume("pv", "x", {"ReadWriteOnce"}));
  auto attachment = std::make_shared<Attachment>(attachment_of(volume, "n1"));
  attachment->mutable_status()->set_attached(is != Is::Waiting);
  if (is == Is::Leaving) api::set_time(attachment->mutable_metadata()->mutable_deletion_timestamp(), Time(1s));
  Existing out{.attachment = attachment, .unwanted_for = unwanted_for};
  if (is_known) out.volume = volume;
  return out;
}

// "attach", "refuse", "wait", "event", "detach" ("detach!" without asking the node) and what the node is told.
std::string told(const Plan& plan) {
  std::string out;
  if (!plan.attach.empty()) out += "attach ";
  if (!plan.refused.empty()) out += "refuse ";
  if (!plan.waiting.empty()) out += "wait ";
  if (!plan.attached.empty()) out += "event ";
  for (const Detach& each : plan.detach) out += each.asks_node ? "detach " : "detach! ";
  for (const auto& [name, path] : plan.told) out += name + " ";
  if (plan.look_again > Duration::zero()) out += "later ";
  if (!out.empty()) out.pop_back();
  return out;
}

TEST(AttachDetachPlan, Steps) {
  struct Case {
    const char* name;
    std::optional<NodeIs> node;
    std::optional<Wanted> wanted;
    std::optional<Existing> existing;
    const char* plan;
    bool may_force = true;
  };
  const NodeIs plain, using_it{.in_use = {kX}, .told = {kX}}, telling{.told = {kX}};
  const NodeIs troubled{.ready = false, .in_use = {kX}, .told = {kX}};
  const NodeIs out{.ready = false, .out_of_service = true, .in_use = {kX}, .told = {kX}};
  const NodeIs by_itself{.managed = false, .told = {kX}};
  const Case cases[] = {
      {"nothing", plain, {}, {}, ""},
      {"wanted", plain, make_wanted(), {}, "attach"},
      {"wanted, and elsewhere", plain, make_wanted(true), {}, "refuse"},
      {"wanted, no such node", {}, make_wanted(), {}, ""},
      {"wanted, and the kubelet attaches", by_itself, make_wanted(), {}, kX},
      {"asked for", plain, make_wanted(), make_existing(Is::Waiting), "wait"},
      {"attached", plain, make_wanted(), make_existing(Is::Attached), "event kubernetes.io/csi/d^x"},
      {"attached and told", telling, make_wanted(), make_existing(Is::Attached), kX},
      {"attached, and somebody takes it away", telling, make_wanted(), make_existing(Is::Leaving), ""},
      {"attached, the node is gone, its pods are not", {}, make_wanted(), make_existing(Is::Attached), kX},
      {"not wanted any more", telling, {}, make_existing(Is::Attached), "detach"},
      {"… never attached", plain, {}, make_existing(Is::Waiting), "detach"},
      {"… on its way out", plain, {}, make_existing(Is::Leaving), ""},
      {"… in use", using_it, {}, make_existing(Is::Attached), "kubernetes.io/csi/d^x later"},
      {"… in use for long, by a node that is well", using_it, {}, make_existing(Is::Attached, 7min), kX},
      {"… in use for long, by one that is not", troubled, {}, make_existing(Is::Attached, 7min), "detach!"},
      {"… and that is not to be forced", troubled, {}, make_existing(Is::Attached, 7min), kX, false},
      {"… not in use, for long", telling, {}, make_existing(Is::Attached, 7min), "detach!"},
      {"… in use, out of service", out, {}, make_existing(Is::Attached), "detach!"},
      {"… the node is gone", {}, {}, make_existing(Is::Attached), "detach!"},
      {"… the volume is gone", plain, {}, make_existing(Is::Attached, {}, false), "detach"},
      {"… and the kubelet detaches", by_itself, {}, make_existing(Is::Attached), kX},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Facts facts{.may_force = c.may_force};
    if (c.node) facts.node = make_node(*c.node);
    if (c.wanted) facts.wanted.push_back(*c.wanted);
    if (c.existing) facts.existing.push_back(*c.existing);
    EXPECT_EQ(told(plan(facts)), c.plan);
  }
}

TEST(AttachDetachPlan, WhatANodeIsToldKeepsItsOrder) {
  Facts facts{.node = make_node({.told = {"kubernetes.io/csi/d^gone", "kubernetes.io/other/y", kX}})};
  for (const char* handle : {"b", "a", "x"}) {
    const CsiVolume volume = *csi_volume(make_volume(std::string("pv-") + handle, handle, {"ReadWriteOnce"}));
    auto attachment = std::make_shared<Attachment>(attachment_of(volume, "n1"));
    attachment->mutable_status()->set_attached(true);
    facts.wanted.push_back({.volume = volume});
    facts.existing.push_back({.attachment = attachment, .volume = volume});
  }
  std::vector<std::string> names;
  for (const auto& [name, path] : plan(facts).told) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("kubernetes.io/other/y", kX, "kubernetes.io/csi/d^a", "kubernetes.io/csi/d^b"));
  EXPECT_EQ(told_patch("n", {{kX, ""}}),
            R"({"metadata":{"uid":"n"},"status":{"volumesAttached":[{"devicePath":"","name":"kubernetes.io/csi/d^x"}]}})");
  EXPECT_EQ(told_patch("n", {}), R"({"metadata":{"uid":"n"},"status":{"volumesAttached":null}})");
}

TEST(AttachDetachPlan, Texts) {
  Wanted wanted = make_wanted(true);
  const PodView& pod = *wanted.pods.front();
  EXPECT_EQ(attached_text(wanted), "AttachVolume.Attach succeeded for volume \"pv\" ");
  EXPECT_EQ(failed_text(wanted, "no"), "AttachVolume.Attach failed for volume \"pv\" : no");
  EXPECT_EQ(late_text(wanted),
            "AttachVolume.Attach failed for volume \"pv\" : timed out waiting for external-attacher of d CSI driver to attach "
            "volume x");
  EXPECT_EQ(
      elsewhere_text(wanted, pod),
      "Multi-Attach error for volume \"pv\" Volume is already exclusively attached to one node and can't be attached to another");
  wanted.pods_elsewhere.push_back(view(sim::make_pod("shop/a", "n2")));
  EXPECT_EQ(elsewhere_text(wanted, pod), "Multi-Attach error for volume \"pv\" Volume is already used by pod(s) a");
  wanted.pods_elsewhere.push_back(view(sim::make_pod("shop/b", "n2")));
  wanted.pods_elsewhere.push_back(view(sim::make_pod("bank/c", "n2")));
  EXPECT_EQ(elsewhere_text(wanted, pod),
            "Multi-Attach error for volume \"pv\" Volume is already used by pod(s) a, b and 1 pod(s) in different namespaces");
  wanted.pods_elsewhere.erase(wanted.pods_elsewhere.begin(), wanted.pods_elsewhere.begin() + 2);
  EXPECT_EQ(elsewhere_text(wanted, pod),
            "Multi-Attach error for volume \"pv\" Volume is already used by 1 pod(s) in different namespaces");
}

}  // namespace
}  // namespace ph::controllers::attach_detach
