// v1 PersistentVolumeClaim.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using namespace core::v1;

namespace {

// The spec without what a bound claim may change: more storage, another class of attributes, the class where none was set.
PersistentVolumeClaimSpec fixed_part(PersistentVolumeClaimSpec spec, const PersistentVolumeClaimSpec& old) {
  if (const auto before = old.resources().requests().find("storage"); before != old.resources().requests().end()) {
    (*spec.mutable_resources()->mutable_requests())["storage"] = before->second;
  }
  spec.clear_volume_attributes_class_name();
  if (old.has_volume_attributes_class_name()) spec.set_volume_attributes_class_name(old.volume_attributes_class_name());
  if (!old.has_storage_class_name()) spec.clear_storage_class_name();
  if (old.volume_name().empty()) spec.clear_volume_name();
  return spec;
}

}  // namespace

void validate(const PersistentVolumeClaim& claim, Errors& errors) { check_claim_spec(claim.spec(), Path("spec"), errors); }

void validate_update(const PersistentVolumeClaim& now, const PersistentVolumeClaim& old, Errors& errors) {
  validate(now, errors);
  const Path path("spec");
  if (!same(fixed_part(now.spec(), old.spec()), old.spec())) {
    errors.forbidden(
        path, "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n");
  }
  const auto amount = [](const PersistentVolumeClaim& claim) {
    const auto found = claim.spec().resources().requests().find("storage");
    return found == claim.spec().resources().requests().end() ? std::optional<Quantity>() : quantity_of(found->second);
  };
  const auto before = amount(old), after = amount(now);
  if (!before || !after || *before == *after) return;
  const Path requests = path.member("resources").member("requests").member("storage");
  if (old.status().phase() != "Bound") {
    errors.forbidden(
        path, "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n");
  } else if (*after < *before) {
    const auto held = old.status().capacity().find("storage");
    const auto size = held == old.status().capacity().end() ? std::nullopt : quantity_of(held->second);
    // Growing that has not happened yet may be taken back, down to what there is.
    if (!size || *after <= *size) errors.forbidden(requests, "field can not be less than status.capacity");
  }
}

void validate_status(const PersistentVolumeClaim& now, const PersistentVolumeClaim&, Errors& errors) {
  const Path path("status");
  for (const auto* entry : sorted(now.status().capacity())) {
    check_resource_value(entry->first, entry->second, path.member("capacity").key(entry->first), errors);
  }
  for (const auto* entry : sorted(now.status().allocated_resources())) {
    check_resource_value(entry->first, entry->second, path.member("allocatedResources").key(entry->first), errors);
  }
}

}  // namespace ph::api
