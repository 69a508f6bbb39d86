#include "controllers/job/status.h"

#include <algorithm>

#include "api/times.h"
#include "controllers/common/conditions.h"

namespace ph::controllers::job {
namespace {

using Uids = google::protobuf::RepeatedPtrField<std::string>;

bool has(const Uids& uids, const std::string& uid) { return std::ranges::find(uids, uid) != uids.end(); }

// How many of the UIDs are not `tracked`: those go.
int take_untracked(Uids& uids, const std::set<std::string>& tracked) {
  Uids left;
  for (const std::string& uid : uids) {
    if (tracked.contains(uid)) *left.Add() = uid;
  }
  const int taken = uids.size() - left.size();
  uids = std::move(left);
  return taken;
}

void settle_uncounted(JobStatus& status, const std::set<std::string>& tracked) {
  auto& uncounted = *status.mutable_uncounted_terminated_pods();
  status.set_succeeded(status.succeeded() + take_untracked(*uncounted.mutable_succeeded(), tracked));
  status.set_failed(status.failed() + take_untracked(*uncounted.mutable_failed(), tracked));
}

std::set<std::string> tracked_in(const Pods& pods) {
  std::set<std::string> out;
  for (const Ref<PodView>& pod : pods) {
    if (pod->job_tracked) out.insert(pod->uid);
  }
  return out;
}

// Whether the pod's finalizer can go: it has ended, or its end makes no difference any more.
bool can_be_released(const Observed& in, const Plan& plan, bool judged, const PodView& pod) {
  if (in.job.metadata().has_deletion_timestamp() || judged || has_succeeded(pod)) return true;
  return has_failed(in.job, pod) && !plan.held.contains(pod.uid);
}

// A pod that did not succeed counts as failed when it has failed, and when the Job has: none is left to run. Those that were
// deleted because the Job has succeeded do not.
bool counts_as_failed(const Observed& in, const std::optional<Verdict>& verdict, const PodView& pod) {
  if (!belongs(in.job, pod)) return false;
  if (verdict && !verdict->success) return judge_failure(in.job, pod).counts();
  const bool given_up = find_condition(in.job.status(), kSuccessCriteriaMet) && pod.phase != "Failed";
  return has_failed(in.job, pod) && !given_up && judge_failure(in.job, pod).counts();
}

}  // namespace

bool is_uncounted(const JobStatus& status, const std::string& uid) {
  const auto& uncounted = status.uncounted_terminated_pods();
  return has(uncounted.succeeded(), uid) || has(uncounted.failed(), uid);
}

void count_untracked(const Pods& pods, JobStatus& status) { settle_uncounted(status, tracked_in(pods)); }

bool tell(JobStatus& status, const char* type, bool holds, const Verdict& words, Time now) {
  batch::v1::JobCondition fresh;
  fresh.set_type(type);
  fresh.set_status(holds ? "True" : "False");
  api::set_time(fresh.mutable_last_probe_time(), now);
  api::set_time(fresh.mutable_last_transition_time(), now);
  fresh.set_reason(words.reason);
  fresh.set_message(words.message);
  for (auto& told : *status.mutable_conditions()) {
    if (told.type() != type) continue;
    if (told.status() == fresh.status() && told.reason() == fresh.reason() && told.message() == fresh.message()) return false;
    told = std::move(fresh);
    return true;
  }
  if (!holds) return false;
  *status.add_conditions() = std::move(fresh);
  return true;
}

Count count(const Observed& in, const Plan& plan, const Done& done) {
  Count out{.status = plan.status};
  // Nothing is said of the end before all pods have been told to end.
  if (done.removed) out.verdict = plan.verdict;
  JobStatus& status = out.status;
  auto& uncounted = *status.mutable_uncounted_terminated_pods();
  Indexes succeeded = Indexes::parse(in.job.status().completed_indexes(), completions(in.job));
  int indexes = 0;
  for (const Ref<PodView>& pod : in.pods) {
    if (!pod->job_tracked || !can_be_released(in, plan, out.verdict.has_value(), *pod)) continue;
    if (indexes + uncounted.succeeded_size() + uncounted.failed_size() >= kUncountedMost) {
      out.more = true;
      break;
    }
    out.release.push_back(pod);
    if (const auto index = index_of(in.job, *pod); index && is_indexed(in.job) && has_succeeded(*pod)) {
      // An index that was told to have failed remains so: the server takes none that did both.
      if (plan.failed.has(*index)) continue;
      // An index is in the list or not: it cannot be counted twice.
      indexes += !succeeded.has(*index);
      succeeded.add(*index);
    } else if (!is_uncounted(plan.status, pod->uid)) {
      if (has_succeeded(*pod) && !is_indexed(in.job)) *uncounted.add_succeeded() = pod->uid;
      if (!has_succeeded(*pod) && counts_as_failed(in, out.verdict, *pod)) *uncounted.add_failed() = pod->uid;
    }
  }
  if (is_indexed(in.job)) {
    status.set_completed_indexes(succeeded.text());
    status.set_succeeded(succeeded.total());
    if (has_index_limit(in.job)) status.set_failed_indexes(plan.failed.text());
    else status.clear_failed_indexes();
  }

  const int removed = done.removed ? static_cast<int>(plan.remove.size()) : 0;
  const auto ready = done.removed ? std::ranges::count_if(plan.remove, &PodView::ready) : 0;
  status.set_ready(plan.ready - static_cast<int>(ready));
  // Upstream tells no active pods during a backoff. Where some are ready its server refuses that, and so does ours.
  status.set_active(plan.waits && status.ready() == 0 ? 0 : plan.active - removed + done.created);
  status.set_terminating(plan.terminating + removed);
  if (out.verdict) tell(status, out.verdict->success ? kSuccessCriteriaMet : kFailureTarget, true, *out.verdict, in.now);
  return out;
}

JobStatus conclude(const Observed& in, const Count& count, const std::set<std::string>& released) {
  JobStatus out = count.status;
  std::set<std::string> tracked = tracked_in(in.pods);
  for (const std::string& uid : released) tracked.erase(uid);
  settle_uncounted(out, tracked);
  const auto& uncounted = out.uncounted_terminated_pods();
  const bool counted = !count.more && uncounted.succeeded().empty() && uncounted.failed().empty();
  if (!count.verdict || !counted || out.terminating() > 0) return out;
  tell(out, count.verdict->success ? "Complete" : "Failed", true, *count.verdict, in.now);
  if (count.verdict->success) api::set_time(out.mutable_completion_time(), in.now);
  // One that ends while it is suspended has no start any more; the server wants one, but of a Job of no pods.
  const bool of_none = in.job.spec().has_completions() && in.job.spec().completions() == 0;
  if (!out.has_start_time() && !of_none) api::set_time(out.mutable_start_time(), in.now);
  return out;
}

}  // namespace ph::controllers::job
