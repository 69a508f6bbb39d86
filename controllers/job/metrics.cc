#include "controllers/job/metrics.h"

#include <algorithm>

namespace ph::controllers::job {
namespace {

const char* mode(const Job& job) { return is_indexed(job) ? "Indexed" : "NonIndexed"; }

const char* action_of(const Plan& plan) {
  if (plan.verdict && plan.removed_count) return "reconciling";
  if (!plan.remove.empty()) return "pods_deleted";
  return plan.create.empty() && !plan.waits ? "tracking" : "pods_created";
}

const char* text(Failure::Action action) {
  switch (action) {
    case Failure::Action::Ignore: return "Ignore";
    case Failure::Action::Count: return "Count";
    case Failure::Action::FailIndex: return "FailIndex";
    case Failure::Action::FailJob: return "FailJob";
    case Failure::Action::None: break;
  }
  return "";
}

}  // namespace

void JobMetrics::looked_at(const Job& job, const Plan& plan, bool well, Duration took) const {
  const char *action = action_of(plan), *result = well ? "success" : "error";
  families_.syncs.with({action, mode(job), result}).add();
  families_.sync_duration.with({action, mode(job), result}).observe(took);
}

void JobMetrics::counted(const Job& job, const JobStatus& before, const JobStatus& after) const {
  // An indexed Job that has become smaller has fewer than before.
  if (after.succeeded() > before.succeeded())
    families_.pods_finished.with({mode(job), "succeeded"})
        .add(static_cast<std::uint64_t>(after.succeeded() - before.succeeded()));
  if (after.failed() > before.failed())
    families_.pods_finished.with({mode(job), "failed"}).add(static_cast<std::uint64_t>(after.failed() - before.failed()));
}

void JobMetrics::finished(const Job& job, const Verdict& verdict) const {
  families_.finished.with({mode(job), verdict.reason, verdict.success ? "succeeded" : "failed"}).add();
}

void JobMetrics::judged(const Job& job, const Count& count) const {
  for (const Ref<PodView>& pod : count.release) {
    if (!has_failed(job, *pod)) continue;
    const Failure failure = judge_failure(job, *pod);
    if (failure.action != Failure::Action::None) families_.judged.with({text(failure.action)}).add();
  }
}

void JobMetrics::let_go(const Job& job, const Pods& pods, const std::set<std::string>& uids) const {
  const auto ended = std::ranges::count_if(
      pods, [&](const Ref<PodView>& pod) { return uids.contains(pod->uid) && (has_succeeded(*pod) || has_failed(job, *pod)); });
  families_.tracked.with({"delete"}).add(static_cast<std::uint64_t>(ended));
}

}  // namespace ph::controllers::job
