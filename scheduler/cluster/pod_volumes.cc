// Upstream: component-helpers/storage/ephemeral, pkg/scheduler/framework/plugins/volumerestrictions (isVolumeConflict)
#include "scheduler/cluster/pod_volumes.h"

#include <algorithm>

#include <fmt/format.h>

namespace ph::scheduler {

using core::v1::PersistentVolumeClaim, core::v1::Pod, core::v1::Volume, core::v1::VolumeSource;

bool SharedDisk::conflicts_with(const SharedDisk& other) const {
  if (kind != other.kind || id != other.id) return false;
  if (kind == Kind::Aws) return true;
  if (read_only && other.read_only) return false;
  if (kind != Kind::Rbd) return true;
  // The same image of the same pool, and a monitor that both know.
  if (pool != other.pool) return false;
  return std::ranges::any_of(
      monitors, [&](const Interned& monitor) { return std::ranges::find(other.monitors, monitor) != other.monitors.end(); });
}

bool PodVolumes::uses(const Interned& claim) const {
  return std::ranges::any_of(claims, [&](const Claim& one) { return !one.ephemeral && one.name == claim; });
}

namespace {

void add_disk(const VolumeSource& v, std::vector<SharedDisk>& out) {
  using enum SharedDisk::Kind;
  if (v.has_gce_persistent_disk()) {
    out.push_back({Gce, v.gce_persistent_disk().read_only(), Interned(v.gce_persistent_disk().pd_name()), {}, {}});
  }
  if (v.has_aws_elastic_block_store()) out.push_back({Aws, false, Interned(v.aws_elastic_block_store().volume_id()), {}, {}});
  if (v.has_iscsi()) out.push_back({Iscsi, v.iscsi().read_only(), Interned(v.iscsi().iqn()), {}, {}});
  if (v.has_rbd()) {
    const auto& rbd = v.rbd();
    out.push_back(
        {Rbd, rbd.read_only(), Interned(rbd.image()), Interned(rbd.pool()), {rbd.monitors().begin(), rbd.monitors().end()}});
  }
}

}  // namespace

std::string claim_name(const Pod& pod, const Volume& volume) {
  const VolumeSource& source = volume.volume_source();
  if (source.has_persistent_volume_claim()) return source.persistent_volume_claim().claim_name();
  if (source.has_ephemeral()) return pod.metadata().name() + "-" + volume.name();
  return {};
}

std::shared_ptr<const PodVolumes> pod_volumes(const Pod& pod) {
  PodVolumes out;
  for (const Volume& volume : pod.spec().volumes()) {
    const VolumeSource& source = volume.volume_source();
    if (source.has_persistent_volume_claim() || source.has_ephemeral()) {
      out.claims.push_back({Interned(claim_name(pod, volume)), source.has_ephemeral()});
      continue;
    }
    add_disk(source, out.disks);
    if (const auto moved = api::migrated(source)) out.attached.push_back({moved->plugin, Interned(moved->handle)});
  }
  if (out.claims.empty() && out.disks.empty() && out.attached.empty()) return nullptr;
  return std::make_shared<const PodVolumes>(std::move(out));
}

std::string not_made_for(const Pod& pod, const PersistentVolumeClaim& claim) {
  const auto& owners = claim.metadata().owner_references();
  const bool owns =
      std::ranges::any_of(owners, [&](const auto& owner) { return owner.controller() && owner.uid() == pod.metadata().uid(); });
  if (owns) return {};
  return fmt::format("PVC {}/{} was not created for pod {}/{} (pod is not owner)", claim.metadata().namespace_(),
                     claim.metadata().name(), pod.metadata().namespace_(), pod.metadata().name());
}

}  // namespace ph::scheduler
