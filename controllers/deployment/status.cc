// The status of a Deployment: counts, and the conditions Available, Progressing and ReplicaFailure.
#include <algorithm>

#include <fmt/format.h>

#include "api/saturating.h"
#include "api/times.h"
#include "controllers/common/conditions.h"
#include "controllers/deployment/plan.h"

namespace ph::controllers::deployment {
namespace {

using apps::v1::DeploymentCondition;
using apps::v1::DeploymentStatus;

bool has_deadline(const Deployment& deployment) {
  return deployment.spec().has_progress_deadline_seconds() &&
         deployment.spec().progress_deadline_seconds() != std::numeric_limits<std::int32_t>::max();
}

Duration deadline(const Deployment& deployment) { return std::chrono::seconds(deployment.spec().progress_deadline_seconds()); }

DeploymentCondition condition(std::string type, std::string status, std::string reason, std::string message, Time now) {
  DeploymentCondition out;
  out.set_type(std::move(type));
  out.set_status(std::move(status));
  out.set_reason(std::move(reason));
  out.set_message(std::move(message));
  *out.mutable_last_update_time() = api::make_time(now);
  *out.mutable_last_transition_time() = api::make_time(now);
  return out;
}

// Pausing stops the clock of the progress deadline, resuming starts it anew.
void note_pause(const Deployment& deployment, DeploymentStatus& status, Time now) {
  if (!has_deadline(deployment)) return;
  const DeploymentCondition* progress = find_condition(status, "Progressing");
  if (progress && progress->reason() == "ProgressDeadlineExceeded") return;
  const bool told = progress && progress->reason() == "DeploymentPaused";
  if (deployment.spec().paused() && !told) {
    set_condition(status, condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now));
  } else if (!deployment.spec().paused() && told) {
    set_condition(status, condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now));
  }
}

void note_new_set(const Observed& observed, const Plan& plan, const Done& done, DeploymentStatus& status) {
  if (!has_deadline(observed.deployment) || !plan.new_set) return;
  const std::string& name = plan.new_set->metadata().name();
  if (done.create_failure) {
    set_condition(status, condition("Progressing", "False", "ReplicaSetCreateError", *done.create_failure, observed.now));
  } else if (done.created) {
    const std::string message = fmt::format("Created new replica set \"{}\"", name);
    set_condition(status, condition("Progressing", "True", "NewReplicaSetCreated", message, observed.now));
  } else if (!find_condition(status, "Progressing")) {
    const std::string message = fmt::format("Found new replica set \"{}\"", name);
    set_condition(status, condition("Progressing", "True", "FoundNewReplicaSet", message, observed.now));
  }
}

// Nothing until every set has counted its own.
std::optional<int> total_terminating(const Sets& sets) {
  int out = 0;
  for (const Ref<ReplicaSet>& each : sets) {
    if (!each->status().has_terminating_replicas()) return std::nullopt;
    out += each->status().terminating_replicas();
  }
  return out;
}

void count(const Observed& observed, const Plan& plan, DeploymentStatus& status) {
  const Deployment& deployment = observed.deployment;
  const Sets sets = plan.all_sets();
  int ready = 0;
  for (const Ref<ReplicaSet>& each : sets) ready += each->status().ready_replicas();
  const int available = total_available(sets);
  status.set_observed_generation(deployment.metadata().generation());
  status.set_replicas(total_actual(sets));
  status.set_updated_replicas(plan.new_set ? plan.new_set->status().replicas() : 0);
  status.set_ready_replicas(ready);
  status.set_available_replicas(available);
  status.set_unavailable_replicas(std::max(0, total_wanted(sets) - available));
  status.clear_terminating_replicas();
  if (const auto terminating = total_terminating(sets)) status.set_terminating_replicas(*terminating);
  if (available >= wanted(deployment) - max_unavailable(deployment)) {
    set_condition(
        status, condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", observed.now));
  } else {
    set_condition(status, condition("Available", "False", "MinimumReplicasUnavailable",
                                    "Deployment does not have minimum availability.", observed.now));
  }
}

bool has_progressed(const DeploymentStatus& before, const DeploymentStatus& after) {
  return after.updated_replicas() > before.updated_replicas() ||
         after.replicas() - after.updated_replicas() < before.replicas() - before.updated_replicas() ||
         after.ready_replicas() > before.ready_replicas() || after.available_replicas() > before.available_replicas();
}

bool has_timed_out(const Deployment& deployment, const DeploymentStatus& status, Time now) {
  const DeploymentCondition* progress = find_condition(status, "Progressing");
  if (!progress || progress->reason() == "NewReplicaSetAvailable") return false;
  if (progress->reason() == "ProgressDeadlineExceeded") return true;
  return api::later(api::to_time(progress->last_update_time()), deadline(deployment)) < now;
}

void tell_progress(const Observed& observed, const Plan& plan, DeploymentStatus& status) {
  const Deployment& deployment = observed.deployment;
  const Time now = observed.now;
  if (!has_deadline(deployment)) return drop_condition(status, "Progressing");
  const DeploymentCondition* found = find_condition(status, "Progressing");
  const std::optional<DeploymentCondition> current = found ? std::optional(*found) : std::nullopt;
  if (status.replicas() == status.updated_replicas() && current && current->reason() == "NewReplicaSetAvailable") return;

  const std::string subject = plan.new_set ? fmt::format("ReplicaSet \"{}\"", plan.new_set->metadata().name())
                                           : fmt::format("Deployment \"{}\"", deployment.metadata().name());
  if (is_complete(deployment, status)) {
    set_condition(status,
                  condition("Progressing", "True", "NewReplicaSetAvailable", subject + " has successfully progressed.", now));
  } else if (has_progressed(deployment.status(), status)) {
    DeploymentCondition fresh = condition("Progressing", "True", "ReplicaSetUpdated", subject + " is progressing.", now);
    if (current && current->status() == "True") *fresh.mutable_last_transition_time() = current->last_transition_time();
    // Its update time moves with every step: the deadline counts from there.
    drop_condition(status, "Progressing");
    set_condition(status, std::move(fresh));
  } else if (has_timed_out(deployment, status, now)) {
    set_condition(status,
                  condition("Progressing", "False", "ProgressDeadlineExceeded", subject + " has timed out progressing.", now));
  }
}

// The new set's failure, or else any.
const apps::v1::ReplicaSetCondition* failure_of(const Plan& plan) {
  const auto of = [](const ReplicaSet& each) { return find_condition(each.status(), "ReplicaFailure"); };
  if (plan.new_set && of(*plan.new_set)) return of(*plan.new_set);
  for (const Ref<ReplicaSet>& each : plan.old_sets) {
    if (const auto* found = of(*each)) return found;
  }
  return nullptr;
}

void tell_failure(const Plan& plan, DeploymentStatus& status) {
  const apps::v1::ReplicaSetCondition* failure = failure_of(plan);
  if (!failure) return drop_condition(status, "ReplicaFailure");
  DeploymentCondition fresh;
  fresh.set_type("ReplicaFailure");
  fresh.set_status(failure->status());
  *fresh.mutable_last_transition_time() = failure->last_transition_time();
  *fresh.mutable_last_update_time() = failure->last_transition_time();
  fresh.set_reason(failure->reason());
  fresh.set_message(failure->message());
  set_condition(status, std::move(fresh));
}

}  // namespace

DeploymentStatus status_of(const Observed& observed, const Plan& plan, const Done& done) {
  DeploymentStatus status = observed.deployment.status();
  if (plan.selects_all) {
    status.set_observed_generation(observed.deployment.metadata().generation());
    return status;
  }
  const bool deleting = observed.deployment.metadata().has_deletion_timestamp();
  if (!deleting) note_pause(observed.deployment, status, observed.now);
  note_new_set(observed, plan, done, status);
  // Nothing else is known of a set that could not be made.
  if (done.create_failure) return status;
  count(observed, plan, status);
  if (plan.rolls_out) {
    tell_progress(observed, plan, status);
    tell_failure(plan, status);
  }
  return status;
}

bool is_complete(const Deployment& deployment, const DeploymentStatus& status) {
  const int all = wanted(deployment);
  return status.updated_replicas() == all && status.replicas() == all && status.available_replicas() == all &&
         status.observed_generation() >= deployment.metadata().generation();
}

std::optional<Time> next_deadline(const Deployment& deployment, const DeploymentStatus& status, Time now) {
  const DeploymentCondition* progress = find_condition(status, "Progressing");
  if (!has_deadline(deployment) || !progress || deployment.spec().paused()) return std::nullopt;
  if (is_complete(deployment, status) || progress->reason() == "ProgressDeadlineExceeded") return std::nullopt;
  // Times are whole seconds: one more makes sure that it has passed.
  return api::later(std::max(now, api::later(api::to_time(progress->last_update_time()), deadline(deployment))), 1s);
}

}  // namespace ph::controllers::deployment
