// flowcontrol.apiserver.k8s.io/v1 FlowSchema and PriorityLevelConfiguration.
#include "api/defaults/defaults.h"

namespace ph::api {

using namespace flowcontrol::v1;

void set_defaults(FlowSchema& object) {
  if (object.spec().matching_precedence() == 0) object.mutable_spec()->set_matching_precedence(1000);
}

void set_defaults(PriorityLevelConfiguration& object) {
  PriorityLevelConfigurationSpec& spec = *object.mutable_spec();
  if (spec.has_exempt()) {
    if (!spec.exempt().has_nominal_concurrency_shares()) spec.mutable_exempt()->set_nominal_concurrency_shares(0);
    if (!spec.exempt().has_lendable_percent()) spec.mutable_exempt()->set_lendable_percent(0);
  }
  if (!spec.has_limited()) return;
  LimitedPriorityLevelConfiguration& limited = *spec.mutable_limited();
  if (!limited.has_nominal_concurrency_shares()) limited.set_nominal_concurrency_shares(30);
  if (!limited.has_lendable_percent()) limited.set_lendable_percent(0);
  if (!limited.limit_response().has_queuing()) return;
  QueuingConfiguration& queuing = *limited.mutable_limit_response()->mutable_queuing();
  if (queuing.queues() == 0) queuing.set_queues(64);
  if (queuing.hand_size() == 0) queuing.set_hand_size(8);
  if (queuing.queue_length_limit() == 0) queuing.set_queue_length_limit(50);
}

}  // namespace ph::api
