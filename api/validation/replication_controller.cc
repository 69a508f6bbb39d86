// v1 ReplicationController.
#include "api/validation/workloads.h"

namespace ph::api {

using core::v1::ReplicationController, core::v1::ReplicationControllerSpec;

static void check_spec(const ReplicationControllerSpec& spec, const Path& path, Errors& errors) {
  check_nonnegative(spec.min_ready_seconds(), path.member("minReadySeconds"), errors);
  if (spec.selector().empty()) errors.required(path.member("selector"));
  check_nonnegative(spec.replicas(), path.member("replicas"), errors);
  if (!spec.has_template_()) return errors.required(path.member("template"));
  check_selected_template(spec.template_(), LabelSelector::from_map(spec.selector()), "ReplicationController",
                          path.member("template"), errors);
}

void validate(const ReplicationController& object, Errors& errors) { check_spec(object.spec(), Path("spec"), errors); }
void validate_update(const ReplicationController& now, const ReplicationController&, Errors& errors) { validate(now, errors); }

void validate_status(const ReplicationController& now, const ReplicationController&, Errors& errors) {
  check_replica_counts(now.status(), errors);
}

}  // namespace ph::api
