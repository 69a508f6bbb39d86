// What the job loop counts.
#pragma once

#include "base/metrics.h"
#include "controllers/job/plan.h"

namespace ph::controllers::job {

struct JobFamilies {
  Metrics* in = nullptr;

  // clang-format off
  Family<Counter> finished{in, {Stability::Stable, "job_controller_jobs_finished_total",
      "Jobs that have finished, by how and why.", {"completion_mode", "reason", "result"}}};
  Family<Counter> pods_finished{in, {Stability::Stable, "job_controller_job_pods_finished_total",
      "Pods that were counted, by how they ended.", {"completion_mode", "result"}}};
  Family<Counter> syncs{in, {Stability::Stable, "job_controller_job_syncs_total",
      "Looks at Jobs, by what was done and whether it went well.", {"action", "completion_mode", "result"}}};
  Family<Histogram> sync_duration{in, {Stability::Stable, "job_controller_job_sync_duration_seconds",
      "How long looks at Jobs took.", {"action", "completion_mode", "result"}, exponential_buckets(0.004, 2, 15)}};
  Family<Counter> judged{in, {Stability::Beta, "job_controller_pod_failures_handled_by_failure_policy_total",
      "Failed pods that a rule of their Job's policy matched, by its action.", {"action"}}};
  Family<Counter> tracked{in, {Stability::Beta, "job_controller_terminated_pods_tracking_finalizer_total",
      "Ended pods that have the tracking finalizer: seen (add), and let go (delete).", {"event"}}};
  // clang-format on
};

class JobMetrics {
 public:
  // `metrics` may be null: then nothing is counted.
  explicit JobMetrics(Metrics* metrics) : families_{metrics} {}

  void looked_at(const Job& job, const Plan& plan, bool well, Duration took) const;
  void counted(const Job& job, const JobStatus& before, const JobStatus& after) const;
  void finished(const Job& job, const Verdict& verdict) const;
  // By the Job's policy, of pods that are counted now.
  void judged(const Job& job, const Count& count) const;
  void ended(std::size_t pods) const { families_.tracked.with({"add"}).add(pods); }
  void let_go(const Job& job, const Pods& pods, const std::set<std::string>& uids) const;

 private:
  const JobFamilies families_;
};

}  // namespace ph::controllers::job
