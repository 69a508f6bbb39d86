// Upstream: csi-translation-lib, pkg/scheduler/framework/plugins/nodevolumelimits (isCSIMigrationOn)
#include "api/csi_migration.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ph::api {

using core::v1::PersistentVolume, core::v1::VolumeSource, storage::v1::CSINode;

namespace {

using enum MigratedPlugin::Counted;

constexpr MigratedPlugin kAws{"kubernetes.io/aws-ebs", "ebs.csi.aws.com", Always};
constexpr MigratedPlugin kGce{"kubernetes.io/gce-pd", "pd.csi.storage.gke.io", Always};
constexpr MigratedPlugin kAzureDisk{"kubernetes.io/azure-disk", "disk.csi.azure.com", Always};
constexpr MigratedPlugin kAzureFile{"kubernetes.io/azure-file", "file.csi.azure.com", Never};
constexpr MigratedPlugin kCinder{"kubernetes.io/cinder", "cinder.csi.openstack.org", Always};
constexpr MigratedPlugin kVsphere{"kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com", Never};
constexpr MigratedPlugin kPortworx{"kubernetes.io/portworx-volume", "pxd.portworx.com", OnMigratedNodes};
constexpr std::array kPlugins{&kAws, &kGce, &kAzureDisk, &kAzureFile, &kCinder, &kVsphere, &kPortworx};

constexpr std::string_view kAnyZone = "zones/UNSPECIFIED";

// aws://zone/vol-1 is vol-1 there.
std::string aws_handle(std::string_view id) {
  constexpr std::string_view kScheme = "aws://";
  if (!id.starts_with(kScheme)) return std::string(id);
  id.remove_prefix(kScheme.size());
  const auto slash = id.find('/');
  if (slash != id.npos) id.remove_prefix(slash + 1);
  while (id.ends_with('/')) id.remove_suffix(1);
  return std::string(id);
}

std::string gce_handle(std::string_view disk, std::string_view place) {
  return fmt::format("projects/UNSPECIFIED/{}/disks/{}", place, disk);
}

// A disk lies in the zone of its volume's label; one of several zones in their region.
std::string gce_place(const PersistentVolume& volume) {
  for (const char* key : {"topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"}) {
    const auto found = volume.metadata().labels().find(key);
    if (found == volume.metadata().labels().end()) continue;
    const std::string& zones = found->second;
    const auto more = zones.find("__");
    if (more == zones.npos) return "zones/" + zones;
    const std::string first = zones.substr(0, more);
    return "regions/" + first.substr(0, first.rfind('-'));
  }
  return std::string(kAnyZone);
}

// Volumes of pods and persistent ones name their disks alike.
template <class Source>
std::optional<MigratedVolume> migrated_source(const Source& v, std::string_view gce_place) {
  if (v.has_aws_elastic_block_store()) return MigratedVolume{&kAws, aws_handle(v.aws_elastic_block_store().volume_id())};
  if (v.has_gce_persistent_disk()) return MigratedVolume{&kGce, gce_handle(v.gce_persistent_disk().pd_name(), gce_place)};
  if (v.has_azure_disk()) return MigratedVolume{&kAzureDisk, v.azure_disk().disk_uri()};
  if (v.has_azure_file()) return MigratedVolume{&kAzureFile, v.azure_file().share_name()};
  if (v.has_cinder()) return MigratedVolume{&kCinder, v.cinder().volume_id()};
  if (v.has_vsphere_volume()) return MigratedVolume{&kVsphere, v.vsphere_volume().volume_path()};
  if (v.has_portworx_volume()) return MigratedVolume{&kPortworx, v.portworx_volume().volume_id()};
  return std::nullopt;
}

}  // namespace

const MigratedPlugin* migrated_plugin(std::string_view in_tree) {
  const auto found = std::ranges::find(kPlugins, in_tree, [](const auto* plugin) { return plugin->in_tree; });
  return found == kPlugins.end() ? nullptr : *found;
}

std::optional<MigratedVolume> migrated(const VolumeSource& volume) { return migrated_source(volume, kAnyZone); }

std::optional<MigratedVolume> migrated(const PersistentVolume& volume) {
  return migrated_source(volume.spec().persistent_volume_source(), gce_place(volume));
}

std::string_view migrated_plugins_of(const CSINode& node) {
  const auto found = node.metadata().annotations().find("storage.alpha.kubernetes.io/migrated-plugins");
  return found == node.metadata().annotations().end() ? std::string_view() : std::string_view(found->second);
}

bool counts_as_csi(const MigratedPlugin& plugin, const CSINode* node) {
  if (!node || plugin.counted == Never) return false;
  if (plugin.counted == Always) return true;
  for (std::string_view rest = migrated_plugins_of(*node); !rest.empty();) {
    const auto comma = rest.find(',');
    if (rest.substr(0, comma) == plugin.in_tree) return true;
    rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
  }
  return false;
}

}  // namespace ph::api
