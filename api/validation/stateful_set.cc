// apps/v1 StatefulSet.
#include "api/validation/workloads.h"

namespace ph::api {

using namespace apps::v1;

namespace {

void check_strategy(const StatefulSetUpdateStrategy& strategy, const Path& path, Errors& errors) {
  if (strategy.type().empty()) {
    errors.required(path);
  } else if (strategy.type() == "OnDelete") {
    if (strategy.has_rolling_update()) {
      errors.invalid_message(path.member("rollingUpdate"), strategy.rolling_update(),
                             "only allowed for updateStrategy 'RollingUpdate'");
    }
  } else if (strategy.type() == "RollingUpdate") {
    if (!strategy.has_rolling_update()) return;
    const Path rolling = path.member("rollingUpdate");
    check_nonnegative(strategy.rolling_update().partition(), rolling.member("partition"), errors);
    if (!strategy.rolling_update().has_max_unavailable()) return;
    const auto& unavailable = strategy.rolling_update().max_unavailable();
    check_nonnegative_int_or_percent(unavailable, rolling.member("maxUnavailable"), errors);
    if (is_zero_amount(unavailable)) errors.invalid(rolling.member("maxUnavailable"), json_of(unavailable), "cannot be 0");
    check_at_most_100_percent(unavailable, rolling.member("maxUnavailable"), errors);
  } else {
    errors.invalid_message(path, strategy, "must be 'RollingUpdate' or 'OnDelete'");
  }
}

void check_spec(const StatefulSetSpec& spec, const Path& path, Errors& errors) {
  const std::string& management = spec.pod_management_policy();
  if (management.empty()) {
    errors.required(path.member("podManagementPolicy"));
  } else if (management != "OrderedReady" && management != "Parallel") {
    errors.invalid_text(path.member("podManagementPolicy"), management, "must be 'OrderedReady' or 'Parallel'");
  }
  check_strategy(spec.update_strategy(), path.member("updateStrategy"), errors);
  const auto& retention = spec.persistent_volume_claim_retention_policy();
  const Path at = path.member("persistentVolumeClaimRetentionPolicy");
  check_one_of(retention.when_deleted(), {"Delete", "Retain"}, at.member("whenDeleted"), errors);
  check_one_of(retention.when_scaled(), {"Delete", "Retain"}, at.member("whenScaled"), errors);
  check_nonnegative(spec.replicas(), path.member("replicas"), errors);
  check_nonnegative(spec.min_ready_seconds(), path.member("minReadySeconds"), errors);
  if (spec.has_ordinals()) check_nonnegative(spec.ordinals().start(), path.member("ordinals.start"), errors);
  const auto selector =
      check_own_selector(spec.has_selector() ? &spec.selector() : nullptr, "statefulset", path.member("selector"), errors);
  if (selector) check_selected_template(spec.template_(), *selector, "StatefulSet", path.member("template"), errors);
}

// The spec without what may change.
StatefulSetSpec fixed_part(StatefulSetSpec spec) {
  spec.clear_replicas();
  spec.clear_template_();
  spec.clear_update_strategy();
  spec.clear_min_ready_seconds();
  spec.clear_ordinals();
  spec.clear_revision_history_limit();
  spec.clear_persistent_volume_claim_retention_policy();
  return spec;
}

}  // namespace

void validate(const StatefulSet& object, Errors& errors) { check_spec(object.spec(), Path("spec"), errors); }

void validate_update(const StatefulSet& now, const StatefulSet& old, Errors& errors) {
  check_spec(now.spec(), Path("spec"), errors);
  if (same(fixed_part(now.spec()), fixed_part(old.spec()))) return;
  errors.forbidden(Path("spec"),
                   "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                   "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
}

void validate_status(const StatefulSet& now, const StatefulSet& old, Errors& errors) {
  const StatefulSetStatus& status = now.status();
  const Path path("status");
  const auto count = [&](std::int64_t value, const char* member) { check_nonnegative(value, path.member(member), errors); };
  const auto among = [&](std::int64_t value, const char* member) {
    check_at_most(value, status.replicas(), "cannot be greater than status.replicas", path.member(member), errors);
  };
  count(status.replicas(), "replicas");
  count(status.ready_replicas(), "readyReplicas");
  count(status.current_replicas(), "currentReplicas");
  count(status.updated_replicas(), "updatedReplicas");
  count(status.available_replicas(), "availableReplicas");
  count(status.observed_generation(), "observedGeneration");
  if (status.has_collision_count()) count(status.collision_count(), "collisionCount");
  among(status.ready_replicas(), "readyReplicas");
  among(status.current_replicas(), "currentReplicas");
  among(status.updated_replicas(), "updatedReplicas");
  among(status.available_replicas(), "availableReplicas");
  check_at_most(status.available_replicas(), status.ready_replicas(), "cannot be greater than status.readyReplicas",
                path.member("availableReplicas"), errors);
  if (old.status().has_collision_count() && status.collision_count() < old.status().collision_count()) {
    errors.invalid(path.member("collisionCount"), status.collision_count(), "cannot be decremented");
  }
}

}  // namespace ph::api
