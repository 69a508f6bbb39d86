// The spec of a volume claim, in claims, templates of claims and ephemeral volumes.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using namespace core::v1;

void check_access_modes(const google::protobuf::RepeatedPtrField<std::string>& modes, const Path& path, Errors& errors) {
  bool pod_only = false;
  for (const std::string& mode : modes) {
    check_one_of(mode, {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"}, path, errors);
    pod_only |= mode == "ReadWriteOncePod";
  }
  if (pod_only && modes.size() > 1) errors.forbidden(path, "may not use ReadWriteOncePod with other access modes");
}

static void check_data_source(const std::string& group, const std::string& kind, const std::string& name, const Path& path,
                              Errors& errors) {
  if (name.empty()) errors.required(path.member("name"));
  if (kind.empty()) errors.required(path.member("kind"));
  if (group.empty() && kind != "PersistentVolumeClaim") {
    errors.invalid_text(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (!group.empty()) errors.invalid_each(path.member("apiGroup"), group, check_dns1123_subdomain(group));
}

static bool same_source(const TypedLocalObjectReference& source, const TypedObjectReference& ref) {
  return source.kind() == ref.kind() && source.name() == ref.name() && source.has_api_group() == ref.has_api_group() &&
         source.api_group() == ref.api_group();
}

void check_claim_spec(const PersistentVolumeClaimSpec& spec, const Path& path, Errors& errors) {
  if (spec.access_modes().empty()) errors.required(path.member("accessModes"), "at least 1 access mode is required");
  if (spec.has_selector()) check_label_selector(spec.selector(), path.member("selector"), errors);
  check_access_modes(spec.access_modes(), path.member("accessModes"), errors);

  const Path size = path.member("resources").key("storage");
  const auto storage = spec.resources().requests().find("storage");
  if (storage == spec.resources().requests().end()) {
    errors.required(size);
  } else if (const auto amount = quantity_of(storage->second); !amount || amount->sign() <= 0) {
    errors.invalid_text(size, amount ? amount->text() : storage->second.string(), "must be greater than zero");
  }
  // An unset class and the empty class are different things.
  if (spec.has_storage_class_name() && !spec.storage_class_name().empty()) {
    check_subdomain(spec.storage_class_name(), path.member("storageClassName"), errors);
  }
  if (spec.has_volume_mode()) check_one_of(spec.volume_mode(), {"Block", "Filesystem"}, path.member("volumeMode"), errors);
  if (spec.has_data_source()) {
    check_data_source(spec.data_source().api_group(), spec.data_source().kind(), spec.data_source().name(),
                      path.member("dataSource"), errors);
  }
  if (spec.has_data_source_ref()) {
    check_data_source(spec.data_source_ref().api_group(), spec.data_source_ref().kind(), spec.data_source_ref().name(),
                      path.member("dataSourceRef"), errors);
  }
  // Upstream shows the path where the value should be.
  if (spec.has_data_source() && spec.has_data_source_ref() && !spec.data_source_ref().has_namespace_() &&
      !same_source(spec.data_source(), spec.data_source_ref())) {
    errors.invalid(path, "{}", "must match dataSourceRef");
  }
  if (spec.has_volume_attributes_class_name() && !spec.volume_attributes_class_name().empty()) {
    check_subdomain(spec.volume_attributes_class_name(), path.member("volumeAttributesClassName"), errors);
  }
}

}  // namespace ph::api
