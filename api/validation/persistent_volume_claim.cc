// v1 PersistentVolumeClaim.
#include <fmt/format.h>

#include "api/internal_form.h"
#include "api/text_diff.h"
#include "api/validation/validation.h"

namespace ph::api {

using namespace core::v1;

namespace {

// The specs without what may change: the volume and the class where there was none; more storage, and another class of attributes, of a
// bound claim.
struct Specs {
  PersistentVolumeClaimSpec now, old;
};

Specs fixed_parts(const PersistentVolumeClaim& now, const PersistentVolumeClaim& old) {
  Specs out{now.spec(), old.spec()};
  if (out.old.volume_name().empty()) out.old.set_volume_name(out.now.volume_name());
  if (!out.old.has_storage_class_name()) out.now.clear_storage_class_name();
  if (now.status().phase() != "Bound") return out;
  if (!out.now.resources().requests().empty()) {
    auto& requests = *out.now.mutable_resources()->mutable_requests();
    const auto before = out.old.resources().requests().find("storage");
    if (before == out.old.resources().requests().end()) requests.erase("storage");
    else requests["storage"] = before->second;
  }
  if (out.now.has_volume_attributes_class_name()) {
    out.now.clear_volume_attributes_class_name();
    if (out.old.has_volume_attributes_class_name())
      out.now.set_volume_attributes_class_name(out.old.volume_attributes_class_name());
  }
  return out;
}

// Of "storage"; none is nothing.
Quantity storage_of(const ResourceMap& amounts) {
  const auto found = amounts.find("storage");
  const auto amount = found == amounts.end() ? std::nullopt : quantity_of(found->second);
  return amount.value_or(Quantity());
}

}  // namespace

void validate(const PersistentVolumeClaim& claim, Errors& errors) { check_claim_spec(claim.spec(), Path("spec"), errors); }

void validate_update(const PersistentVolumeClaim& now, const PersistentVolumeClaim& old, Errors& errors) {
  validate(now, errors);
  const Path path("spec");
  if (const Specs fixed = fixed_parts(now, old); !same(fixed.now, fixed.old)) {
    errors.forbidden(
        path, fmt::format("spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
                          "claims\n{}",
                          diff_lines(internal_json_lines(fixed.old), internal_json_lines(fixed.now))));
  }
  // Growing that has not happened yet may be taken back, down to what there is.
  const Quantity after = storage_of(now.spec().resources().requests());
  if (after < storage_of(old.spec().resources().requests()) && after <= storage_of(old.status().capacity())) {
    errors.forbidden(path.member("resources").member("requests").member("storage"), "field can not be less than status.capacity");
  }
  if (now.spec().has_volume_mode() != old.spec().has_volume_mode() || now.spec().volume_mode() != old.spec().volume_mode()) {
    errors.invalid(Path("volumeMode"), now.spec().has_volume_mode() ? quote(now.spec().volume_mode()) : "null", kImmutable);
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
