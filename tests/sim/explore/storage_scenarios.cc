// What pods bring and use: volumes and devices.
#include "tests/sim/builders.h"
#include "tests/sim/explore/stage.h"

namespace ph::sim::explore {
namespace {

using core::v1::Pod;
using Claim = core::v1::PersistentVolumeClaim;
using DeviceClaim = resources::v1::ResourceClaim;
using Template = resources::v1::ResourceClaimTemplate;

informers::DeleteOptions at_once() {
  informers::DeleteOptions out;
  out.grace_seconds = 0;
  return out;
}

// -- Generic ephemeral volumes

Pod with_own(Pod pod, const std::string& name) {
  auto& volume = *pod.mutable_spec()->add_volumes();
  volume.set_name(name);
  auto& spec = *volume.mutable_volume_source()->mutable_ephemeral()->mutable_volume_claim_template()->mutable_spec();
  spec.add_access_modes("ReadWriteOnce");
  (*spec.mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
  return pod;
}

void ephemeral_volumes(Stage& stage) {
  for (const char* key : {"default/a", "default/b"})
    stage.cluster.create(with_own(with_own(make_pod(key, "node-0"), "data"), "tmp"));
  stage.settle();
  stage.cluster.remove<Claim>("default/a-tmp");
  stage.settle();
  stage.cluster.remove<Pod>("default/b", at_once());
  stage.cluster.remove<Claim>("default/b-data");
  stage.cluster.create(with_own(make_pod("default/b", "node-0"), "data"));
  stage.settle();
}

// -- Claims to devices

void ask_for(DeviceClaim& claim) {
  auto& request = *claim.mutable_spec()->mutable_devices()->add_requests();
  request.set_name("r");
  request.mutable_exactly()->set_device_class_name("gpu");
}
Pod asking(Pod pod, const std::string& name, const std::string& claim, const std::string& from) {
  auto& entry = *pod.mutable_spec()->add_resource_claims();
  entry.set_name(name);
  if (!claim.empty()) entry.set_resource_claim_name(claim);
  else entry.set_resource_claim_template_name(from);
  return pod;
}

// What a scheduler writes.
void allocate(Stage& stage, const std::string& key, const std::vector<Pod>& pods) {
  stage.cluster.edit<DeviceClaim>(
      key, [](DeviceClaim& each) { each.mutable_metadata()->add_finalizers("resource.kubernetes.io/delete-protection"); });
  DeviceClaim claim = stage.cluster.get<DeviceClaim>(key);
  auto& result = *claim.mutable_status()->mutable_allocation()->mutable_devices()->add_results();
  result.set_request("r");
  result.set_driver("d.example.com");
  result.set_pool("p");
  result.set_device("x");
  for (const Pod& pod : pods) {
    auto& user = *claim.mutable_status()->add_reserved_for();
    user.set_resource("pods");
    user.set_name(pod.metadata().name());
    user.set_uid(pod.metadata().uid());
  }
  stage.cluster.update_status(claim);
}

void device_claims(Stage& stage) {
  DeviceClaim shared;
  *shared.mutable_metadata() = make_config_map("default/shared").metadata();
  ask_for(shared);
  stage.cluster.create(shared);
  Template from;
  *from.mutable_metadata() = make_config_map("default/t").metadata();
  *from.mutable_spec()->mutable_spec() = shared.spec();
  stage.cluster.create(from);
  std::vector<Pod> pods;
  for (const char* key : {"default/a", "default/b"}) {
    Pod pod = asking(asking(make_pod(key, "node-0"), "own", "", "t"), "shared", "shared", "");
    pods.push_back(stage.cluster.create(asking(std::move(pod), "more", "", "t")));
  }
  stage.settle();
  for (const DeviceClaim& claim : stage.cluster.list<DeviceClaim>("default")) {
    const std::string& name = claim.metadata().name();
    if (name == "shared") allocate(stage, "default/" + name, {pods[0]});  // the other is put there by the loop
    else if (name.find("-own-") != std::string::npos)
      allocate(stage, "default/" + name, {name.starts_with("a-") ? pods[0] : pods[1]});
  }
  stage.settle();
  Pod ended = stage.cluster.get<Pod>("default/a");
  ended.mutable_status()->set_phase("Succeeded");
  stage.cluster.update_status<Pod>(ended);
  stage.settle();
  stage.cluster.remove<DeviceClaim>("default/shared");
  stage.cluster.remove<Pod>("default/b", at_once());
  stage.settle();
}

// -- Volumes that have to be attached

void make_node(Stage& stage, const std::string& name) {
  core::v1::Node node;
  node.mutable_metadata()->set_name(name);
  (*node.mutable_metadata()->mutable_annotations())["volumes.kubernetes.io/controller-managed-attach-detach"] = "true";
  stage.cluster.create(node);
}
void make_bound(Stage& stage, const std::string& name) {
  Claim claim;
  *claim.mutable_metadata() = make_config_map("default/" + name).metadata();
  claim.mutable_spec()->add_access_modes("ReadWriteOnce");
  (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
  claim.mutable_spec()->set_volume_name("pv-" + name);
  claim = stage.cluster.create(claim);
  core::v1::PersistentVolume volume;
  volume.mutable_metadata()->set_name("pv-" + name);
  (*volume.mutable_spec()->mutable_capacity())["storage"].set_string("1Gi");
  volume.mutable_spec()->add_access_modes("ReadWriteOnce");
  auto& csi = *volume.mutable_spec()->mutable_persistent_volume_source()->mutable_csi();
  csi.set_driver("csi.example.com");
  csi.set_volume_handle(name);
  auto& of = *volume.mutable_spec()->mutable_claim_ref();
  of.set_namespace_("default");
  of.set_name(name);
  of.set_uid(claim.metadata().uid());
  stage.cluster.create(volume);
  claim.mutable_status()->set_phase("Bound");
  stage.cluster.update_status(claim);
}
Pod using_claim(Pod pod, const std::string& claim) {
  auto& volume = *pod.mutable_spec()->add_volumes();
  volume.set_name("data");
  volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(claim);
  return pod;
}
// The driver's attacher has done what it was asked for.
void attach_all(Stage& stage) {
  for (storage::v1::VolumeAttachment each : stage.cluster.list<storage::v1::VolumeAttachment>()) {
    each.mutable_status()->set_attached(true);
    stage.cluster.update_status(each);
  }
  stage.settle(5min);
}

void attachments(Stage& stage) {
  for (const char* name : {"node-0", "node-1"}) make_node(stage, name);
  for (const char* name : {"a", "b"}) make_bound(stage, name);
  stage.cluster.create(using_claim(make_pod("default/a", "node-0"), "a"));
  stage.cluster.create(using_claim(make_pod("default/b", "node-1"), "b"));
  stage.settle(5min);
  attach_all(stage);
  stage.cluster.create(using_claim(make_pod("default/moved", "node-1"), "a"));
  stage.settle(5min);
  stage.cluster.remove<Pod>("default/a", at_once());
  stage.settle(5min);
  attach_all(stage);
}

constexpr Scenario kScenarios[] = {
    {"attachdetach", "", [] { return loops("attachdetach"); }, attachments},
    {"ephemeral-volume", "", [] { return loops("ephemeral-volume"); }, ephemeral_volumes},
    {"resource-claim-controller", "", [] { return loops("resource-claim-controller"); }, device_claims},
};

}  // namespace

std::span<const Scenario> storage_scenarios() { return kScenarios; }

}  // namespace ph::sim::explore
