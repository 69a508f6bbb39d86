// v1 PersistentVolume, and the spec of one within a VolumeAttachment.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

// Every source is a pointer: which are set, by name, and what each needs.
class SourceCheck {
 public:
  SourceCheck(const PersistentVolumeSource& source, const Path& path, Errors& errors)
      : source_(source), path_(path), errors_(errors) {}

  void run() {
    if (found(source_.has_host_path(), "hostPath")) {
      if (source_.host_path().path().empty()) errors_.required(path_.member("hostPath").member("path"));
      check_no_backsteps(source_.host_path().path(), path_.member("hostPath").member("path"), errors_);
    }
    if (found(source_.has_local(), "local")) {
      if (source_.local().path().empty()) errors_.required(path_.member("local").member("path"));
      check_no_backsteps(source_.local().path(), path_.member("local").member("path"), errors_);
    }
    if (found(source_.has_nfs(), "nfs")) {
      if (source_.nfs().server().empty()) errors_.required(path_.member("nfs").member("server"));
      if (source_.nfs().path().empty()) errors_.required(path_.member("nfs").member("path"));
      if (!source_.nfs().path().starts_with('/')) {
        errors_.invalid_text(path_.member("nfs").member("path"), source_.nfs().path(), "must be an absolute path");
      }
    }
    if (found(source_.has_csi(), "csi")) {
      if (source_.csi().driver().empty()) errors_.required(path_.member("csi").member("driver"));
      if (source_.csi().volume_handle().empty()) errors_.required(path_.member("csi").member("volumeHandle"));
    }
    found(source_.has_gce_persistent_disk(), "gcePersistentDisk");
    found(source_.has_aws_elastic_block_store(), "awsElasticBlockStore");
    found(source_.has_glusterfs(), "glusterfs");
    found(source_.has_rbd(), "rbd");
    found(source_.has_iscsi(), "iscsi");
    found(source_.has_cinder(), "cinder");
    found(source_.has_cephfs(), "cephfs");
    found(source_.has_fc(), "fc");
    found(source_.has_flocker(), "flocker");
    found(source_.has_flex_volume(), "flexVolume");
    found(source_.has_azure_file(), "azureFile");
    found(source_.has_vsphere_volume(), "vsphereVolume");
    found(source_.has_quobyte(), "quobyte");
    found(source_.has_azure_disk(), "azureDisk");
    found(source_.has_photon_persistent_disk(), "photonPersistentDisk");
    found(source_.has_portworx_volume(), "portworxVolume");
    found(source_.has_scale_io(), "scaleIO");
    found(source_.has_storageos(), "storageos");
    if (sources_ == 0) errors_.required(path_, "must specify a volume type");
  }

 private:
  bool found(bool set, std::string_view name) {
    if (!set) return false;
    if (sources_++ == 0) return true;
    errors_.forbidden(path_.member(name), "may not specify more than 1 volume type");
    return false;
  }

  const PersistentVolumeSource& source_;
  const Path& path_;
  Errors& errors_;
  int sources_ = 0;
};

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
    const Path capacity = path.member("capacity");
    if (spec.capacity().empty()) errors.required(capacity);
    if (!spec.capacity().contains("storage") || spec.capacity_size() > 1) {
      errors.not_supported(capacity, "", {"storage"});
    }
    for (const auto* entry : sorted(spec.capacity())) {
      const auto amount = quantity_of(entry->second);
      if (!amount || amount->sign() <= 0) {
        errors.invalid_text(capacity.key(entry->first), amount ? amount->text() : entry->second.string(),
                            "must be greater than zero");
      }
    }
    check_one_of(spec.persistent_volume_reclaim_policy(), {"Delete", "Recycle", "Retain"},
                 path.member("persistentVolumeReclaimPolicy"), errors);
  }
  if (spec.has_node_affinity()) {
    const Path at = path.member("nodeAffinity");
    if (!spec.node_affinity().has_required()) {
      errors.required(at.member("required"), "must specify required node constraints");
    } else {
      check_node_selector(spec.node_affinity().required(), at.member("required"), errors);
    }
  }
  const PersistentVolumeSource& source = spec.persistent_volume_source();
  SourceCheck(source, path, errors).run();
  if (source.has_local() && !spec.has_node_affinity())
    errors.required(path.member("nodeAffinity"), "Local volume requires node affinity");
  if (source.has_host_path() && source.host_path().path() == "/" && spec.persistent_volume_reclaim_policy() == "Recycle") {
    errors.forbidden(path.member("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'");
  }
  if (!spec.storage_class_name().empty()) check_subdomain(spec.storage_class_name(), path.member("storageClassName"), errors);
  if (spec.has_volume_mode()) check_one_of(spec.volume_mode(), {"Block", "Filesystem"}, path.member("volumeMode"), errors);
}

void validate(const PersistentVolume& volume, Errors& errors) {
  check_persistent_volume_spec(volume.spec(), volume.metadata().name(), false, Path("spec"), errors);
}

void validate_update(const PersistentVolume& now, const PersistentVolume& old, Errors& errors) {
  validate(now, errors);
  if (!same(now.spec().persistent_volume_source(), old.spec().persistent_volume_source())) {
    errors.forbidden(Path("spec").member("persistentvolumesource"), "spec.persistentvolumesource is immutable after creation");
  }
  check_immutable(now.spec().volume_mode(), old.spec().volume_mode(), Path("spec").member("volumeMode"), errors);
  if (old.spec().has_node_affinity() && !same(now.spec().node_affinity(), old.spec().node_affinity())) {
    errors.invalid_message(Path("spec").member("nodeAffinity"), now.spec().node_affinity(),
                           "field is immutable, except for updating from beta label to GA");
  }
}

}  // namespace ph::api
