#include "api/validation/volume_sources.h"

#include <fmt/format.h>

#include "api/validation/pod_parts.h"
#include "base/ascii.h"

namespace ph::api {

using namespace core::v1;

namespace {

void needs(bool present, const Path& path, Errors& errors) {
  if (!present) errors.required(path);
}

void check_partition(int number, const Path& path, Errors& errors) {
  if (number < 0 || number > 255) errors.invalid(path, number, "must be between 1 and 255, inclusive");
}

void check_lun(int number, const Path& path, Errors& errors) {
  if (number < 0 || number > 255) errors.invalid(path, number, "must be between 0 and 255, inclusive");
}

// A secret in the pod's namespace, or of a namespace of its own.
void check_secret(const LocalObjectReference& secret, const Path& path, Errors& errors) {
  needs(!secret.name().empty(), path.member("name"), errors);
}
template <class Secret>
void check_secret(const Secret& secret, const Path& path, Errors& errors) {
  needs(!secret.name().empty(), path.member("name"), errors);
  needs(!secret.namespace_().empty(), path.member("namespace"), errors);
}

void check_csi_secret(const SecretReference& secret, const Path& path, Errors& errors) {
  if (secret.name().empty()) {
    errors.required(path.member("name"));
  } else {
    check_subdomain(secret.name(), path.member("name"), errors);
  }
  if (secret.namespace_().empty()) {
    errors.required(path.member("namespace"));
  } else {
    check_label(secret.namespace_(), path.member("namespace"), errors);
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// iqn.2001-04.com.example:disk1: a date, a domain turned round, a name.
bool is_iqn_part(std::string_view text) {
  constexpr std::string_view kForm = "iqn.dddd-dd.";
  if (text.size() < kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? !is_digit(text[i]) : text[i] != kForm[i]) return false;
  }
  text.remove_prefix(kForm.size());
  const std::size_t domain = static_cast<std::size_t>(
      std::ranges::find_if_not(text, [](char c) { return is_alnum(c) || c == '-' || c == '.'; }) - text.begin());
  if (domain == 0 || domain + 1 >= text.size() || text[domain] != ':') return false;
  return text.find_first_of(",;*&$| \t\n\f\r", domain + 1) == text.npos;
}

// Of the three ways to name an iSCSI target or initiator.
bool is_iscsi_name(std::string_view name) {
  const auto coded = [&](std::size_t digits) {
    return name.size() == digits + 4 && std::ranges::all_of(name.substr(4), is_alnum);
  };
  if (name.starts_with("eui")) return coded(16);
  if (name.starts_with("naa")) return coded(32);
  for (std::size_t at = name.find("iqn."); at != name.npos; at = name.find("iqn.", at + 1)) {
    if (is_iqn_part(name.substr(at))) return true;
  }
  return false;
}

bool has_iscsi_prefix(std::string_view name) {
  return name.starts_with("iqn") || name.starts_with("eui") || name.starts_with("naa");
}

void check_iscsi_name(std::string_view name, std::string_view other_prefix, const Path& path, Errors& errors) {
  if (!has_iscsi_prefix(name)) return errors.invalid_text(path, name, other_prefix);
  if (!is_iscsi_name(name)) errors.invalid_text(path, name, "must be valid format");
}

// `other_prefix`: what is said of a name that begins like none.
template <class Source>
void check_iscsi(const Source& source, std::string_view other_prefix, const Path& path, Errors& errors) {
  needs(!source.target_portal().empty(), path.member("targetPortal"), errors);
  if (source.iqn().empty()) {
    errors.required(path.member("iqn"));
  } else {
    check_iscsi_name(source.iqn(), other_prefix, path.member("iqn"), errors);
  }
  check_lun(source.lun(), path.member("lun"), errors);
  if ((source.chap_auth_discovery() || source.chap_auth_session()) && !source.has_secret_ref())
    errors.required(path.member("secretRef"));
}

template <class Source>
void check_glusterfs(const Source& source, const Path& path, Errors& errors) {
  needs(!source.endpoints().empty(), path.member("endpoints"), errors);
  needs(!source.path().empty(), path.member("path"), errors);
}

template <class Source>
void check_rbd(const Source& source, const Path& path, Errors& errors) {
  needs(!source.monitors().empty(), path.member("monitors"), errors);
  needs(!source.image().empty(), path.member("image"), errors);
}

template <class Source>
void check_cinder(const Source& source, const Path& path, Errors& errors) {
  needs(!source.volume_id().empty(), path.member("volumeID"), errors);
  if (source.has_secret_ref()) check_secret(source.secret_ref(), path.member("secretRef"), errors);
}

template <class Source>
void check_flex(const Source& source, const Path& path, Errors& errors) {
  needs(!source.driver().empty(), path.member("driver"), errors);
  for (const auto* option : sorted(source.options())) {
    const std::string_view key = option->first;
    const std::string owner = "." + lower_ascii(key.substr(0, key.find('/')));
    if (!owner.ends_with(".kubernetes.io") && !owner.ends_with(".k8s.io")) continue;
    errors.invalid_text(path.member("options").key(key), option->second, "kubernetes.io and k8s.io namespaces are reserved");
  }
}

template <class Source>
void check_azure_file(const Source& source, const Path& path, Errors& errors) {
  needs(!source.secret_name().empty(), path.member("secretName"), errors);
  needs(!source.share_name().empty(), path.member("shareName"), errors);
}

template <class Source>
void check_scale_io(const Source& source, const Path& path, Errors& errors) {
  needs(!source.gateway().empty(), path.member("gateway"), errors);
  needs(!source.system().empty(), path.member("system"), errors);
  needs(!source.volume_name().empty(), path.member("volumeName"), errors);
}

template <class Source>
void check_storage_os(const Source& source, const Path& path, Errors& errors) {
  if (source.volume_name().empty()) {
    errors.required(path.member("volumeName"));
  } else {
    check_label(source.volume_name(), path.member("volumeName"), errors);
  }
  if (!source.volume_namespace().empty()) check_label(source.volume_namespace(), path.member("volumeNamespace"), errors);
  if (source.has_secret_ref()) check_secret(source.secret_ref(), path.member("secretRef"), errors);
}

// host:port, or [host]:port where the host has colons.
bool is_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return false;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.find(']') + 1 != host.size()) return false;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return false;
  }
  return host.find_first_of("[]") == host.npos && text.substr(colon).find_first_of("[]") == text.npos;
}

}  // namespace

void check_source(const HostPathVolumeSource& source, const Path& path, Errors& errors) {
  if (source.path().empty()) return errors.required(path.member("path"));
  check_no_backsteps(source.path(), path.member("path"), errors);
  if (!source.has_type()) return;
  check_one_of(source.type(),
               {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"},
               path.member("type"), errors);
}

void check_source(const GCEPersistentDiskVolumeSource& source, const Path& path, Errors& errors) {
  needs(!source.pd_name().empty(), path.member("pdName"), errors);
  check_partition(source.partition(), path.member("partition"), errors);
}

void check_source(const AWSElasticBlockStoreVolumeSource& source, const Path& path, Errors& errors) {
  needs(!source.volume_id().empty(), path.member("volumeID"), errors);
  check_partition(source.partition(), path.member("partition"), errors);
}

void check_source(const NFSVolumeSource& source, const Path& path, Errors& errors) {
  needs(!source.server().empty(), path.member("server"), errors);
  needs(!source.path().empty(), path.member("path"), errors);
  if (!source.path().starts_with('/')) errors.invalid_text(path.member("path"), source.path(), "must be an absolute path");
}

void check_source(const ISCSIVolumeSource& source, const Path& path, Errors& errors) {
  constexpr std::string_view kOther = "must be valid format starting with iqn, eui, or naa";
  check_iscsi(source, kOther, path, errors);
  if (source.has_initiator_name()) check_iscsi_name(source.initiator_name(), kOther, path.member("initiatorname"), errors);
}

void check_source(const ISCSIPersistentVolumeSource& source, const Path& path, Errors& errors) {
  constexpr std::string_view kOther = "must be valid format";
  check_iscsi(source, kOther, path, errors);
  if (source.has_secret_ref()) needs(!source.secret_ref().name().empty(), path.member("secretRef").member("name"), errors);
  if (source.has_initiator_name()) check_iscsi_name(source.initiator_name(), kOther, path.member("initiatorname"), errors);
}

void check_source(const GlusterfsVolumeSource& source, const Path& path, Errors& errors) {
  check_glusterfs(source, path, errors);
}

void check_source(const GlusterfsPersistentVolumeSource& source, const Path& path, Errors& errors) {
  check_glusterfs(source, path, errors);
  if (!source.has_endpoints_namespace()) return;
  const Path at = path.member("endpointsNamespace");
  if (source.endpoints_namespace().empty()) {
    errors.invalid_text(at, "", "if the endpointnamespace is set, it must be a valid namespace name");
  } else {
    check_label(source.endpoints_namespace(), at, errors);
  }
}

void check_source(const FlockerVolumeSource& source, const Path& path, Errors& errors) {
  if (source.dataset_name().empty() && source.dataset_uuid().empty()) {
    errors.required(path, "one of datasetName and datasetUUID is required");
  }
  if (!source.dataset_name().empty() && !source.dataset_uuid().empty()) {
    errors.invalid_text(path, "resource", "datasetName and datasetUUID can not be specified simultaneously");
  }
  if (source.dataset_name().find('/') != std::string::npos) {
    errors.invalid_text(path.member("datasetName"), source.dataset_name(), "must not contain '/'");
  }
}

void check_source(const RBDVolumeSource& source, const Path& path, Errors& errors) { check_rbd(source, path, errors); }
void check_source(const RBDPersistentVolumeSource& source, const Path& path, Errors& errors) { check_rbd(source, path, errors); }

void check_source(const CinderVolumeSource& source, const Path& path, Errors& errors) { check_cinder(source, path, errors); }
void check_source(const CinderPersistentVolumeSource& source, const Path& path, Errors& errors) {
  check_cinder(source, path, errors);
}

void check_source(const CephFSVolumeSource& source, const Path& path, Errors& errors) {
  needs(!source.monitors().empty(), path.member("monitors"), errors);
}
void check_source(const CephFSPersistentVolumeSource& source, const Path& path, Errors& errors) {
  needs(!source.monitors().empty(), path.member("monitors"), errors);
}

void check_source(const QuobyteVolumeSource& source, const Path& path, Errors& errors) {
  constexpr std::string_view kPairs = "must be a host:port pair or multiple pairs separated by commas";
  constexpr std::size_t kTenantMax = 64;
  const std::string& registry = source.registry();
  if (registry.empty()) {
    errors.required(path.member("registry"), kPairs);
  } else if (source.tenant().size() > kTenantMax) {
    errors.required(path.member("tenant"),
                    fmt::format("must be a UUID and may not exceed a length of {} characters", kTenantMax));
  } else {
    for (std::size_t from = 0; from <= registry.size();) {
      const std::size_t comma = std::min(registry.find(',', from), registry.size());
      if (!is_host_and_port(std::string_view(registry).substr(from, comma - from)))
        errors.invalid_text(path.member("registry"), registry, kPairs);
      from = comma + 1;
    }
  }
  needs(!source.volume().empty(), path.member("volume"), errors);
}

void check_source(const FCVolumeSource& source, const Path& path, Errors& errors) {
  const Path names = path.member("targetWWNs"), lun = path.member("lun");
  if (source.target_wwns().empty() && source.wwids().empty()) {
    errors.required(names, "must specify either targetWWNs or wwids, but not both");
  }
  if (source.target_wwns().empty()) return;
  if (!source.wwids().empty()) {
    errors.invalid(names, json_of(source.target_wwns()), "targetWWNs and wwids can not be specified simultaneously");
  }
  if (!source.has_lun()) return errors.required(lun, "lun is required if targetWWNs is specified");
  check_lun(source.lun(), lun, errors);
}

void check_source(const FlexVolumeSource& source, const Path& path, Errors& errors) { check_flex(source, path, errors); }
void check_source(const FlexPersistentVolumeSource& source, const Path& path, Errors& errors) {
  check_flex(source, path, errors);
}

void check_source(const AzureFileVolumeSource& source, const Path& path, Errors& errors) {
  check_azure_file(source, path, errors);
}
void check_source(const AzureFilePersistentVolumeSource& source, const Path& path, Errors& errors) {
  check_azure_file(source, path, errors);
  if (source.has_secret_namespace()) needs(!source.secret_namespace().empty(), path.member("secretNamespace"), errors);
}

void check_source(const VsphereVirtualDiskVolumeSource& source, const Path& path, Errors& errors) {
  needs(!source.volume_path().empty(), path.member("volumePath"), errors);
}

void check_source(const AzureDiskVolumeSource& source, const Path& path, Errors& errors) {
  const Path uri = path.member("diskURI");
  needs(!source.disk_name().empty(), path.member("diskName"), errors);
  needs(!source.disk_uri().empty(), uri, errors);
  if (source.has_caching_mode())
    check_one_of(source.caching_mode(), {"None", "ReadOnly", "ReadWrite"}, path.member("cachingMode"), errors);
  if (!source.has_kind()) return;
  check_one_of(source.kind(), {"Dedicated", "Managed", "Shared"}, path.member("kind"), errors);
  if (source.kind() == "Managed") {
    if (!source.disk_uri().starts_with("/subscriptions/")) {
      errors.not_supported(uri, source.disk_uri(),
                           {"/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"});
    }
  } else if (!source.disk_uri().starts_with("https://")) {
    errors.not_supported(uri, source.disk_uri(),
                         {"https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"});
  }
}

void check_source(const PhotonPersistentDiskVolumeSource& source, const Path& path, Errors& errors) {
  needs(!source.pd_id().empty(), path.member("pdID"), errors);
}

void check_source(const PortworxVolumeSource& source, const Path& path, Errors& errors) {
  needs(!source.volume_id().empty(), path.member("volumeID"), errors);
}

void check_source(const ScaleIOVolumeSource& source, const Path& path, Errors& errors) { check_scale_io(source, path, errors); }
void check_source(const ScaleIOPersistentVolumeSource& source, const Path& path, Errors& errors) {
  check_scale_io(source, path, errors);
}

void check_source(const StorageOSVolumeSource& source, const Path& path, Errors& errors) {
  check_storage_os(source, path, errors);
}
void check_source(const StorageOSPersistentVolumeSource& source, const Path& path, Errors& errors) {
  check_storage_os(source, path, errors);
}

void check_source(const CSIVolumeSource& source, const Path& path, Errors& errors) {
  check_driver_name(source.driver(), path.member("driver"), errors);
  if (!source.has_node_publish_secret_ref()) return;
  const std::string& secret = source.node_publish_secret_ref().name();
  if (secret.empty()) return errors.required(path.member("nodePublishSecretRef").member("name"));
  check_subdomain(secret, path.member("name"), errors);  // so upstream calls it here
}

// The secret of staging is not looked at.
void check_source(const CSIPersistentVolumeSource& source, const Path& path, Errors& errors) {
  check_driver_name(source.driver(), path.member("driver"), errors);
  needs(!source.volume_handle().empty(), path.member("volumeHandle"), errors);
  const auto secret = [&](bool set, const SecretReference& reference, std::string_view member) {
    if (set) check_csi_secret(reference, path.member(member), errors);
  };
  secret(source.has_controller_publish_secret_ref(), source.controller_publish_secret_ref(), "controllerPublishSecretRef");
  secret(source.has_controller_expand_secret_ref(), source.controller_expand_secret_ref(), "controllerExpandSecretRef");
  secret(source.has_node_publish_secret_ref(), source.node_publish_secret_ref(), "nodePublishSecretRef");
  secret(source.has_node_expand_secret_ref(), source.node_expand_secret_ref(), "nodeExpandSecretRef");
}

}  // namespace ph::api
