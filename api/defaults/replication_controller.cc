// v1 ReplicationController.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(core::v1::ReplicationController& object) {
  core::v1::ReplicationControllerSpec& spec = *object.mutable_spec();
  if (!spec.has_replicas()) spec.set_replicas(1);
  if (!spec.has_template_()) return;
  const auto& labels = spec.template_().metadata().labels();
  if (spec.selector().empty()) *spec.mutable_selector() = labels;
  if (object.metadata().labels().empty() && !labels.empty()) *object.mutable_metadata()->mutable_labels() = labels;
  default_pod_spec(*spec.mutable_template_()->mutable_spec());
}

}  // namespace ph::api
