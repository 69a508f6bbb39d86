// v1 Binding, autoscaling/v1 Scale, authentication.k8s.io/v1 TokenRequest: what sub-resources are sent.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

void validate(const core::v1::Binding& binding, Errors& errors) {
  if (!binding.target().kind().empty() && binding.target().kind() != "Node") {
    errors.not_supported(Path("target").member("kind"), binding.target().kind(), {"Node", "<empty>"});
  }
  if (binding.target().name().empty()) errors.required(Path("target").member("name"));
}
void validate_update(const core::v1::Binding& now, const core::v1::Binding&, Errors& errors) { validate(now, errors); }

void validate(const autoscaling::v1::Scale& scale, Errors& errors) {
  check_nonnegative(scale.spec().replicas(), Path("spec").member("replicas"), errors);
}
void validate_update(const autoscaling::v1::Scale& now, const autoscaling::v1::Scale&, Errors& errors) { validate(now, errors); }

void validate(const authentication::v1::TokenRequest& request, Errors& errors) {
  const std::int64_t seconds = request.spec().expiration_seconds();
  const Path path = Path("spec").member("expirationSeconds");
  if (seconds < 600) errors.invalid(path, seconds, "may not specify a duration less than 10 minutes");
  if (seconds > (std::int64_t{1} << 32)) errors.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds");
}
void validate_update(const authentication::v1::TokenRequest& now, const authentication::v1::TokenRequest&, Errors& errors) {
  validate(now, errors);
}

}  // namespace ph::api
