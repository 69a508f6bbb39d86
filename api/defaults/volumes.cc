// Defaults of volume sources: those of pods, of persistent volumes, and of claims.
#include "api/defaults/defaults.h"

namespace ph::api {

using namespace core::v1;

namespace {

constexpr int kFileMode = 0644;
constexpr std::int64_t kTokenSeconds = 3600;

void default_downward(google::protobuf::RepeatedPtrField<DownwardAPIVolumeFile>& items) {
  for (DownwardAPIVolumeFile& item : items) {
    if (item.has_field_ref() && item.field_ref().api_version().empty()) item.mutable_field_ref()->set_api_version("v1");
  }
}

void default_projected(ProjectedVolumeSource& projected) {
  if (!projected.has_default_mode()) projected.set_default_mode(kFileMode);
  for (VolumeProjection& source : *projected.mutable_sources()) {
    if (source.has_downward_api()) default_downward(*source.mutable_downward_api()->mutable_items());
    if (!source.has_service_account_token()) continue;
    auto& token = *source.mutable_service_account_token();
    if (!token.has_expiration_seconds()) token.set_expiration_seconds(kTokenSeconds);
  }
}

void default_host_path(HostPathVolumeSource& source) {
  if (!source.has_type()) source.set_type("");
}

template <class Iscsi>
void default_iscsi(Iscsi& source) {
  if (source.iscsi_interface().empty()) source.set_iscsi_interface("default");
}

template <class Rbd>
void default_rbd(Rbd& source) {
  if (source.pool().empty()) source.set_pool("rbd");
  if (source.user().empty()) source.set_user("admin");
  if (source.keyring().empty()) source.set_keyring("/etc/ceph/keyring");
}

void default_azure_disk(AzureDiskVolumeSource& source) {
  if (!source.has_caching_mode()) source.set_caching_mode("ReadWrite");
  if (!source.has_kind()) source.set_kind("Shared");
  if (!source.has_fs_type()) source.set_fs_type("ext4");
  if (!source.has_read_only()) source.set_read_only(false);
}

template <class ScaleIo>
void default_scale_io(ScaleIo& source) {
  if (source.storage_mode().empty()) source.set_storage_mode("ThinProvisioned");
  if (source.fs_type().empty()) source.set_fs_type("xfs");
}

// Every member of a volume source is a pointer: whether any is set is whether the message is empty on the wire.
bool has_source(const VolumeSource& source) { return source.ByteSizeLong() != 0; }

}  // namespace

void default_volume(Volume& volume) {
  VolumeSource& source = *volume.mutable_volume_source();
  if (!has_source(source)) source.mutable_empty_dir();
  if (source.has_secret() && !source.secret().has_default_mode()) source.mutable_secret()->set_default_mode(kFileMode);
  if (source.has_config_map() && !source.config_map().has_default_mode())
    source.mutable_config_map()->set_default_mode(kFileMode);
  if (source.has_downward_api()) {
    if (!source.downward_api().has_default_mode()) source.mutable_downward_api()->set_default_mode(kFileMode);
    default_downward(*source.mutable_downward_api()->mutable_items());
  }
  if (source.has_projected()) default_projected(*source.mutable_projected());
  if (source.has_host_path()) default_host_path(*source.mutable_host_path());
  if (source.has_iscsi()) default_iscsi(*source.mutable_iscsi());
  if (source.has_rbd()) default_rbd(*source.mutable_rbd());
  if (source.has_azure_disk()) default_azure_disk(*source.mutable_azure_disk());
  if (source.has_scale_io()) default_scale_io(*source.mutable_scale_io());
  if (source.has_ephemeral() && source.ephemeral().has_volume_claim_template()) {
    default_claim_spec(*source.mutable_ephemeral()->mutable_volume_claim_template()->mutable_spec());
  }
  if (source.has_image() && source.image().pull_policy().empty()) {
    source.mutable_image()->set_pull_policy(std::string(pull_policy_of(source.image().reference())));
  }
}

void default_persistent_volume_spec(PersistentVolumeSpec& spec) {
  round_up(*spec.mutable_capacity());
  if (!spec.has_volume_mode()) spec.set_volume_mode("Filesystem");
  PersistentVolumeSource& source = *spec.mutable_persistent_volume_source();
  if (source.has_host_path()) default_host_path(*source.mutable_host_path());
  if (source.has_iscsi()) default_iscsi(*source.mutable_iscsi());
  if (source.has_rbd()) default_rbd(*source.mutable_rbd());
  if (source.has_azure_disk()) default_azure_disk(*source.mutable_azure_disk());
  if (source.has_scale_io()) default_scale_io(*source.mutable_scale_io());
}

void default_claim_spec(PersistentVolumeClaimSpec& spec) {
  if (!spec.has_volume_mode()) spec.set_volume_mode("Filesystem");
  round_up(*spec.mutable_resources()->mutable_limits());
  round_up(*spec.mutable_resources()->mutable_requests());
}

}  // namespace ph::api
