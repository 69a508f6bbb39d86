#include "node/devices.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/errors.h"
#include "api/kinds.h"

namespace ph::node {

using resources::v1::ResourceClaim, resources::v1::ResourceSlice;

namespace {

// When a taint came is noted by the server.
resources::v1::ResourceSliceSpec untimed(resources::v1::ResourceSliceSpec spec) {
  for (auto& device : *spec.mutable_devices()) {
    for (auto& taint : *device.mutable_taints()) taint.clear_time_added();
  }
  return spec;
}

}  // namespace

ResourceSlice make_slice(const std::string& node, const std::string& uid, const DeviceStage& devices) {
  ResourceSlice out;
  out.mutable_metadata()->set_name(fmt::format("{}-{}", node, devices.driver));
  auto* owner = out.mutable_metadata()->add_owner_references();
  owner->set_api_version("v1");
  owner->set_kind("Node");
  owner->set_name(node);
  owner->set_uid(uid);
  owner->set_controller(true);
  auto& spec = *out.mutable_spec();
  spec.set_driver(devices.driver);
  spec.set_node_name(node);
  spec.mutable_pool()->set_name(node);
  spec.mutable_pool()->set_generation(1);
  spec.mutable_pool()->set_resource_slice_count(1);
  for (int i = 0; i < devices.count; ++i) {
    auto* device = spec.add_devices();
    *device = devices.device;
    device->set_name(fmt::format("{}-{}", devices.name, i));
  }
  return out;
}

Task<void> publish(informers::Client& client, ResourceSlice slice) {
  const ObjectKey key{{}, slice.metadata().name()};
  std::optional<ResourceSlice> present = co_await client.find<ResourceSlice>(key);
  if (!present) {
    co_await client.create<ResourceSlice>(slice);
    co_return;
  }
  slice.mutable_spec()->mutable_pool()->set_generation(present->spec().pool().generation());
  const bool same_owner = present->metadata().owner_references_size() == 1 &&
                          present->metadata().owner_references(0).uid() == slice.metadata().owner_references(0).uid();
  ResourceSlice like_it = *present;
  if (same_owner && api::encode_protobuf(untimed(present->spec())) == api::encode_protobuf(untimed(slice.spec()))) co_return;
  slice.mutable_spec()->mutable_pool()->set_generation(present->spec().pool().generation() + 1);
  *like_it.mutable_spec() = slice.spec();
  *like_it.mutable_metadata()->mutable_owner_references() = slice.metadata().owner_references();
  co_await client.update<ResourceSlice>(like_it);
}

Task<std::string> unprepared(informers::Client& client, std::shared_ptr<const HollowPod> pod) {
  for (const PodDeviceClaim& entry : pod->device_claims) {
    if (entry.unneeded) continue;
    if (entry.claim.empty()) co_return fmt::format("pod {} has no claim to devices {} yet", pod->key().text(), entry.name);
    const ObjectKey key{std::string(pod->namespace_name.view()), entry.claim};
    const std::optional<ResourceClaim> claim = co_await client.find<ResourceClaim>(key);
    if (!claim) co_return fmt::format("resource claim {} does not exist", entry.claim);
    if (!claim->status().has_allocation()) co_return fmt::format("ResourceClaim {} is not allocated", entry.claim);
    const bool reserved =
        std::ranges::any_of(claim->status().reserved_for(), [&](const auto& who) { return who.uid() == pod->uid; });
    if (!reserved) co_return fmt::format("pod {} is not allowed to use ResourceClaim {}", pod->key().text(), entry.claim);
  }
  co_return std::string();
}

}  // namespace ph::node
