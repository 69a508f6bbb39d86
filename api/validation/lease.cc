// coordination.k8s.io/v1 Lease.
#include "api/validation/validation.h"

namespace ph::api {

using coordination::v1::Lease;

void validate(const Lease& lease, Errors& errors) {
  const auto& spec = lease.spec();
  const Path path("spec");
  if (spec.has_lease_duration_seconds() && spec.lease_duration_seconds() <= 0) {
    errors.invalid(path.member("leaseDurationSeconds"), spec.lease_duration_seconds(), "must be greater than 0");
  }
  check_nonnegative(spec.lease_transitions(), path.member("leaseTransitions"), errors);
  if (spec.strategy().find('/') != std::string::npos) {
    check_qualified(spec.strategy(), path.member("strategy"), errors);  // somebody's own
  } else if (spec.has_strategy()) {
    check_one_of(spec.strategy(), {"OldestEmulationVersion"}, path.member("strategy"), errors);
  }
  if (!spec.preferred_holder().empty() && spec.strategy().empty()) {
    errors.forbidden(path.member("preferredHolder"), "may only be specified when `strategy` is defined");
  }
}

void validate_update(const Lease& now, const Lease&, Errors& errors) { validate(now, errors); }

}  // namespace ph::api
