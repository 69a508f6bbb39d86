#include "controllers/replication_controller/convert.h"

namespace ph::controllers::replication_controller {
namespace {

// The conditions of both kinds have the same members.
template <class To, class From>
void copy_conditions(To& to, const From& from) {
  to.clear_conditions();
  for (const auto& condition : from.conditions()) {
    auto& out = *to.add_conditions();
    out.set_type(condition.type());
    out.set_status(condition.status());
    if (condition.has_last_transition_time()) *out.mutable_last_transition_time() = condition.last_transition_time();
    out.set_reason(condition.reason());
    out.set_message(condition.message());
  }
}

template <class To, class From>
void copy_status(To& to, const From& from) {
  to.set_replicas(from.replicas());
  to.set_fully_labeled_replicas(from.fully_labeled_replicas());
  to.set_ready_replicas(from.ready_replicas());
  to.set_available_replicas(from.available_replicas());
  to.set_observed_generation(from.observed_generation());
  copy_conditions(to, from);
}

}  // namespace

apps::v1::ReplicaSet as_set(const core::v1::ReplicationController& controller) {
  apps::v1::ReplicaSet set;
  *set.mutable_metadata() = controller.metadata();
  const core::v1::ReplicationControllerSpec& from = controller.spec();
  apps::v1::ReplicaSetSpec& spec = *set.mutable_spec();
  if (from.has_replicas()) spec.set_replicas(from.replicas());
  spec.set_min_ready_seconds(from.min_ready_seconds());
  *spec.mutable_selector()->mutable_match_labels() = from.selector();
  if (from.has_template_()) *spec.mutable_template_() = from.template_();
  copy_status(*set.mutable_status(), controller.status());
  return set;
}

core::v1::ReplicationControllerStatus status(const apps::v1::ReplicaSetStatus& status) {
  core::v1::ReplicationControllerStatus out;
  copy_status(out, status);
  return out;
}

}  // namespace ph::controllers::replication_controller
