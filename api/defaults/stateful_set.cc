// apps/v1 StatefulSet.
#include "api/defaults/defaults.h"

namespace ph::api {

using namespace apps::v1;

void set_defaults(core::v1::PersistentVolumeClaim& claim);

namespace {

void default_strategy(StatefulSetUpdateStrategy& strategy) {
  if (strategy.type().empty()) {
    strategy.set_type("RollingUpdate");
    strategy.mutable_rolling_update();
  }
  if (strategy.type() != "RollingUpdate" || !strategy.has_rolling_update()) return;
  if (!strategy.rolling_update().has_partition()) strategy.mutable_rolling_update()->set_partition(0);
}

}  // namespace

void set_defaults(StatefulSet& object) {
  StatefulSetSpec& spec = *object.mutable_spec();
  if (spec.pod_management_policy().empty()) spec.set_pod_management_policy("OrderedReady");
  default_strategy(*spec.mutable_update_strategy());
  auto& retention = *spec.mutable_persistent_volume_claim_retention_policy();
  if (retention.when_deleted().empty()) retention.set_when_deleted("Retain");
  if (retention.when_scaled().empty()) retention.set_when_scaled("Retain");
  if (!spec.has_replicas()) spec.set_replicas(1);
  if (!spec.has_revision_history_limit()) spec.set_revision_history_limit(10);
  for (core::v1::PersistentVolumeClaim& claim : *spec.mutable_volume_claim_templates()) set_defaults(claim);
  default_pod_spec(*spec.mutable_template_()->mutable_spec());
}

}  // namespace ph::api
