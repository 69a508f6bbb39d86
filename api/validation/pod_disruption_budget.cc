// policy/v1 PodDisruptionBudget.
#include "api/validation/validation.h"

namespace ph::api {

using policy::v1::PodDisruptionBudget;

void validate(const PodDisruptionBudget& budget, Errors& errors) {
  const auto& spec = budget.spec();
  const Path path("spec");
  if (spec.has_min_available() && spec.has_max_unavailable()) {
    errors.invalid_message(path, spec, "minAvailable and maxUnavailable cannot be both set");
  }
  if (spec.has_min_available()) {
    check_nonnegative_int_or_percent(spec.min_available(), path.member("minAvailable"), errors);
    check_at_most_100_percent(spec.min_available(), path.member("minAvailable"), errors);
  }
  if (spec.has_max_unavailable()) {
    check_nonnegative_int_or_percent(spec.max_unavailable(), path.member("maxUnavailable"), errors);
    check_at_most_100_percent(spec.max_unavailable(), path.member("maxUnavailable"), errors);
  }
  if (spec.has_selector()) check_label_selector(spec.selector(), path.member("selector"), errors);
  if (spec.has_unhealthy_pod_eviction_policy()) {
    check_one_of(spec.unhealthy_pod_eviction_policy(), {"AlwaysAllow", "IfHealthyBudget"},
                 path.member("unhealthyPodEvictionPolicy"), errors);
  }
}

void validate_update(const PodDisruptionBudget& now, const PodDisruptionBudget&, Errors& errors) { validate(now, errors); }

void validate_status(const PodDisruptionBudget& now, const PodDisruptionBudget&, Errors& errors) {
  const Path path("status");
  check_nonnegative(now.status().disruptions_allowed(), path.member("disruptionsAllowed"), errors);
  check_nonnegative(now.status().current_healthy(), path.member("currentHealthy"), errors);
  check_nonnegative(now.status().desired_healthy(), path.member("desiredHealthy"), errors);
  check_nonnegative(now.status().expected_pods(), path.member("expectedPods"), errors);
}

}  // namespace ph::api
