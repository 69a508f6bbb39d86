// apps/v1 StatefulSet.
#include "api/validation/pod_parts.h"
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

// The template as its pods will have it: with a volume for each claim, before and instead of its own of that name.
core::v1::PodTemplateSpec with_claims(const StatefulSetSpec& spec) {
  core::v1::PodTemplateSpec out = spec.template_();
  std::set<std::string_view> claimed;
  auto& volumes = *out.mutable_spec()->mutable_volumes();
  volumes.Clear();
  for (const auto& claim : spec.volume_claim_templates()) {
    claimed.insert(claim.metadata().name());
    core::v1::Volume& volume = *volumes.Add();
    volume.set_name(claim.metadata().name());
    volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(claim.metadata().name());
  }
  for (const auto& volume : spec.template_().spec().volumes()) {
    if (!claimed.contains(volume.name())) *volumes.Add() = volume;
  }
  return out;
}

void check_template(const StatefulSetSpec& spec, const LabelSelector& selector, const Path& path, Errors& errors) {
  if (spec.volume_claim_templates().empty()) {
    check_selected_template(spec.template_(), selector, "StatefulSet", path, errors);
  } else {
    check_selected_template(with_claims(spec), selector, "StatefulSet", path, errors);
  }
  // Once more.
  const auto& metadata = spec.template_().metadata();
  check_labels(metadata.labels(), path.member("labels"), errors);
  check_annotations(metadata.annotations(), path.member("annotations"), errors);
  check_pod_annotations(metadata.annotations(), spec.template_().spec(), path.member("annotations"), errors);
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
  check_one_of(retention.when_deleted(), {"Retain", "Delete"}, at.member("whenDeleted"), errors);
  check_one_of(retention.when_scaled(), {"Retain", "Delete"}, at.member("whenScaled"), errors);
  check_nonnegative(spec.replicas(), path.member("replicas"), errors);
  check_nonnegative(spec.min_ready_seconds(), path.member("minReadySeconds"), errors);
  if (spec.has_ordinals()) check_nonnegative(spec.ordinals().start(), path.member("ordinals.start"), errors);
  const auto selector = check_own_selector(selector_of(spec), "statefulset", {}, path.member("selector"), errors);
  if (selector) check_template(spec, *selector, path.member("template"), errors);
}

// What a set has from the beginning.
void check_fixed(const StatefulSetSpec& spec, const Path& path, Errors& errors) {
  if (!spec.service_name().empty()) check_label(spec.service_name(), path.member("serviceName"), errors);
  for (int i = 0; i < spec.volume_claim_templates_size(); ++i)
    check_claim_spec(spec.volume_claim_templates(i).spec(), path.member("volumeClaimTemplates").index(i).member("spec"), errors);
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

void validate(const StatefulSet& object, Errors& errors) {
  check_fixed(object.spec(), Path("spec"), errors);
  check_spec(object.spec(), Path("spec"), errors);
}

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
