// storage.k8s.io/v1: CSIDriver, CSINode, CSIStorageCapacity, VolumeAttachment.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using namespace storage::v1;

namespace {

constexpr std::size_t kNodeIdMax = 256, kMetadataBytesMax = 256 * 1024, kErrorBytesMax = 1024;

void check_token_requests(const CSIDriverSpec& spec, const Path& path, Errors& errors) {
  std::set<std::string_view> audiences;
  for (int i = 0; i < spec.token_requests_size(); ++i) {
    const TokenRequest& request = spec.token_requests(i);
    const Path at = path.index(i);
    if (!audiences.insert(request.audience()).second) {
      errors.duplicate(at.member("audience"), request.audience());
      continue;
    }
    if (!request.has_expiration_seconds()) continue;
    if (request.expiration_seconds() < 600) {
      errors.invalid(at.member("expirationSeconds"), request.expiration_seconds(),
                     "may not specify a duration less than 10 minutes");
    }
    if (request.expiration_seconds() > (std::int64_t{1} << 32)) {
      errors.invalid(at.member("expirationSeconds"), request.expiration_seconds(),
                     "may not specify a duration larger than 2^32 seconds");
    }
  }
}

void check_node_driver(const CSINodeDriver& driver, std::set<std::string_view>& names, const Path& path, Errors& errors) {
  check_driver_name(driver.name(), path.member("name"), errors);
  if (driver.node_id().empty()) errors.required(path.member("nodeID"));
  if (driver.node_id().size() > kNodeIdMax) {
    errors.invalid_text(path.member("nodeID"), driver.node_id(), fmt::format("must be {} characters or less", kNodeIdMax));
  }
  if (driver.allocatable().has_count())
    check_nonnegative(driver.allocatable().count(), path.member("allocatable").member("count"), errors);
  if (!names.insert(driver.name()).second) errors.duplicate(path.member("name"), driver.name());
  std::set<std::string_view> keys;
  for (int i = 0; i < driver.topology_keys_size(); ++i) {
    const std::string& key = driver.topology_keys(i);
    // Told of the driver, not of its list.
    if (key.empty()) errors.required(path);
    if (!keys.insert(key).second) errors.duplicate(path, key);
    check_qualified(key, path, errors);
  }
}

// As upstream shows its own type.
std::string shown(const CSINodeDriver& driver) {
  return fmt::format(R"({{"Name":{},"NodeID":{},"TopologyKeys":{},"Allocatable":null}})", quote(driver.name()),
                     quote(driver.node_id()), driver.topology_keys().empty() ? "null" : json_of(driver.topology_keys()));
}

void check_volume_error(const VolumeError& error, const Path& path, Errors& errors) {
  // Judged by one limit, told by the other.
  if (error.message().size() > kErrorBytesMax) errors.too_long(path.member("message"), kMetadataBytesMax);
  if (error.has_error_code() && error.error_code() < 0) {
    errors.invalid(path.member("errorCode"), error.error_code(), "must be between 0 and 2147483647, inclusive");
  }
}

void check_attachment_status(const VolumeAttachmentStatus& status, const Path& path, Errors& errors) {
  std::size_t bytes = 0;
  for (const auto* entry : sorted(status.attachment_metadata())) bytes += entry->first.size() + entry->second.size();
  if (bytes > kMetadataBytesMax) errors.too_long(path.member("attachmentMetadata"), kMetadataBytesMax);
  if (status.has_attach_error()) check_volume_error(status.attach_error(), path.member("attachError"), errors);
  if (status.has_detach_error()) check_volume_error(status.detach_error(), path.member("detachError"), errors);
}

}  // namespace

void validate(const CSIDriver& driver, Errors& errors) {
  const CSIDriverSpec& spec = driver.spec();
  const Path path("spec");
  const auto needs = [&](bool set, const char* member) {
    if (!set) errors.required(path.member(member));
  };
  needs(spec.has_attach_required(), "attachedRequired");
  needs(spec.has_pod_info_on_mount(), "podInfoOnMount");
  needs(spec.has_storage_capacity(), "storageCapacity");
  if (spec.has_fs_group_policy()) {
    check_one_of(spec.fs_group_policy(), {"File", "None", "ReadWriteOnceWithFSType"}, path.member("fsGroupPolicy"), errors);
  }
  check_token_requests(spec, path.member("tokenRequests"), errors);
  for (const std::string& mode : spec.volume_lifecycle_modes()) {
    check_one_of(mode, {"Persistent", "Ephemeral"}, path.member("volumeLifecycleModes"), errors);
  }
  needs(spec.has_se_linux_mount(), "seLinuxMount");
  if (spec.has_node_allocatable_update_period_seconds() && spec.node_allocatable_update_period_seconds() < 10) {
    errors.invalid(path.member("nodeAllocatableUpdatePeriodSeconds"), spec.node_allocatable_update_period_seconds(),
                   "must be greater than or equal to 10 seconds");
  }
}

void validate_update(const CSIDriver& now, const CSIDriver& old, Errors& errors) {
  validate(now, errors);
  const Path path("spec");
  if (now.spec().attach_required() != old.spec().attach_required()) {
    errors.invalid(path.member("attachedRequired"), now.spec().attach_required() ? "true" : "false", kImmutable);
  }
  if (json_of(now.spec().volume_lifecycle_modes()) != json_of(old.spec().volume_lifecycle_modes())) {
    errors.invalid(path.member("volumeLifecycleModes"), json_of(now.spec().volume_lifecycle_modes()), kImmutable);
  }
}

void validate(const CSINode& node, Errors& errors) {
  std::set<std::string_view> names;
  for (int i = 0; i < node.spec().drivers_size(); ++i) {
    check_node_driver(node.spec().drivers(i), names, Path("spec").member("drivers").index(i), errors);
  }
}

void validate_update(const CSINode& now, const CSINode& old, Errors& errors) {
  validate(now, errors);
  std::map<std::string_view, const CSINodeDriver*> known;
  for (const CSINodeDriver& driver : old.spec().drivers()) known.emplace(driver.name(), &driver);
  for (const CSINodeDriver& driver : now.spec().drivers()) {
    const auto before = known.find(driver.name());
    if (before == known.end()) continue;
    // What it can take may change.
    const bool kept = before->second->node_id() == driver.node_id() &&
                      json_of(before->second->topology_keys()) == json_of(driver.topology_keys());
    if (!kept) errors.invalid(Path("spec").member("drivers"), shown(driver), kImmutable);
  }
}

void validate(const CSIStorageCapacity& capacity, Errors& errors) {
  if (capacity.has_node_topology()) check_label_selector(capacity.node_topology(), Path("nodeTopology"), errors);
  check_subdomain(capacity.storage_class_name(), Path("storageClassName"), errors);
  if (capacity.has_capacity()) check_nonnegative_quantity(capacity.capacity(), Path("capacity"), errors);
}

void validate_update(const CSIStorageCapacity& now, const CSIStorageCapacity& old, Errors& errors) {
  validate(now, errors);
  check_immutable(now.node_topology(), old.node_topology(), Path("nodeTopology"), errors);
  check_immutable(now.storage_class_name(), old.storage_class_name(), Path("storageClassName"), errors);
}

void validate(const VolumeAttachment& attachment, Errors& errors) {
  const auto& spec = attachment.spec();
  const Path path("spec");
  check_driver_name(spec.attacher(), path.member("attacher"), errors);
  const Path source = path.member("source");
  if (!spec.source().has_persistent_volume_name() && !spec.source().has_inline_volume_spec()) {
    errors.required(source, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  } else if (spec.source().has_persistent_volume_name() && spec.source().has_inline_volume_spec()) {
    errors.forbidden(source, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  } else if (spec.source().has_persistent_volume_name()) {
    if (spec.source().persistent_volume_name().empty()) {
      errors.required(source.member("persistentVolumeName"), "must specify non empty persistentVolumeName");
    }
    check_subdomain(spec.source().persistent_volume_name(), source.member("persistentVolumeName"), errors);
  } else {
    check_persistent_volume_spec(spec.source().inline_volume_spec(), "", true, source.member("inlineVolumeSpec"), errors);
  }
  check_subdomain(spec.node_name(), path.member("nodeName"), errors);
  check_attachment_status(attachment.status(), Path("status"), errors);
}

void validate_status(const VolumeAttachment& now, const VolumeAttachment&, Errors& errors) {
  check_attachment_status(now.status(), Path("status"), errors);
}

void validate_update(const VolumeAttachment& now, const VolumeAttachment& old, Errors& errors) {
  validate(now, errors);
  if (!same(now.spec(), old.spec())) errors.invalid_message(Path("spec"), now.spec(), kImmutable);
}

}  // namespace ph::api
