// What pods bring and use: volumes and devices.
#include "controllers/hollow_csi/plan.h"
#include "tests/controllers/volumes.h"
#include "tests/sim/builders.h"
#include "tests/sim/explore/stage.h"

namespace ph::sim::explore {
namespace {

using core::v1::Pod;
using Claim = core::v1::PersistentVolumeClaim;
using DeviceClaim = resources::v1::ResourceClaim;
using resources::v1::DeviceToleration;
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
void allocate(Stage& stage, const std::string& key, const std::vector<Pod>& pods,
              const std::vector<DeviceToleration>& tolerations = {}) {
  stage.cluster.edit<DeviceClaim>(
      key, [](DeviceClaim& each) { each.mutable_metadata()->add_finalizers("resource.kubernetes.io/delete-protection"); });
  DeviceClaim claim = stage.cluster.get<DeviceClaim>(key);
  auto& result = *claim.mutable_status()->mutable_allocation()->mutable_devices()->add_results();
  result.set_request("r");
  result.set_driver("d.example.com");
  result.set_pool("p");
  result.set_device("x");
  for (const DeviceToleration& each : tolerations) *result.add_tolerations() = each;
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

void taint_device(Stage& stage, const char* effect) {
  stage.cluster.edit<resources::v1::ResourceSlice>("s", [&](resources::v1::ResourceSlice& slice) {
    auto& device = *slice.mutable_spec()->mutable_devices(0);
    device.clear_taints();
    auto& taint = *device.add_taints();
    taint.set_key("k");
    taint.set_effect(effect);
  });
}

void tainted_devices(Stage& stage) {
  resources::v1::ResourceSlice slice;
  slice.mutable_metadata()->set_name("s");
  slice.mutable_spec()->set_driver("d.example.com");
  slice.mutable_spec()->set_node_name("node-0");
  slice.mutable_spec()->mutable_pool()->set_name("p");
  slice.mutable_spec()->mutable_pool()->set_generation(1);
  slice.mutable_spec()->mutable_pool()->set_resource_slice_count(1);
  slice.mutable_spec()->add_devices()->set_name("x");
  stage.cluster.create(slice);
  for (const auto& [name, seconds] : {std::pair{"goes", 0}, {"waits", 60}, {"stays", 6000}}) {
    const std::string key = std::string("default/") + name;
    DeviceClaim claim;
    *claim.mutable_metadata() = make_config_map(key).metadata();
    ask_for(claim);
    stage.cluster.create(claim);
    const Pod pod = stage.cluster.create(asking(make_pod(key, "node-0"), "own", name, ""));
    DeviceToleration toleration;
    toleration.set_key("k");
    toleration.set_operator_("Exists");
    toleration.set_effect("NoExecute");
    toleration.set_toleration_seconds(seconds);
    allocate(stage, key, {pod}, {toleration});
  }
  stage.settle();
  taint_device(stage, "NoExecute");
  stage.settle(4min);
  taint_device(stage, "NoSchedule");
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

// -- Volumes of the hollow driver, and of directories

storage::v1::StorageClass growing(storage::v1::StorageClass of) {
  of.set_allow_volume_expansion(true);
  return of;
}

void made_and_deleted(Stage& stage, const char* provisioner) {
  stage.cluster.create(controllers::make_class("now", provisioner));
  stage.cluster.create(controllers::make_class("later", provisioner, true));
  for (const char* name : {"default/a", "default/b"}) {
    stage.cluster.create(
        controllers::make_claim(name).of_class("now").noted("volume.kubernetes.io/selected-node", "node-0").object());
  }
  stage.cluster.create(controllers::make_claim("default/waits").of_class("later").object());
  stage.settle();
  stage.cluster.edit<Claim>("default/waits", [](Claim& claim) {
    (*claim.mutable_metadata()->mutable_annotations())["volume.kubernetes.io/selected-node"] = "node-0";
  });
  stage.settle();
  stage.cluster.remove<Claim>("default/a");
  stage.settle();
}
void hollow_volumes(Stage& stage) { made_and_deleted(stage, controllers::hollow_csi::kDriver); }
void directories(Stage& stage) { made_and_deleted(stage, controllers::hollow_csi::kHostPath); }

void growths(Stage& stage) {
  stage.cluster.create(growing(controllers::make_class("grows", controllers::hollow_csi::kDriver)));
  stage.cluster.create(controllers::make_claim("default/a").of_class("grows").object());
  stage.settle();
  for (const char* size : {"2Gi", "5Gi"}) {
    stage.cluster.edit<Claim>("default/a", [&](Claim& claim) {
      (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string(size);
    });
    stage.settle();
  }
}

using Attachment = storage::v1::VolumeAttachment;
Attachment attachment_of(const std::string& volume, const std::string& node) {
  Attachment out;
  out.mutable_metadata()->set_name(volume + "-on-" + node);
  out.mutable_spec()->set_attacher(controllers::hollow_csi::kDriver);
  out.mutable_spec()->set_node_name(node);
  out.mutable_spec()->mutable_source()->set_persistent_volume_name(volume);
  return out;
}

void hollow_attachments(Stage& stage) {
  for (const char* name : {"v", "w"}) stage.cluster.create(controllers::make_volume(name).object());
  for (const char* node : {"a", "b"}) stage.cluster.create(attachment_of("v", node));
  stage.cluster.create(attachment_of("w", "a"));
  stage.settle();
  stage.cluster.remove<Attachment>("v-on-a");
  stage.settle();
  stage.cluster.remove<Attachment>("w-on-a");
  stage.settle();
}

// Pods that mount one volume with labels that differ.
void labelled_volumes(Stage& stage) {
  storage::v1::CSIDriver driver;
  driver.mutable_metadata()->set_name("csi.example.com");
  driver.mutable_spec()->set_se_linux_mount(true);
  stage.cluster.create(driver);
  for (const char* key : {"default/a", "default/b"}) {
    Pod pod = make_pod(key);
    auto& volume = *pod.mutable_spec()->add_volumes();
    volume.set_name("data");
    volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name("shared");
    auto& mount = *pod.mutable_spec()->mutable_containers(0)->add_volume_mounts();
    mount.set_name("data");
    mount.set_mount_path("/data");
    pod.mutable_spec()->mutable_security_context()->mutable_se_linux_options()->set_level(key[8] == 'a' ? "s0:c1" : "s0:c2");
    stage.cluster.create(pod);
  }
  Claim claim = stage.cluster.create<Claim>(controllers::make_claim("default/shared").modes({"ReadWriteMany"}).volume("v"));
  core::v1::PersistentVolume made = controllers::make_volume("v").modes({"ReadWriteMany"});
  auto& reference = *made.mutable_spec()->mutable_claim_ref();
  reference.set_namespace_("default");
  reference.set_name("shared");
  reference.set_uid(claim.metadata().uid());
  stage.cluster.create(made);
  claim.mutable_status()->set_phase("Bound");
  stage.cluster.update_status(claim);
  stage.settle();
  stage.cluster.remove<Pod>("default/a", at_once());
  stage.settle();
}

constexpr Scenario kScenarios[] = {
    {"hollow-csi-attacher", "", [] { return loops("hollow-csi-attacher"); }, hollow_attachments},
    {"hollow-csi-provisioner", "",
     [] { return loops("hollow-csi-provisioner,persistentvolume-binder,pv-protection,pvc-protection").nodes(1); },
     hollow_volumes},
    {"hollow-csi-resizer", "", [] { return loops("hollow-csi-resizer,hollow-csi-provisioner,persistentvolume-binder"); },
     growths},
    {"host-path-provisioner", "",
     [] { return loops("host-path-provisioner,persistentvolume-binder,pv-protection,pvc-protection").nodes(1); }, directories},
    {"attachdetach", "", [] { return loops("attachdetach"); }, attachments},
    {"ephemeral-volume", "", [] { return loops("ephemeral-volume"); }, ephemeral_volumes},
    {"device-taint-eviction-controller", "", [] { return loops("device-taint-eviction-controller").nodes(1); }, tainted_devices},
    {"selinux-warning-controller", "", [] { return loops("selinux-warning-controller"); }, labelled_volumes},
    {"resource-claim-controller", "", [] { return loops("resource-claim-controller"); }, device_claims},
};

}  // namespace

std::span<const Scenario> storage_scenarios() { return kScenarios; }

}  // namespace ph::sim::explore
