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

constexpr Scenario kScenarios[] = {
    {"ephemeral-volume", "", [] { return loops("ephemeral-volume"); }, ephemeral_volumes},
    {"resource-claim-controller", "", [] { return loops("resource-claim-controller"); }, device_claims},
};

}  // namespace

std::span<const Scenario> storage_scenarios() { return kScenarios; }

}  // namespace ph::sim::explore
