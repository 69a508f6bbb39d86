// apps/v1 Deployment.
#include "api/internal_form.h"
#include "api/validation/workloads.h"

namespace ph::api {

using namespace apps::v1;

namespace {

void check_rolling(const RollingUpdateDeployment& rolling, const Path& path, Errors& errors) {
  const Path unavailable = path.member("maxUnavailable");
  check_nonnegative_int_or_percent(rolling.max_unavailable(), unavailable, errors);
  check_nonnegative_int_or_percent(rolling.max_surge(), path.member("maxSurge"), errors);
  if (is_zero_amount(rolling.max_unavailable()) && is_zero_amount(rolling.max_surge())) {
    errors.invalid(unavailable, json_of(rolling.max_unavailable()), "may not be 0 when `maxSurge` is 0");
  }
  check_at_most_100_percent(rolling.max_unavailable(), unavailable, errors);
}

void check_strategy(const DeploymentStrategy& strategy, const Path& path, Errors& errors) {
  if (strategy.type() == "Recreate") {
    if (strategy.has_rolling_update()) {
      errors.forbidden(path.member("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (strategy.type() == "RollingUpdate") {
    // Defaulting has made it, unless the request cleared it.
    if (!strategy.has_rolling_update()) {
      errors.required(path.member("rollingUpdate"), "this should be defaulted and never be nil");
    } else {
      check_rolling(strategy.rolling_update(), path.member("rollingUpdate"), errors);
    }
  } else {
    errors.not_supported_json(path, internal_json(strategy), {"Recreate", "RollingUpdate"});
  }
}

void check_spec(const DeploymentSpec& spec, const Path& path, Errors& errors) {
  check_nonnegative(spec.replicas(), path.member("replicas"), errors);
  const auto selector =
      check_own_selector(selector_of(spec), "deployment", "invalid label selector", path.member("selector"), errors);
  if (selector) check_selected_template(spec.template_(), *selector, "ReplicaSet", path.member("template"), errors);
  check_strategy(spec.strategy(), path.member("strategy"), errors);
  check_nonnegative(spec.min_ready_seconds(), path.member("minReadySeconds"), errors);
  if (spec.has_revision_history_limit())
    check_nonnegative(spec.revision_history_limit(), path.member("revisionHistoryLimit"), errors);
  if (!spec.has_progress_deadline_seconds()) return;
  check_nonnegative(spec.progress_deadline_seconds(), path.member("progressDeadlineSeconds"), errors);
  if (spec.progress_deadline_seconds() <= spec.min_ready_seconds()) {
    errors.invalid(path.member("progressDeadlineSeconds"), spec.progress_deadline_seconds(),
                   "must be greater than minReadySeconds");
  }
}

}  // namespace

void validate(const Deployment& deployment, Errors& errors) { check_spec(deployment.spec(), Path("spec"), errors); }

void validate_update(const Deployment& now, const Deployment& old, Errors& errors) {
  check_spec(now.spec(), Path("spec"), errors);
  check_selector_kept(selector_of(now.spec()), selector_of(old.spec()), Path("spec").member("selector"), errors);
}

void validate_status(const Deployment& now, const Deployment& old, Errors& errors) {
  const DeploymentStatus& status = now.status();
  const Path path("status");
  check_nonnegative(status.observed_generation(), path.member("observedGeneration"), errors);
  check_nonnegative(status.replicas(), path.member("replicas"), errors);
  check_nonnegative(status.updated_replicas(), path.member("updatedReplicas"), errors);
  check_nonnegative(status.ready_replicas(), path.member("readyReplicas"), errors);
  check_nonnegative(status.available_replicas(), path.member("availableReplicas"), errors);
  check_nonnegative(status.unavailable_replicas(), path.member("unavailableReplicas"), errors);
  if (status.has_terminating_replicas())
    check_nonnegative(status.terminating_replicas(), path.member("terminatingReplicas"), errors);
  if (status.has_collision_count()) {
    check_nonnegative(status.collision_count(), path.member("collisionCount"), errors);
  }
  check_at_most(status.updated_replicas(), status.replicas(), "cannot be greater than status.replicas",
                path.member("updatedReplicas"), errors);
  check_at_most(status.ready_replicas(), status.replicas(), "cannot be greater than status.replicas",
                path.member("readyReplicas"), errors);
  check_at_most(status.available_replicas(), status.replicas(), "cannot be greater than status.replicas",
                path.member("availableReplicas"), errors);
  check_at_most(status.available_replicas(), status.ready_replicas(), "cannot be greater than readyReplicas",
                path.member("availableReplicas"), errors);
  if (old.status().has_collision_count() && status.collision_count() < old.status().collision_count()) {
    errors.invalid(path.member("collisionCount"), status.collision_count(), "cannot be decremented");
  }
}

}  // namespace ph::api
