// What a Job makes of its pods: their indexes, whether and when they ended, which go first, how new ones look. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controllers/common/pods.h"
#include "controllers/job/indexes.h"
#include "informers/job_pod_view.h"

namespace ph::controllers::job {

using batch::v1::Job;
using Pods = std::vector<Ref<PodView>>;

inline constexpr const char* kFinalizer = "batch.kubernetes.io/job-tracking";

bool is_indexed(const Job& job);
bool has_index_limit(const Job& job);  // backoffLimitPerIndex
bool is_suspended(const Job& job);
// Complete or Failed: nothing is done for it any more.
bool has_finished(const Job& job);
// spec.managedBy names another controller.
bool is_managed_elsewhere(const Job& job);
int completions(const Job& job);  // of a Job without them: 0
int parallelism(const Job& job);

// The completion index; nothing when it has none that the Job has room for.
std::optional<int> index_of(const Job& job, const PodView& pod);
// Its end counts: it is of an index of the Job, or the Job has no indexes.
bool belongs(const Job& job, const PodView& pod);
// A replacement waits until the pod has ended; without that one that is being deleted counts as failed.
bool waits_for_the_end(const Job& job);
bool has_failed(const Job& job, const PodView& pod);
bool has_succeeded(const PodView& pod);
Time finish_time(const PodView& pod);
// Failures of the pod's index before it, those that a policy ignored too.
int failures_before(const PodView& pod);

// Of the active `pods` those that have to go: what has an index twice or beyond the Job's, and then as many as make `at_least`.
Pods too_many(const Job& job, const Pods& active, int at_least);

// A pod to be made. Without an index the Job is not indexed.
struct NewPod {
  std::optional<int> index;
  int failures = 0, ignored_failures = 0;  // of the index so far
};
core::v1::Pod make_pod(const Job& job, const NewPod& wanted);

// How long pods are not made again after failures: 10 s, doubling with each in a row, 10 min at most.
Time backoff_end(int failures, Time last);
struct Backoff {
  std::string uid = {};  // the Job's
  int failures = 0;      // since the last success
  std::optional<Time> last_failure;
  std::set<std::string> seen;  // UIDs of pods that have ended, as long as they are there
  bool begun = false;

  // Takes in what has ended; how many of those there were that are tracked. A Job that is met for the first time, as after a
  // fresh start, is judged by the pods that are left.
  std::size_t observe(const Job& job, const Pods& pods, Time now);
  std::optional<Time> until() const;
};

}  // namespace ph::controllers::job
