// apps/v1 ReplicaSet.
#include "api/validation/workloads.h"

namespace ph::api {

using apps::v1::ReplicaSet, apps::v1::ReplicaSetSpec;

static void check_spec(const ReplicaSetSpec& spec, const Path& path, Errors& errors) {
  check_nonnegative(spec.replicas(), path.member("replicas"), errors);
  check_nonnegative(spec.min_ready_seconds(), path.member("minReadySeconds"), errors);
  // The message names deployments upstream, too.
  const auto selector =
      check_own_selector(selector_of(spec), "deployment", "invalid label selector", path.member("selector"), errors);
  if (selector) check_selected_template(spec.template_(), *selector, "ReplicaSet", path.member("template"), errors);
}

void validate(const ReplicaSet& object, Errors& errors) { check_spec(object.spec(), Path("spec"), errors); }

void validate_update(const ReplicaSet& now, const ReplicaSet& old, Errors& errors) {
  check_spec(now.spec(), Path("spec"), errors);
  check_selector_kept(selector_of(now.spec()), selector_of(old.spec()), Path("spec").member("selector"), errors);
}

void validate_status(const ReplicaSet& now, const ReplicaSet&, Errors& errors) { check_replica_counts(now.status(), errors); }

}  // namespace ph::api
