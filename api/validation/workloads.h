// What the kinds that run pods share: selectors, counts in their status.
#pragma once

#include "api/validation/validation.h"

namespace ph::api {

// The selector of a workload, null where none is given: it must be there, valid and not empty. `unusable`: what is said of one that
// selects by no rule. Nothing when it cannot be used.
std::optional<LabelSelector> check_own_selector(const meta::v1::LabelSelector* selector, std::string_view kind,
                                                std::string_view unusable, const Path& path, Errors& errors);
// The selector of a spec, null where it has none.
template <class Spec>
const meta::v1::LabelSelector* selector_of(const Spec& spec) {
  return spec.has_selector() ? &spec.selector() : nullptr;
}
void check_selector_kept(const meta::v1::LabelSelector* now, const meta::v1::LabelSelector* old, const Path& path,
                         Errors& errors);
// 0 or "0%".
bool is_zero_amount(const meta::v1::IntOrString& value);
void check_at_most(std::int64_t value, std::int64_t max, std::string_view detail, const Path& path, Errors& errors);

// Status counts of ReplicaSet and ReplicationController.
struct ReplicaCounts {
  std::int64_t replicas, fully_labeled, ready, available, observed_generation;
};
void check_replica_counts(const ReplicaCounts& counts, const Path& path, Errors& errors);
template <class Status>
void check_replica_counts(const Status& status, Errors& errors) {
  check_replica_counts({.replicas = status.replicas(),
                        .fully_labeled = status.fully_labeled_replicas(),
                        .ready = status.ready_replicas(),
                        .available = status.available_replicas(),
                        .observed_generation = status.observed_generation()},
                       Path("status"), errors);
}

// Job and CronJob.
void check_job_template(const batch::v1::JobSpec& spec, const Path& path, Errors& errors);

}  // namespace ph::api
