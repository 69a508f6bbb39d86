#include "controllers/job/plan.h"

#include <algorithm>
#include <map>

#include "api/saturating.h"
#include "api/times.h"
#include "controllers/common/conditions.h"
#include "controllers/job/status.h"

namespace ph::controllers::job {
namespace {

int size(const Pods& pods) { return static_cast<int>(pods.size()); }

// What the pods say, in the Job's terms.
struct Tally {
  Pods active;
  int succeeded = 0, failed = 0;  // ever
  Indexes succeeded_indexes, failed_indexes;
  std::map<int, Ref<PodView>> held;  // by index: the last failed pod of one that has no other yet
};

bool index_fails(const Job& job, const PodView& pod) {
  const Failure failure = judge_failure(job, pod);
  if (failure.action == Failure::Action::FailIndex) return true;
  return failure.counts() && pod.job && pod.job->failures >= job.spec().backoff_limit_per_index();
}

void tally_indexes(const Observed& in, Tally& out) {
  const Job& job = in.job;
  out.succeeded_indexes = Indexes::parse(job.status().completed_indexes(), completions(job));
  if (has_index_limit(job)) out.failed_indexes = Indexes::parse(job.status().failed_indexes(), completions(job));
  // One that was being deleted may have succeeded after all, and an index have several pods: what was told first remains, and of
  // what is new a success counts.
  std::vector<int> failing;
  for (const Ref<PodView>& pod : in.pods) {
    const auto index = index_of(job, *pod);
    if (!index || !pod->job_tracked || out.failed_indexes.has(*index)) continue;
    if (has_succeeded(*pod)) out.succeeded_indexes.add(*index);
    else if (has_index_limit(job) && has_failed(job, *pod) && index_fails(job, *pod)) failing.push_back(*index);
  }
  for (const int index : failing) {
    if (!out.succeeded_indexes.has(index)) out.failed_indexes.add(index);
  }
  out.succeeded = out.succeeded_indexes.total();
}

// A failed pod whose index has no other yet keeps its finalizer, and with it the number of failures.
void hold_last_failures(const Observed& in, Tally& out) {
  std::set<int> active;
  for (const Ref<PodView>& pod : out.active) {
    if (const auto index = index_of(in.job, *pod)) active.insert(*index);
  }
  for (const Ref<PodView>& pod : in.pods) {
    const auto index = index_of(in.job, *pod);
    if (!index || !pod->job_tracked || !has_failed(in.job, *pod)) continue;
    if (active.contains(*index) || out.succeeded_indexes.has(*index) || out.failed_indexes.has(*index)) continue;
    Ref<PodView>& last = out.held[*index];
    const auto rank = [](const PodView& each) { return std::pair(failures_before(each), finish_time(each)); };
    if (!last || rank(*last) <= rank(*pod)) last = pod;
  }
}

Tally tally(const Observed& in, const JobStatus& status) {
  Tally out;
  const auto& uncounted = status.uncounted_terminated_pods();
  out.succeeded = status.succeeded() + uncounted.succeeded_size();
  out.failed = status.failed() + uncounted.failed_size();
  for (const Ref<PodView>& pod : in.pods) {
    if (is_active(*pod)) out.active.push_back(pod);
    if (!pod->job_tracked || !belongs(in.job, *pod) || is_uncounted(status, pod->uid)) continue;
    if (has_succeeded(*pod)) ++out.succeeded;
    else if (has_failed(in.job, *pod) && judge_failure(in.job, *pod).counts()) ++out.failed;
  }
  if (is_indexed(in.job)) tally_indexes(in, out);
  if (has_index_limit(in.job)) hold_last_failures(in, out);
  return out;
}

// -- Verdicts

std::optional<Verdict> told_verdict(const Job& job) {
  for (const char* type : {kSuccessCriteriaMet, kFailureTarget}) {
    const auto* told = find_condition(job.status(), type);
    if (told && told->status() == "True") return Verdict{type == kSuccessCriteriaMet, told->reason(), told->message()};
  }
  return std::nullopt;
}

std::optional<Verdict> failed_by_policy(const Observed& in) {
  for (const Ref<PodView>& pod : in.pods) {
    if (!has_failed(in.job, *pod)) continue;
    Failure failure = judge_failure(in.job, *pod);
    if (failure.action == Failure::Action::FailJob) return Verdict{false, "PodFailurePolicy", std::move(failure.message)};
  }
  return std::nullopt;
}

// Of pods whose containers are started again where they are, each restart is a failure.
bool restarts_exceed(const Observed& in) {
  if (in.job.spec().template_().spec().restart_policy() != "OnFailure") return false;
  std::int64_t restarts = 0;
  for (const Ref<PodView>& pod : in.pods) {
    if (pod->job && (pod->phase == "Running" || pod->phase == "Pending")) restarts += pod->job->restarts;
  }
  return restarts > 0 && restarts >= in.job.spec().backoff_limit();
}

std::optional<Time> deadline(const Job& job, const JobStatus& status) {
  constexpr std::int64_t kCenturies = 250LL * 366 * 86400;  // beyond what a Duration holds
  if (!job.spec().has_active_deadline_seconds() || !status.has_start_time() || is_suspended(job)) return std::nullopt;
  if (job.spec().active_deadline_seconds() > kCenturies) return std::nullopt;
  return api::later(api::to_time(status.start_time()), std::chrono::seconds(job.spec().active_deadline_seconds()));
}

std::optional<Verdict> failed_by_limits(const Observed& in, const Tally& tally, const JobStatus& status) {
  const auto& spec = in.job.spec();
  if (tally.failed > spec.backoff_limit() || restarts_exceed(in)) {
    return Verdict{false, "BackoffLimitExceeded", "Job has reached the specified backoff limit"};
  }
  if (const auto at = deadline(in.job, status); at && *at <= in.now) {
    return Verdict{false, "DeadlineExceeded", "Job was active longer than specified deadline"};
  }
  if (!has_index_limit(in.job)) return std::nullopt;
  const int failed = tally.failed_indexes.total();
  if (spec.has_max_failed_indexes() && failed > spec.max_failed_indexes()) {
    return Verdict{false, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"};
  }
  if (failed > 0 && failed + tally.succeeded >= completions(in.job))
    return Verdict{false, "FailedIndexes", "Job has failed indexes"};
  return std::nullopt;
}

std::optional<Verdict> verdict(const Observed& in, const Tally& tally, const JobStatus& status) {
  if (auto told = told_verdict(in.job)) return told;
  if (auto failed = failed_by_policy(in)) return failed;
  if (auto failed = failed_by_limits(in, tally, status)) return failed;
  if (!is_indexed(in.job)) return std::nullopt;
  auto met = met_success_rule(in.job, tally.succeeded_indexes);
  if (!met) return std::nullopt;
  return Verdict{true, "SuccessPolicy", std::move(*met)};
}

// -- Pods

// How many pods are to be active.
int wanted(const Job& job, const Tally& tally) {
  if (job.spec().has_completions()) return std::clamp(completions(job) - tally.succeeded, 0, parallelism(job));
  // Of a queue of work nobody knows the length: after the first success those that run find out.
  return tally.succeeded > 0 ? size(tally.active) : parallelism(job);
}

void look_again(Plan& out, std::optional<Time> at) {
  if (at) out.look_again = out.look_again ? std::min(*out.look_again, *at) : *at;
}

std::vector<int> free_indexes(const Observed& in, const Tally& tally, int count) {
  Indexes taken = tally.succeeded_indexes;
  for (const Ref<PodView>& pod : in.pods) {
    const auto index = index_of(in.job, *pod);
    const bool blocks = is_active(*pod) || (waits_for_the_end(in.job) && is_terminating(*pod));
    if (index && blocks) taken.add(*index);
  }
  taken.add(tally.failed_indexes);
  return taken.missing(count, completions(in.job));
}

// Each index waits for itself.
void create_indexes(const Observed& in, const Tally& tally, int count, Plan& out) {
  bool any_waits = false;
  for (const int index : free_indexes(in, tally, count)) {
    NewPod pod{.index = index};
    const auto held = tally.held.find(index);
    if (held != tally.held.end()) {
      const PodView& last = *held->second;
      const Time end = backoff_end(failures_before(last) + 1, std::min(finish_time(last), in.now));
      if (end > in.now) {
        look_again(out, end);
        any_waits = true;
        continue;
      }
      const bool counts = judge_failure(in.job, last).counts();
      pod.failures = last.job->failures + counts;
      pod.ignored_failures = last.job->ignored_failures + !counts;
    }
    out.create.push_back(pod);
  }
  out.waits = out.create.empty() && any_waits;
}

void create(const Observed& in, const Tally& tally, int count, Plan& out) {
  if (has_index_limit(in.job)) return create_indexes(in, tally, std::min(count, kBurst), out);
  if (const auto end = in.backoff.until(); end && *end > in.now) {
    out.waits = true;
    return look_again(out, end);
  }
  count = std::min(count, kBurst);
  if (!is_indexed(in.job)) return out.create.resize(static_cast<std::size_t>(count));
  for (const int index : free_indexes(in, tally, count)) out.create.push_back({.index = index});
}

void manage(const Observed& in, const Tally& tally, Plan& out) {
  const int active = size(tally.active);
  const int want = is_suspended(in.job) ? 0 : wanted(in.job, tally);
  out.remove = too_many(in.job, tally.active, std::max(active - want, 0));
  if (is_suspended(in.job)) return;
  if (out.remove.size() > static_cast<std::size_t>(kBurst)) out.remove.resize(kBurst);
  // Deletions go first: of an index that two pods have one is made anew when they are gone.
  if (!out.remove.empty()) return;
  const int missing = want - active - (waits_for_the_end(in.job) ? out.terminating : 0);
  if (missing > 0) create(in, tally, missing, out);
}

bool is_complete(const Job& job, const Tally& tally, int active) {
  if (active > 0) return false;
  return job.spec().has_completions() ? tally.succeeded >= completions(job) : tally.succeeded > 0;
}

void tell_suspension(const Observed& in, Plan& out) {
  const bool suspended = is_suspended(in.job);
  const Verdict words = suspended ? Verdict{.reason = "JobSuspended", .message = "Job suspended"}
                                  : Verdict{.reason = "JobResumed", .message = "Job resumed"};
  if (!tell(out.status, "Suspended", suspended, words, in.now)) return;
  out.events.push_back({suspended ? "Suspended" : "Resumed", words.message});
  // The deadline does not run while it is suspended, and begins anew.
  if (suspended) out.status.clear_start_time();
  else api::set_time(out.status.mutable_start_time(), in.now);
}

}  // namespace

Plan plan(const Observed& in) {
  Plan out;
  out.status = in.job.status();
  count_untracked(in.pods, out.status);
  if (!out.status.has_start_time() && !is_suspended(in.job)) api::set_time(out.status.mutable_start_time(), in.now);
  const Tally tally = job::tally(in, out.status);
  out.active = size(tally.active);
  out.ready = static_cast<int>(std::ranges::count_if(tally.active, &PodView::ready));
  out.terminating =
      static_cast<int>(std::ranges::count_if(in.pods, [](const Ref<PodView>& pod) { return is_terminating(*pod); }));
  out.failed = tally.failed_indexes;

  out.verdict = verdict(in, tally, out.status);
  if (out.verdict) {
    out.remove = tally.active;
    out.removed_count = true;
    return out;
  }
  look_again(out, deadline(in.job, out.status));
  const bool stays = !in.job.metadata().has_deletion_timestamp();
  if (stays) manage(in, tally, out);
  for (const auto& [index, pod] : tally.held) out.held.insert(pod->uid);
  if (is_complete(in.job, tally, out.active - size(out.remove) + static_cast<int>(out.create.size()))) {
    out.verdict = Verdict{true, "CompletionsReached", "Reached expected number of succeeded pods"};
  } else if (stays) {
    tell_suspension(in, out);
  }
  return out;
}

}  // namespace ph::controllers::job
