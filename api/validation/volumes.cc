// The volumes of a pod.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

template <class T>
using List = google::protobuf::RepeatedPtrField<T>;

constexpr std::string_view kFileMode = "must be a number between 0 and 0777 (octal), both inclusive";

void check_mode(int mode, const Path& path, Errors& errors) {
  if (mode < 0 || mode > 0777) errors.invalid(path, mode, kFileMode);
}

// A path within a volume, which must leave names beginning with two dots to the kubelet.
void check_file_path(std::string_view text, const Path& path, Errors& errors) {
  if (text.empty()) return errors.required(path);
  const std::size_t before = errors.size();
  check_descending_path(text, path, errors);
  if (errors.size() == before && text.starts_with("..")) errors.invalid_text(path, text, "must not start with '..'");
}

void check_items(const List<KeyToPath>& items, const Path& path, Errors& errors) {
  for (int i = 0; i < items.size(); ++i) {
    const Path at = path.index(i);
    if (items[i].key().empty()) errors.required(at.member("key"));
    check_file_path(items[i].path(), at.member("path"), errors);
    if (items[i].has_mode()) check_mode(items[i].mode(), at.member("mode"), errors);
  }
}

void check_downward(const List<DownwardAPIVolumeFile>& items, const Path& path, Errors& errors) {
  for (const DownwardAPIVolumeFile& item : items) {
    check_file_path(item.path(), path.member("path"), errors);
    if (item.has_field_ref()) {
      check_field_ref(item.field_ref(),
                      {"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"},
                      path.member("fieldRef"), errors);
      if (item.has_resource_field_ref()) {
        errors.invalid_text(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
      }
    } else if (item.has_resource_field_ref()) {
      check_resource_field_ref(item.resource_field_ref(), true, path.member("resourceFieldRef"), errors);
    } else {
      errors.required(path, "one of fieldRef and resourceFieldRef is required");
    }
    if (item.has_mode()) check_mode(item.mode(), path.member("mode"), errors);
  }
}

void check_token(const ServiceAccountTokenProjection& token, const Path& path, Errors& errors) {
  const std::int64_t seconds = token.expiration_seconds();
  if (token.has_expiration_seconds() && seconds < 600) {
    errors.invalid(path.member("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes");
  }
  if (seconds > (std::int64_t{1} << 32)) {
    errors.invalid(path.member("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds");
  }
  if (token.path().empty()) {
    errors.required(path.member("path"));
  } else {
    check_file_path(token.path(), path.member("path"), errors);
  }
}

void check_projection(const VolumeProjection& source, const Path& path, Errors& errors) {
  int sources = 0;
  const auto counted = [&](bool set, std::string_view name) {
    if (!set) return false;
    if (sources++ == 0) return true;
    errors.forbidden(path.member(name), "may not specify more than 1 volume type");
    return false;
  };
  if (counted(source.has_secret(), "secret")) {
    const Path at = path.member("secret");
    if (source.secret().local_object_reference().name().empty()) errors.required(at.member("name"));
    check_items(source.secret().items(), at.member("items"), errors);
  }
  if (counted(source.has_config_map(), "configMap")) {
    const Path at = path.member("configMap");
    if (source.config_map().local_object_reference().name().empty()) errors.required(at.member("name"));
    check_items(source.config_map().items(), at.member("items"), errors);
  }
  if (counted(source.has_downward_api(), "downwardAPI"))
    check_downward(source.downward_api().items(), path.member("downwardAPI"), errors);
  if (counted(source.has_service_account_token(), "serviceAccountToken")) {
    check_token(source.service_account_token(), path.member("serviceAccountToken"), errors);
  }
  if (counted(source.has_cluster_trust_bundle(), "clusterTrustBundle")) {
    const Path at = path.member("clusterTrustBundle");
    const auto& bundle = source.cluster_trust_bundle();
    if (bundle.has_name() == bundle.has_signer_name()) {
      bundle.has_name() ? errors.invalid_message(at, bundle, "only one of name and signerName may be used")
                        : errors.required(at, "either name or signerName must be specified");
    }
    check_file_path(bundle.path(), at.member("path"), errors);
  }
  if (counted(source.has_pod_certificate(), "podCertificate") && source.pod_certificate().signer_name().empty()) {
    errors.required(path.member("podCertificate").member("signerName"));
  }
}

// Two files may not have one path. What a source calls a file is where the error is.
void check_path_conflicts(const ProjectedVolumeSource& projected, const Path& path, Errors& errors) {
  std::set<std::string_view> taken;
  const auto take = [&](std::string_view file, std::string_view owner) {
    if (!file.empty() && !taken.insert(file).second) {
      errors.invalid_text(path, owner, fmt::format("conflicting duplicate paths"));
    }
  };
  for (const VolumeProjection& source : projected.sources()) {
    if (source.has_secret()) {
      for (const KeyToPath& item : source.secret().items()) take(item.path(), source.secret().local_object_reference().name());
    }
    if (source.has_config_map()) {
      for (const KeyToPath& item : source.config_map().items())
        take(item.path(), source.config_map().local_object_reference().name());
    }
    if (source.has_downward_api()) {
      for (const DownwardAPIVolumeFile& item : source.downward_api().items()) take(item.path(), item.path());
    }
    if (source.has_service_account_token()) take(source.service_account_token().path(), source.service_account_token().path());
  }
}

void check_projected(const ProjectedVolumeSource& projected, const Path& path, Errors& errors) {
  if (projected.has_default_mode()) check_mode(projected.default_mode(), path.member("defaultMode"), errors);
  for (int i = 0; i < projected.sources_size(); ++i)
    check_projection(projected.sources(i), path.member("sources").index(i), errors);
  check_path_conflicts(projected, path, errors);
}

void check_host_path(const HostPathVolumeSource& source, const Path& path, Errors& errors) {
  if (source.path().empty()) return errors.required(path.member("path"));
  check_no_backsteps(source.path(), path.member("path"), errors);
  if (!source.has_type()) return;
  check_one_of(source.type(),
               {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"},
               path.member("type"), errors);
}

void check_nfs(const NFSVolumeSource& source, const Path& path, Errors& errors) {
  if (source.server().empty()) errors.required(path.member("server"));
  if (source.path().empty()) errors.required(path.member("path"));
  if (!source.path().starts_with('/')) errors.invalid_text(path.member("path"), source.path(), "must be an absolute path");
}

void check_iscsi(const ISCSIVolumeSource& source, const Path& path, Errors& errors) {
  if (source.target_portal().empty()) errors.required(path.member("targetPortal"));
  const std::string& iqn = source.iqn();
  if (iqn.empty()) {
    errors.required(path.member("iqn"));
  } else if (!iqn.starts_with("iqn") && !iqn.starts_with("eui") && !iqn.starts_with("naa")) {
    errors.invalid_text(path.member("iqn"), iqn, "must be valid format starting with iqn, eui, or naa");
  }
  if (source.lun() < 0 || source.lun() > 255)
    errors.invalid(path.member("lun"), source.lun(), "must be between 0 and 255, inclusive");
  if ((source.chap_auth_discovery() || source.chap_auth_session()) && !source.has_secret_ref())
    errors.required(path.member("secretRef"));
}

void check_csi(const CSIVolumeSource& source, const Path& path, Errors& errors) {
  if (source.driver().empty()) {
    errors.required(path.member("driver"));
  } else {
    errors.invalid_each(path.member("driver"), source.driver(), check_dns1123_subdomain(source.driver()));
  }
  if (source.has_node_publish_secret_ref() && source.node_publish_secret_ref().name().empty()) {
    errors.required(path.member("nodePublishSecretRef").member("name"));
  }
}

void check_ephemeral(const EphemeralVolumeSource& source, const Path& path, Errors& errors) {
  const Path at = path.member("volumeClaimTemplate");
  if (!source.has_volume_claim_template()) return errors.required(at);
  check_template_metadata(source.volume_claim_template().metadata(), at.member("metadata"), errors);
  check_claim_spec(source.volume_claim_template().spec(), at.member("spec"), errors);
}

void check_image(const ImageVolumeSource& source, const Path& path, Errors& errors) {
  if (source.reference().empty()) errors.required(path.member("reference"));
  check_one_of(source.pull_policy(), {"Always", "IfNotPresent", "Never"}, path.member("pullPolicy"), errors);
}

// One volume has one source. Each check is of one kind of source; those with a single rule stand in the list.
class SourceCheck {
 public:
  SourceCheck(const VolumeSource& source, const Path& path, Errors& errors) : source_(source), path_(path), errors_(errors) {}

  // In upstream's order: of two sources the first is judged, the other is one too many.
  void run() {
    local_sources();
    disks();
    network_sources();
    cluster_sources();
    vendors_disks();
    newer_sources();
    if (sources_ == 0) errors_.required(path_, "must specify a volume type");
  }

 private:
  // Whether the checks of this source shall run.
  bool found(bool set, std::string_view name) {
    if (!set) return false;
    if (sources_++ == 0) return true;
    errors_.forbidden(path_.member(name), "may not specify more than 1 volume type");
    return false;
  }

  // A source that only has required members.
  void needs(bool set, std::string_view name, std::initializer_list<std::pair<std::string_view, bool>> members) {
    if (!found(set, name)) return;
    for (const auto& [member, present] : members) {
      if (!present) errors_.required(path_.member(name).member(member));
    }
  }

  void local_sources() {
    if (found(source_.has_empty_dir(), "emptyDir") && source_.empty_dir().has_size_limit()) {
      const auto limit = quantity_of(source_.empty_dir().size_limit());
      if (!limit || limit->sign() < 0) {
        errors_.forbidden(path_.member("emptyDir").member("sizeLimit"), "SizeLimit field must be a valid resource quantity");
      }
    }
    if (found(source_.has_host_path(), "hostPath")) check_host_path(source_.host_path(), path_.member("hostPath"), errors_);
    needs(source_.has_git_repo(), "gitRepo", {{"repository", !source_.git_repo().repository().empty()}});
  }

  void partition(int number, const Path& path) {
    if (number < 0 || number > 255) errors_.invalid(path, number, "must be between 1 and 255, inclusive");
  }

  void disks() {
    if (found(source_.has_gce_persistent_disk(), "gcePersistentDisk")) {
      const Path at = path_.member("persistentDisk");
      if (source_.gce_persistent_disk().pd_name().empty()) errors_.required(at.member("pdName"));
      partition(source_.gce_persistent_disk().partition(), at.member("partition"));
    }
    if (found(source_.has_aws_elastic_block_store(), "awsElasticBlockStore")) {
      const Path at = path_.member("awsElasticBlockStore");
      if (source_.aws_elastic_block_store().volume_id().empty()) errors_.required(at.member("volumeID"));
      partition(source_.aws_elastic_block_store().partition(), at.member("partition"));
    }
    if (found(source_.has_secret(), "secret")) {
      const Path at = path_.member("secret");
      if (source_.secret().secret_name().empty()) errors_.required(at.member("secretName"));
      if (source_.secret().has_default_mode()) check_mode(source_.secret().default_mode(), at.member("defaultMode"), errors_);
      check_items(source_.secret().items(), at.member("items"), errors_);
    }
  }

  void network_sources() {
    if (found(source_.has_nfs(), "nfs")) check_nfs(source_.nfs(), path_.member("nfs"), errors_);
    if (found(source_.has_iscsi(), "iscsi")) check_iscsi(source_.iscsi(), path_.member("iscsi"), errors_);
    needs(source_.has_glusterfs(), "glusterfs",
          {{"endpoints", !source_.glusterfs().endpoints().empty()}, {"path", !source_.glusterfs().path().empty()}});
    if (found(source_.has_flocker(), "flocker")) flocker(source_.flocker(), path_.member("flocker"));
    needs(source_.has_persistent_volume_claim(), "persistentVolumeClaim",
          {{"claimName", !source_.persistent_volume_claim().claim_name().empty()}});
    needs(source_.has_rbd(), "rbd", {{"monitors", !source_.rbd().monitors().empty()}, {"image", !source_.rbd().image().empty()}});
    needs(source_.has_cinder(), "cinder", {{"volumeID", !source_.cinder().volume_id().empty()}});
    if (found(source_.has_cephfs(), "cephFS") && source_.cephfs().monitors().empty()) {
      errors_.required(path_.member("cephfs").member("monitors"));
    }
    if (found(source_.has_quobyte(), "quobyte")) {
      const Path at = path_.member("quobyte");
      if (source_.quobyte().registry().empty()) {
        errors_.required(at.member("registry"), "must be a host:port pair or multiple pairs separated by commas");
      }
      if (source_.quobyte().volume().empty()) errors_.required(at.member("volume"));
    }
  }

  void flocker(const FlockerVolumeSource& source, const Path& at) {
    if (source.dataset_name().empty() && source.dataset_uuid().empty()) {
      errors_.required(at, "one of datasetName and datasetUUID is required");
    }
    if (source.dataset_name().find('/') != std::string::npos) {
      errors_.invalid_text(at.member("datasetName"), source.dataset_name(), "must not contain '/'");
    }
  }

  void cluster_sources() {
    if (found(source_.has_downward_api(), "downwardAPI")) {
      const Path at = path_.member("downwardAPI");
      if (source_.downward_api().has_default_mode())
        check_mode(source_.downward_api().default_mode(), at.member("defaultMode"), errors_);
      check_downward(source_.downward_api().items(), at, errors_);
    }
    if (found(source_.has_fc(), "fc") && source_.fc().target_wwns().empty() && source_.fc().wwids().empty()) {
      errors_.required(path_.member("fc").member("targetWWNs"), "must specify either targetWWNs or wwids, but not both");
    }
    needs(source_.has_flex_volume(), "flexVolume", {{"driver", !source_.flex_volume().driver().empty()}});
    if (found(source_.has_config_map(), "configMap")) {
      const Path at = path_.member("configMap");
      if (source_.config_map().local_object_reference().name().empty()) errors_.required(at.member("name"));
      if (source_.config_map().has_default_mode())
        check_mode(source_.config_map().default_mode(), at.member("defaultMode"), errors_);
      check_items(source_.config_map().items(), at.member("items"), errors_);
    }
  }

  void vendors_disks() {
    needs(
        source_.has_azure_file(), "azureFile",
        {{"secretName", !source_.azure_file().secret_name().empty()}, {"shareName", !source_.azure_file().share_name().empty()}});
    needs(source_.has_vsphere_volume(), "vsphereVolume", {{"volumePath", !source_.vsphere_volume().volume_path().empty()}});
    needs(source_.has_photon_persistent_disk(), "photonPersistentDisk",
          {{"pdID", !source_.photon_persistent_disk().pd_id().empty()}});
    needs(source_.has_portworx_volume(), "portworxVolume", {{"volumeID", !source_.portworx_volume().volume_id().empty()}});
    needs(source_.has_azure_disk(), "azureDisk",
          {{"diskName", !source_.azure_disk().disk_name().empty()}, {"diskURI", !source_.azure_disk().disk_uri().empty()}});
    needs(source_.has_storageos(), "storageos", {{"volumeName", !source_.storageos().volume_name().empty()}});
    needs(source_.has_scale_io(), "scaleIO",
          {{"gateway", !source_.scale_io().gateway().empty()},
           {"system", !source_.scale_io().system().empty()},
           {"volumeName", !source_.scale_io().volume_name().empty()}});
  }

  void newer_sources() {
    if (found(source_.has_projected(), "projected")) check_projected(source_.projected(), path_.member("projected"), errors_);
    if (found(source_.has_csi(), "csi")) check_csi(source_.csi(), path_.member("csi"), errors_);
    if (found(source_.has_ephemeral(), "ephemeral")) check_ephemeral(source_.ephemeral(), path_.member("ephemeral"), errors_);
    if (found(source_.has_image(), "image")) check_image(source_.image(), path_.member("image"), errors_);
  }

  const VolumeSource& source_;
  const Path& path_;
  Errors& errors_;
  int sources_ = 0;
};

}  // namespace

void check_no_backsteps(std::string_view text, const Path& path, Errors& errors) {
  for (std::size_t from = 0; from <= text.size();) {
    const auto slash = std::min(text.find('/', from), text.size());
    if (text.substr(from, slash - from) == "..") return errors.invalid_text(path, text, "must not contain '..'");
    from = slash + 1;
  }
}

void check_descending_path(std::string_view text, const Path& path, Errors& errors) {
  if (text.starts_with('/')) errors.invalid_text(path, text, "must be a relative path");
  check_no_backsteps(text, path, errors);
}

Volumes check_volumes(const PodSpec& spec, const Path& path, Errors& errors) {
  Volumes out;
  for (int i = 0; i < spec.volumes_size(); ++i) {
    const Volume& volume = spec.volumes(i);
    const Path at = path.index(i);
    const std::size_t before = errors.size();
    SourceCheck(volume.volume_source(), at, errors).run();
    if (volume.name().empty()) {
      errors.required(at.member("name"));
    } else {
      check_label(volume.name(), at.member("name"), errors);
    }
    if (out.contains(volume.name())) errors.duplicate(at.member("name"), volume.name());
    if (errors.size() == before) out[volume.name()] = &volume.volume_source();
  }
  return out;
}

}  // namespace ph::api
