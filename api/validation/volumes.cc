// The volumes of a pod.
#include <fmt/format.h>

#include "api/validation/pod_parts.h"
#include "api/validation/volume_sources.h"

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

void check_trust_bundle(const ClusterTrustBundleProjection& bundle, const Path& path, Errors& errors) {
  if (bundle.has_name() && bundle.has_signer_name()) {
    errors.invalid_message(path, bundle, "only one of name and signerName may be used");
  } else if (bundle.has_name()) {
    if (bundle.name().empty()) errors.required(path.member("name"), "must be a valid object name");
    if (bundle.has_label_selector()) {
      errors.invalid_message(path.member("labelSelector"), bundle.label_selector(),
                             "labelSelector must be unset if name is specified");
    }
  } else if (bundle.has_signer_name()) {
    if (bundle.signer_name().empty()) errors.required(path.member("signerName"), "must be a valid signer name");
    if (bundle.has_label_selector()) check_label_selector(bundle.label_selector(), path.member("labelSelector"), errors);
  } else {
    errors.required(path, "either name or signerName must be specified");
  }
  check_file_path(bundle.path(), path.member("path"), errors);
}

void check_projection(const VolumeProjection& source, const Path& path, Errors& errors) {
  int sources = 0;
  const auto counted = [&](bool set) {
    sources += set;
    return set;
  };
  if (counted(source.has_secret())) {
    const Path at = path.member("secret");
    if (source.secret().local_object_reference().name().empty()) errors.required(at.member("name"));
    check_items(source.secret().items(), at.member("items"), errors);
  }
  if (counted(source.has_config_map())) {
    const Path at = path.member("configMap");
    if (source.config_map().local_object_reference().name().empty()) errors.required(at.member("name"));
    check_items(source.config_map().items(), at.member("items"), errors);
  }
  if (counted(source.has_downward_api())) check_downward(source.downward_api().items(), path.member("downwardAPI"), errors);
  if (counted(source.has_service_account_token())) {
    check_token(source.service_account_token(), path.member("serviceAccountToken"), errors);
  }
  if (counted(source.has_cluster_trust_bundle()))
    check_trust_bundle(source.cluster_trust_bundle(), path.member("clusterTrustBundle"), errors);
  if (counted(source.has_pod_certificate()) && source.pod_certificate().signer_name().empty()) {
    errors.required(path.member("podCertificate").member("signerName"));
  }
  if (sources > 1) errors.forbidden(path, "may not specify more than 1 volume type per source");
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

void check_empty_dir(const EmptyDirVolumeSource& source, const Path& path, Errors& errors) {
  if (!source.has_size_limit()) return;
  const auto limit = quantity_of(source.size_limit());
  if (!limit || limit->sign() < 0)
    errors.forbidden(path.member("sizeLimit"), "SizeLimit field must be a valid resource quantity");
}

void check_secret(const SecretVolumeSource& source, const Path& path, Errors& errors) {
  if (source.secret_name().empty()) errors.required(path.member("secretName"));
  if (source.has_default_mode()) check_mode(source.default_mode(), path.member("defaultMode"), errors);
  check_items(source.items(), path.member("items"), errors);
}

void check_config_map(const ConfigMapVolumeSource& source, const Path& path, Errors& errors) {
  if (source.local_object_reference().name().empty()) errors.required(path.member("name"));
  if (source.has_default_mode()) check_mode(source.default_mode(), path.member("defaultMode"), errors);
  check_items(source.items(), path.member("items"), errors);
}

void check_git_repo(const GitRepoVolumeSource& source, const Path& path, Errors& errors) {
  if (source.repository().empty()) errors.required(path.member("repository"));
  check_descending_path(source.directory(), path.member("directory"), errors);
}

// One volume of a pod. `pod`: the pod's name, empty where there is none yet, in templates.
class VolumeCheck {
 public:
  VolumeCheck(const Volume& volume, std::string_view pod, const Path& path, Errors& errors)
      : volume_(volume), source_(volume.volume_source()), pod_(pod), path_(path), errors_(errors), one_(path, errors) {}

  // In upstream's order: of two sources the first is judged, the other is one too many.
  void run() {
    local_sources();
    network_sources();
    cluster_sources();
    vendors_disks();
    newer_sources();
    one_.end();
  }

 private:
  void local_sources() {
    if (one_.first(source_.has_empty_dir(), "emptyDir")) check_empty_dir(source_.empty_dir(), path_.member("emptyDir"), errors_);
    one_.check(source_.has_host_path(), source_.host_path(), "hostPath");
    if (one_.first(source_.has_git_repo(), "gitRepo")) check_git_repo(source_.git_repo(), path_.member("gitRepo"), errors_);
    one_.check(source_.has_gce_persistent_disk(), source_.gce_persistent_disk(), "gcePersistentDisk", "persistentDisk");
    one_.check(source_.has_aws_elastic_block_store(), source_.aws_elastic_block_store(), "awsElasticBlockStore");
    if (one_.first(source_.has_secret(), "secret")) check_secret(source_.secret(), path_.member("secret"), errors_);
  }

  void network_sources() {
    one_.check(source_.has_nfs(), source_.nfs(), "nfs");
    if (one_.first(source_.has_iscsi(), "iscsi")) {
      check_source(source_.iscsi(), path_.member("iscsi"), errors_);
      if (is_too_long_for_iscsi(source_.iscsi(), volume_.name()))
        errors_.invalid_text(path_.member("name"), volume_.name(), kTooLongForIscsi);
    }
    one_.check(source_.has_glusterfs(), source_.glusterfs(), "glusterfs");
    one_.check(source_.has_flocker(), source_.flocker(), "flocker");
    if (one_.first(source_.has_persistent_volume_claim(), "persistentVolumeClaim") &&
        source_.persistent_volume_claim().claim_name().empty()) {
      errors_.required(path_.member("persistentVolumeClaim").member("claimName"));
    }
    one_.check(source_.has_rbd(), source_.rbd(), "rbd");
    one_.check(source_.has_cinder(), source_.cinder(), "cinder");
    one_.check(source_.has_cephfs(), source_.cephfs(), "cephFS", "cephfs");
    one_.check(source_.has_quobyte(), source_.quobyte(), "quobyte");
  }

  void cluster_sources() {
    if (one_.first(source_.has_downward_api(), "downwarAPI")) {  // so upstream spells it
      const Path at = path_.member("downwardAPI");
      if (source_.downward_api().has_default_mode())
        check_mode(source_.downward_api().default_mode(), at.member("defaultMode"), errors_);
      check_downward(source_.downward_api().items(), at, errors_);
    }
    one_.check(source_.has_fc(), source_.fc(), "fc");
    one_.check(source_.has_flex_volume(), source_.flex_volume(), "flexVolume");
    if (one_.first(source_.has_config_map(), "configMap"))
      check_config_map(source_.config_map(), path_.member("configMap"), errors_);
  }

  void vendors_disks() {
    one_.check(source_.has_azure_file(), source_.azure_file(), "azureFile");
    one_.check(source_.has_vsphere_volume(), source_.vsphere_volume(), "vsphereVolume");
    one_.check(source_.has_photon_persistent_disk(), source_.photon_persistent_disk(), "photonPersistentDisk");
    one_.check(source_.has_portworx_volume(), source_.portworx_volume(), "portworxVolume");
    one_.check(source_.has_azure_disk(), source_.azure_disk(), "azureDisk");
    one_.check(source_.has_storageos(), source_.storageos(), "storageos");
  }

  void newer_sources() {
    if (one_.first(source_.has_projected(), "projected"))
      check_projected(source_.projected(), path_.member("projected"), errors_);
    one_.check(source_.has_scale_io(), source_.scale_io(), "scaleIO");
    one_.check(source_.has_csi(), source_.csi(), "csi");
    if (one_.first(source_.has_ephemeral(), "ephemeral")) ephemeral();
    if (one_.first(source_.has_image(), "image")) check_image(source_.image(), path_.member("image"), errors_);
  }

  void ephemeral() {
    check_ephemeral(source_.ephemeral(), path_.member("ephemeral"), errors_);
    if (pod_.empty() || volume_.name().empty()) return;
    const std::string claim = fmt::format("{}-{}", pod_, volume_.name());
    for (const std::string& complaint : check_dns1123_subdomain(claim)) {
      errors_.invalid_text(path_.member("name"), volume_.name(), fmt::format("PVC name {}: {}", quote(claim), complaint));
    }
  }

  const Volume& volume_;
  const VolumeSource& source_;
  const std::string_view pod_;
  const Path& path_;
  Errors& errors_;
  OneSource one_;
};

// Claims that are made for ephemeral volumes are nobody else's.
void check_own_claims(const PodSpec& spec, std::string_view pod, const Path& path, Errors& errors) {
  if (pod.empty()) return;
  std::set<std::string> made;
  for (const Volume& volume : spec.volumes()) {
    if (volume.volume_source().has_ephemeral()) made.insert(fmt::format("{}-{}", pod, volume.name()));
  }
  for (int i = 0; i < spec.volumes_size(); ++i) {
    const VolumeSource& source = spec.volumes(i).volume_source();
    if (!source.has_persistent_volume_claim() || !made.contains(source.persistent_volume_claim().claim_name())) continue;
    errors.invalid_text(path.index(i).member("persistentVolumeClaim").member("claimName"),
                        source.persistent_volume_claim().claim_name(),
                        "must not reference a PVC that gets created for an ephemeral volume");
  }
}

}  // namespace

bool has_backsteps(std::string_view text) {
  for (std::size_t from = 0; from <= text.size();) {
    const auto slash = std::min(text.find('/', from), text.size());
    if (text.substr(from, slash - from) == "..") return true;
    from = slash + 1;
  }
  return false;
}

void check_no_backsteps(std::string_view text, const Path& path, Errors& errors) {
  if (has_backsteps(text)) errors.invalid_text(path, text, "must not contain '..'");
}

void check_descending_path(std::string_view text, const Path& path, Errors& errors) {
  if (text.starts_with('/')) errors.invalid_text(path, text, "must be a relative path");
  check_no_backsteps(text, path, errors);
}

Volumes check_volumes(const PodSpec& spec, std::string_view pod, const Path& path, Errors& errors) {
  Volumes out;
  for (int i = 0; i < spec.volumes_size(); ++i) {
    const Volume& volume = spec.volumes(i);
    const Path at = path.index(i);
    const std::size_t before = errors.size();
    VolumeCheck(volume, pod, at, errors).run();
    if (volume.name().empty()) {
      errors.required(at.member("name"));
    } else {
      check_label(volume.name(), at.member("name"), errors);
    }
    if (out.contains(volume.name())) errors.duplicate(at.member("name"), volume.name());
    if (errors.size() == before) out[volume.name()] = &volume.volume_source();
  }
  check_own_claims(spec, pod, path, errors);
  return out;
}

}  // namespace ph::api
