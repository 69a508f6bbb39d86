// resource.k8s.io/v1 ResourceClaim, ResourceClaimTemplate and DeviceClass. The status of a claim: resource_claim_status.cc.
#include <fmt/format.h>

#include "api/validation/device_parts.h"

namespace ph::api {

using namespace resources::v1;

namespace {

constexpr std::size_t kAlternativesMax = 8, kConstraintsMax = 32;
constexpr std::string_view kExactlyOne = "exactly one of `exactly` or `firstAvailable` is required";

void check_count(std::string_view mode, std::int64_t count, const Path& path, Errors& errors) {
  if (mode == "All") {
    if (count != 0) errors.invalid(path.member("count"), count, "must not be specified when allocationMode is 'All'");
  } else if (mode == "ExactCount") {
    if (count <= 0) errors.invalid(path.member("count"), count, "must be greater than zero");
  } else {
    errors.not_supported(path.member("allocationMode"), mode, {"All", "ExactCount"});
  }
}

void check_capacity(const CapacityRequirements& capacity, const Path& path, Errors& errors) {
  const Path requests = path.member("requests");
  for (const auto* entry : sorted(capacity.requests())) check_device_key(entry->first, requests, errors);
}

// Of a request and of each alternative of one.
template <class Request>
void check_wish(const Request& request, const Path& path, Errors& errors) {
  if (request.device_class_name().empty()) errors.required(path.member("deviceClassName"));
  else check_subdomain(request.device_class_name(), path.member("deviceClassName"), errors);
  check_device_selectors(request.selectors(), path.member("selectors"), errors);
  check_count(request.allocation_mode(), request.count(), path, errors);
  check_device_tolerations(request.tolerations(), path.member("tolerations"), errors);
  if (request.has_capacity()) check_capacity(request.capacity(), path.member("capacity"), errors);
}

void check_request(const DeviceRequest& request, const Path& path, Errors& errors) {
  check_label(request.name(), path.member("name"), errors);
  const bool has_alternatives = !request.first_available().empty();
  if (request.has_exactly() && has_alternatives) {
    return errors.invalid(path, "null", fmt::format("{}, but multiple fields are set", kExactlyOne));
  }
  if (request.has_exactly()) return check_wish(request.exactly(), path.member("exactly"), errors);
  if (!has_alternatives) return errors.required(path, kExactlyOne);
  check_set(
      request.first_available(), kAlternativesMax, path.member("firstAvailable"), errors,
      [](const DeviceSubRequest& alternative) -> std::string_view { return alternative.name(); },
      [&](const DeviceSubRequest& alternative, const Path& here) {
        check_label(alternative.name(), here.member("name"), errors);
        check_wish(alternative, here, errors);
      });
}

void check_constraint(const DeviceConstraint& constraint, const RequestNames& names, const Path& path, Errors& errors) {
  check_request_references(constraint.requests(), names, path.member("requests"), errors);
  if (constraint.has_match_attribute()) {
    check_full_device_key(constraint.match_attribute(), path.member("matchAttribute"), errors);
  } else if (constraint.has_distinct_attribute()) {
    check_full_device_key(constraint.distinct_attribute(), path.member("distinctAttribute"), errors);
  } else {
    errors.required(path, R"(exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set)");
  }
}

}  // namespace

void check_device_claim(const DeviceClaim& claim, const Path& path, Errors& errors) {
  check_set(
      claim.requests(), kDeviceRequestsMax, path.member("requests"), errors,
      [](const DeviceRequest& request) -> std::string_view { return request.name(); },
      [&](const DeviceRequest& request, const Path& here) { check_request(request, here, errors); });
  const RequestNames names = request_names(claim);
  check_items(claim.constraints(), kConstraintsMax, path.member("constraints"), errors,
              [&](const DeviceConstraint& one, const Path& here) { check_constraint(one, names, here, errors); });
  check_items(claim.config(), kDeviceConfigMax, path.member("config"), errors,
              [&](const DeviceClaimConfiguration& one, const Path& here) {
                check_request_references(one.requests(), names, here.member("requests"), errors);
                check_device_configuration(one.device_configuration(), here, errors);
              });
}

void validate(const ResourceClaim& claim, Errors& errors) {
  check_device_claim(claim.spec().devices(), Path("spec").member("devices"), errors);
}

void validate_update(const ResourceClaim& now, const ResourceClaim& old, Errors& errors) {
  check_immutable(now.spec(), old.spec(), Path("spec"), errors);
}

void validate(const ResourceClaimTemplate& object, Errors& errors) {
  const Path path("spec");
  check_template_metadata(object.spec().metadata(), path.member("metadata"), errors);
  check_device_claim(object.spec().spec().devices(), path.member("spec").member("devices"), errors);
}

void validate_update(const ResourceClaimTemplate& now, const ResourceClaimTemplate& old, Errors& errors) {
  validate(now, errors);
  check_immutable(now.spec(), old.spec(), Path("spec"), errors);
}

void validate(const DeviceClass& object, Errors& errors) {
  const DeviceClassSpec& spec = object.spec();
  const Path path("spec");
  check_device_selectors(spec.selectors(), path.member("selectors"), errors);
  check_items(spec.config(), kDeviceConfigMax, path.member("config"), errors,
              [&](const DeviceClassConfiguration& one, const Path& here) {
                check_device_configuration(one.device_configuration(), here, errors);
              });
  if (spec.has_extended_resource_name() && !is_extended_resource(spec.extended_resource_name())) {
    errors.invalid_text(path.member("extendedResourceName"), spec.extended_resource_name(),
                        "must be a valid extended resource name");
  }
}

void validate_update(const DeviceClass& now, const DeviceClass&, Errors& errors) { validate(now, errors); }

}  // namespace ph::api
