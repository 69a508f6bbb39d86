// storage.k8s.io/v1: CSIDriver, CSINode, CSIStorageCapacity, VolumeAttachment.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using namespace storage::v1;

namespace {

constexpr std::size_t kNodeIdMax = 192;

void check_token_requests(const CSIDriverSpec& spec, const Path& path, Errors& errors) {
  std::set<std::string_view> audiences;
  for (int i = 0; i < spec.token_requests_size(); ++i) {
    const TokenRequest& request = spec.token_requests(i);
    const Path at = path.index(i);
    if (!audiences.insert(request.audience()).second) errors.duplicate(at.member("audience"), request.audience());
    if (!request.has_expiration_seconds()) continue;
    if (request.expiration_seconds() < 600) {
      errors.invalid(at.member("expirationSeconds"), request.expiration_seconds(), "may not specify a duration less than 10 minutes");
    }
    if (request.expiration_seconds() > (std::int64_t{1} << 32)) {
      errors.invalid(at.member("expirationSeconds"), request.expiration_seconds(), "may not specify a duration larger than 2^32 seconds");
    }
  }
}

void check_node_driver(const CSINodeDriver& driver, std::set<std::string_view>& names, const Path& path, Errors& errors) {
  check_driver_name(driver.name(), path.member("name"), errors);
  if (driver.node_id().empty()) errors.required(path.member("nodeID"));
  if (driver.node_id().size() > kNodeIdMax) {
    errors.invalid_text(path.member("nodeID"), driver.node_id(), fmt::format("must be {} characters or less", kNodeIdMax));
  }
  if (driver.allocatable().has_count()) check_nonnegative(driver.allocatable().count(), path.member("allocatable").member("count"), errors);
  if (!names.insert(driver.name()).second) errors.duplicate(path.member("name"), driver.name());
  std::set<std::string_view> keys;
  for (int i = 0; i < driver.topology_keys_size(); ++i) {
    const std::string& key = driver.topology_keys(i);
    if (key.empty()) errors.required(path.member("topologyKeys"));
    if (!keys.insert(key).second) errors.duplicate(path.member("topologyKeys"), key);
    if (!key.empty()) check_qualified(key, path.member("topologyKeys"), errors);
  }
}

}  // namespace

void validate(const CSIDriver& driver, Errors& errors) {
  check_driver_name(driver.metadata().name(), Path("name"), errors);
  const CSIDriverSpec& spec = driver.spec();
  const Path path("spec");
  const auto needs = [&](bool set, const char* member) {
    if (!set) errors.required(path.member(member));
  };
  needs(spec.has_attach_required(), "attachedRequired");
  needs(spec.has_pod_info_on_mount(), "podInfoOnMount");
  needs(spec.has_storage_capacity(), "storageCapacity");
  if (spec.has_fs_group_policy()) {
    check_one_of(spec.fs_group_policy(), {"ReadWriteOnceWithFSType", "File", "None"}, path.member("fsGroupPolicy"), errors);
  }
  check_token_requests(spec, path.member("tokenRequests"), errors);
  for (const std::string& mode : spec.volume_lifecycle_modes()) {
    check_one_of(mode, {"Persistent", "Ephemeral"}, path.member("volumeLifecycleModes"), errors);
  }
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
  for (int i = 0; i < now.spec().drivers_size(); ++i) {
    const CSINodeDriver& driver = now.spec().drivers(i);
    for (const CSINodeDriver& before : old.spec().drivers()) {
      if (before.name() != driver.name()) continue;
      const bool kept = before.node_id() == driver.node_id() && json_of(before.topology_keys()) == json_of(driver.topology_keys());
      if (!kept) errors.invalid_message(Path("spec").member("drivers").index(i), driver, kImmutable);
    }
  }
}

void validate(const CSIStorageCapacity& capacity, Errors& errors) {
  if (capacity.has_node_topology()) check_label_selector(capacity.node_topology(), Path("nodeTopology"), errors);
  check_subdomain(capacity.storage_class_name(), Path("storageClassName"), errors);
  if (capacity.has_capacity()) check_nonnegative_quantity(capacity.capacity(), Path("capacity"), errors);
  if (capacity.has_maximum_volume_size()) check_nonnegative_quantity(capacity.maximum_volume_size(), Path("maximumVolumeSize"), errors);
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
    } else {
      check_subdomain(spec.source().persistent_volume_name(), source.member("persistentVolumeName"), errors);
    }
  } else {
    check_persistent_volume_spec(spec.source().inline_volume_spec(), "", true, source.member("inlineVolumeSpec"), errors);
  }
  check_subdomain(spec.node_name(), path.member("nodeName"), errors);
}

void validate_update(const VolumeAttachment& now, const VolumeAttachment& old, Errors& errors) {
  if (!same(now.spec(), old.spec())) errors.invalid_message(Path("spec"), now.spec(), kImmutable);
}

}  // namespace ph::api
