// v1 PersistentVolume, and the spec of one within a VolumeAttachment.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/internal_form.h"
#include "api/text_diff.h"
#include "api/validation/pod_parts.h"
#include "api/validation/volume_sources.h"

namespace ph::api {

using namespace core::v1;

namespace {

void check_local(const LocalVolumeSource& source, const Path& path, Errors& errors) {
  if (source.path().empty()) return errors.required(path.member("path"));
  check_no_backsteps(source.path(), path.member("path"), errors);
}

// In upstream's order: of two sources the first is judged.
void check_sources(const PersistentVolumeSpec& spec, std::string_view name, const Path& path, Errors& errors) {
  const PersistentVolumeSource& source = spec.persistent_volume_source();
  OneSource one(path, errors);
  one.check(source.has_host_path(), source.host_path(), "hostPath");
  one.check(source.has_gce_persistent_disk(), source.gce_persistent_disk(), "gcePersistentDisk", "persistentDisk");
  one.check(source.has_aws_elastic_block_store(), source.aws_elastic_block_store(), "awsElasticBlockStore");
  one.check(source.has_glusterfs(), source.glusterfs(), "glusterfs");
  one.check(source.has_flocker(), source.flocker(), "flocker");
  one.check(source.has_nfs(), source.nfs(), "nfs");
  one.check(source.has_rbd(), source.rbd(), "rbd");
  one.check(source.has_quobyte(), source.quobyte(), "quobyte");
  one.check(source.has_cephfs(), source.cephfs(), "cephFS", "cephfs");
  if (one.first(source.has_iscsi(), "iscsi")) {
    check_source(source.iscsi(), path.member("iscsi"), errors);
    if (is_too_long_for_iscsi(source.iscsi(), name))
      errors.invalid_text(path.member("iscsi").member("targetportal"), source.iscsi().target_portal(), kTooLongForIscsi);
  }
  one.check(source.has_cinder(), source.cinder(), "cinder");
  one.check(source.has_fc(), source.fc(), "fc");
  one.check_beside(source.has_flex_volume(), source.flex_volume(), "flexVolume");
  one.check(source.has_azure_file(), source.azure_file(), "azureFile");
  one.check(source.has_vsphere_volume(), source.vsphere_volume(), "vsphereVolume");
  one.check(source.has_azure_disk(), source.azure_disk(), "azureDisk");
  one.check(source.has_photon_persistent_disk(), source.photon_persistent_disk(), "photonPersistentDisk");
  one.check(source.has_portworx_volume(), source.portworx_volume(), "portworxVolume");
  one.check(source.has_scale_io(), source.scale_io(), "scaleIO");
  if (one.first(source.has_local(), "local")) {
    check_local(source.local(), path.member("local"), errors);
    if (!spec.has_node_affinity()) errors.required(path.member("nodeAffinity"), "Local volume requires node affinity");
  }
  one.check(source.has_storageos(), source.storageos(), "storageos");
  one.check(source.has_csi(), source.csi(), "csi");
  one.end();
}

// "{"storage":"1Gi"}", and null for none.
std::string json_of(const ResourceMap& amounts) {
  std::vector<std::string> members;
  for (const auto* entry : sorted(amounts)) {
    const auto amount = quantity_of(entry->second);
    members.push_back(fmt::format("{}:{}", quote(entry->first), quote(amount ? amount->text() : entry->second.string())));
  }
  return members.empty() ? "null" : fmt::format("{{{}}}", fmt::join(members, ","));
}

void check_capacity(const ResourceMap& capacity, const Path& path, Errors& errors) {
  if (capacity.empty()) errors.required(path);
  if (!capacity.contains("storage") || capacity.size() > 1) errors.not_supported_json(path, json_of(capacity), {"storage"});
  for (const auto* entry : sorted(capacity)) {
    const Path at = path.key(entry->first);
    const auto amount = quantity_of(entry->second);
    if (!amount) {
      errors.invalid_text(at, entry->second.string(), "must be a valid resource quantity");
      continue;
    }
    if (amount->value() < 0) errors.invalid(at, amount->value(), "must be a valid resource quantity");
    if (amount->sign() <= 0) errors.invalid_text(at, amount->text(), "must be greater than zero");
  }
}

bool is_root(std::string_view path) {
  // "/", "//", "/./": what path.Clean makes "/" of.
  if (!path.starts_with('/')) return false;
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t slash = std::min(path.find('/', from), path.size());
    const std::string_view part = path.substr(from, slash - from);
    if (!part.empty() && part != "." && part != "..") return false;
    from = slash + 1;
  }
  return true;
}

void check_classes(const PersistentVolumeSpec& spec, const Path& path, Errors& errors) {
  if (!spec.storage_class_name().empty()) check_subdomain(spec.storage_class_name(), path.member("storageClassName"), errors);
  if (spec.has_volume_mode()) check_one_of(spec.volume_mode(), {"Block", "Filesystem"}, path.member("volumeMode"), errors);
  if (!spec.has_volume_attributes_class_name()) return;
  const Path at = path.member("volumeAttributesClassName");
  if (spec.volume_attributes_class_name().empty()) {
    errors.required(at, "an empty string is disallowed");
  } else {
    check_subdomain(spec.volume_attributes_class_name(), at, errors);
  }
  if (!spec.persistent_volume_source().has_csi())
    errors.required(path.member("csi"), "has to be specified when using volumeAttributesClassName");
}

}  // namespace

// What stands in an attachment is nobody's volume, only where a driver finds its data.
static void check_inlined(const PersistentVolumeSpec& spec, const Path& path, Errors& errors) {
  constexpr std::string_view kNotHere = "may not be specified in the context of inline volumes";
  if (spec.has_claim_ref()) errors.forbidden(path.member("claimRef"), kNotHere);
  if (!spec.capacity().empty()) errors.forbidden(path.member("capacity"), kNotHere);
  if (!spec.persistent_volume_source().has_csi())
    errors.required(path.member("csi"), "has to be specified in the context of inline volumes");
}

void check_persistent_volume_spec(const PersistentVolumeSpec& spec, std::string_view name, bool inlined, const Path& path,
                                  Errors& errors) {
  if (inlined) check_inlined(spec, path, errors);
  if (spec.access_modes().empty()) errors.required(path.member("accessModes"));
  check_access_modes(spec.access_modes(), path.member("accessModes"), errors);
  if (!inlined) {
    check_capacity(spec.capacity(), path.member("capacity"), errors);
    if (!spec.persistent_volume_reclaim_policy().empty()) {
      check_one_of(spec.persistent_volume_reclaim_policy(), {"Delete", "Recycle", "Retain"},
                   path.member("persistentVolumeReclaimPolicy"), errors);
    }
  }
  if (spec.has_node_affinity()) {
    const Path at = path.member("nodeAffinity");
    if (!spec.node_affinity().has_required()) {
      errors.required(at.member("required"), "must specify required node constraints");
    } else {
      check_node_selector(spec.node_affinity().required(), at.member("required"), errors);
    }
  }
  check_sources(spec, name, path, errors);
  const PersistentVolumeSource& source = spec.persistent_volume_source();
  if (source.has_host_path() && is_root(source.host_path().path()) && spec.persistent_volume_reclaim_policy() == "Recycle") {
    errors.forbidden(path.member("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'");
  }
  check_classes(spec, path, errors);
}

void validate(const PersistentVolume& volume, Errors& errors) {
  check_persistent_volume_spec(volume.spec(), volume.metadata().name(), false, Path("spec"), errors);
}

// Judged twice: as a volume, and as one that another replaces.
void validate_update(const PersistentVolume& now, const PersistentVolume& old, Errors& errors) {
  validate(now, errors);
  validate(now, errors);
  const auto& source = now.spec().persistent_volume_source();
  if (const auto& before = old.spec().persistent_volume_source(); !same(source, before)) {
    errors.forbidden(Path("spec").member("persistentvolumesource"),
                     fmt::format("spec.persistentvolumesource is immutable after creation\n{}",
                                 diff_lines(internal_json_lines(before), internal_json_lines(source))));
  }
  check_immutable(now.spec().volume_mode(), old.spec().volume_mode(), Path("volumeMode"), errors);
  if (old.spec().has_node_affinity() && !same(now.spec().node_affinity(), old.spec().node_affinity())) {
    errors.invalid(Path("nodeAffinity"), now.spec().has_node_affinity() ? internal_json(now.spec().node_affinity()) : "null",
                   "field is immutable, except for updating from beta label to GA");
  }
}

}  // namespace ph::api
