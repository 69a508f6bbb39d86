// storage.k8s.io/v1 StorageClass and VolumeAttributesClass.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using storage::v1::StorageClass, storage::v1::VolumeAttributesClass;

namespace {

constexpr std::size_t kParametersBytesMax = 256 * 1024, kParametersMax = 512;

void check_parameters(const StringMap& parameters, bool may_be_empty, const Path& path, Errors& errors) {
  if (parameters.size() > kParametersMax) errors.too_long(path, kParametersMax);
  if (parameters.empty() && !may_be_empty) errors.required(path, "must contain at least one key/value pair");
  std::size_t bytes = 0;
  for (const auto* entry : sorted(parameters)) {
    if (entry->first.empty()) errors.invalid_text(path, "", "field can not be empty.");
    bytes += entry->first.size() + entry->second.size();
  }
  if (bytes > kParametersBytesMax) errors.too_long(path, kParametersBytesMax);
}

void check_driver(const std::string& name, const Path& path, Errors& errors) {
  if (name.empty()) return errors.required(path);
  check_qualified(name, path, errors);
}

}  // namespace

void validate(const StorageClass& object, Errors& errors) {
  check_driver(object.provisioner(), Path("provisioner"), errors);
  check_parameters(object.parameters(), true, Path("parameters"), errors);
  if (!object.reclaim_policy().empty()) check_one_of(object.reclaim_policy(), {"Delete", "Retain"}, Path("reclaimPolicy"), errors);
  if (!object.has_volume_binding_mode()) {
    errors.required(Path("volumeBindingMode"));
  } else {
    check_one_of(object.volume_binding_mode(), {"Immediate", "WaitForFirstConsumer"}, Path("volumeBindingMode"), errors);
  }
  for (int t = 0; t < object.allowed_topologies_size(); ++t) {
    const auto& expressions = object.allowed_topologies(t).match_label_expressions();
    const Path at = Path("allowedTopologies").index(t).member("matchLabelExpressions");
    for (int i = 0; i < expressions.size(); ++i) {
      check_label_name(expressions[i].key(), at.index(i).member("key"), errors);
      if (expressions[i].values().empty()) errors.required(at.index(i).member("values"));
    }
  }
}

void validate_update(const StorageClass& now, const StorageClass& old, Errors& errors) {
  if (!same(now.parameters(), old.parameters())) errors.forbidden(Path("parameters"), "updates to parameters are forbidden.");
  if (now.provisioner() != old.provisioner()) errors.forbidden(Path("provisioner"), "updates to provisioner are forbidden.");
  if (now.reclaim_policy() != old.reclaim_policy()) errors.forbidden(Path("reclaimPolicy"), "updates to reclaimPolicy are forbidden.");
  check_immutable(now.volume_binding_mode(), old.volume_binding_mode(), Path("volumeBindingMode"), errors);
}

void validate(const VolumeAttributesClass& object, Errors& errors) {
  check_driver(object.driver_name(), Path("driverName"), errors);
  check_parameters(object.parameters(), false, Path("parameters"), errors);
}

void validate_update(const VolumeAttributesClass& now, const VolumeAttributesClass& old, Errors& errors) {
  if (now.driver_name() != old.driver_name()) errors.forbidden(Path("driverName"), "updates to driverName are forbidden.");
  if (!same(now.parameters(), old.parameters())) errors.forbidden(Path("parameters"), "updates to parameters are forbidden.");
}

}  // namespace ph::api
