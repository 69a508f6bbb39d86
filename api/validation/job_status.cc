// batch/v1 Job: its status. A rule about how a job ends holds when what it speaks of changes: jobs that ended otherwise, before
// there was the rule, can still be written.
#include <set>

#include <fmt/format.h>

#include "api/internal_form.h"
#include "api/times.h"
#include "api/validation/job_indexes.h"
#include "api/validation/validation.h"

namespace ph::api {

using namespace batch::v1;

namespace {

bool has_condition(const JobStatus& status, std::string_view type) {
  return std::ranges::any_of(status.conditions(),
                             [&](const JobCondition& c) { return c.type() == type && c.status() == "True"; });
}

// What its conditions say of a job's end.
struct End {
  explicit End(const JobStatus& status)
      : complete(has_condition(status, "Complete")),
        failed(has_condition(status, "Failed")),
        failing(has_condition(status, "FailureTarget")),
        succeeding(has_condition(status, "SuccessCriteriaMet")) {}
  bool finished() const { return complete || failed; }
  bool complete, failed;
  bool failing, succeeding;  // which the job will be when its pods are gone
};

bool differ(const meta::v1::Time* a, const meta::v1::Time* b) {
  return (a == nullptr) != (b == nullptr) || (a != nullptr && to_time(*a) != to_time(*b));
}
const meta::v1::Time* start_of(const JobStatus& status) { return status.has_start_time() ? &status.start_time() : nullptr; }
const meta::v1::Time* completion_of(const JobStatus& status) {
  return status.has_completion_time() ? &status.completion_time() : nullptr;
}
std::string shown(const meta::v1::Time& time) { return quote(rfc3339(to_time(time))); }

class StatusCheck {
 public:
  StatusCheck(const Job& now, const Job& old, Errors& errors)
      : spec_(now.spec()), now_(now.status()), old_(old.status()), errors_(errors) {}

  void run() {
    check_counts();
    check_uncounted();
    check_one_end();
    check_completion_time();
    check_way_to_end();
    check_finished();
    check_indexes();
    check_pods();
    check_criteria();
    check_kept();
  }

 private:
  Path at(std::string_view member) const { return path_.member(member); }
  void refuse(bool wrong, std::string_view detail) {
    if (wrong) errors_.invalid(at("conditions"), "", detail);
  }
  bool is_indexed() const { return spec_.completion_mode() == "Indexed"; }

  void check_counts() {
    check_nonnegative(now_.active(), at("active"), errors_);
    check_nonnegative(now_.succeeded(), at("succeeded"), errors_);
    check_nonnegative(now_.failed(), at("failed"), errors_);
    check_nonnegative(now_.ready(), at("ready"), errors_);
    check_nonnegative(now_.terminating(), at("terminating"), errors_);
  }

  void check_uncounted() {
    std::set<std::string_view> seen;
    const auto check = [&](const auto& uids, std::string_view member) {
      for (int i = 0; i < uids.size(); ++i) {
        const Path path = at("uncountedTerminatedPods").member(member).index(i);
        if (uids[i].empty()) errors_.invalid_text(path, uids[i], "must not be empty");
        else if (!seen.insert(uids[i]).second) errors_.duplicate(path, uids[i]);
      }
    };
    check(now_.uncounted_terminated_pods().succeeded(), "succeeded");
    check(now_.uncounted_terminated_pods().failed(), "failed");
  }

  void check_one_end() {
    if (!end_.complete) return;
    if (complete_changed_ || failed_changed_) refuse(end_.failed, "cannot set Complete=True and Failed=true conditions");
    if (complete_changed_ || failing_changed_) refuse(end_.failing, "cannot set Complete=True and FailureTarget=true conditions");
  }

  void check_completion_time() {
    const auto* start = start_of(now_);
    const auto* completion = completion_of(now_);
    const bool start_changed = differ(start, start_of(old_)), changed = differ(completion, completion_of(old_));
    const Path path = at("completionTime");
    if (complete_changed_ || changed) {
      if (completion && !end_.complete)
        errors_.invalid(path, shown(*completion), "cannot set completionTime when there is no Complete=True condition");
      if (!completion && end_.complete) errors_.required(path, "completionTime is required for Complete jobs");
    }
    if ((start_changed || changed) && start && completion && to_time(*completion) < to_time(*start))
      errors_.invalid(path, shown(*completion), "completionTime cannot be set before startTime");
  }

  // A job's end is told in two steps.
  void check_way_to_end() {
    if (failed_changed_ || failing_changed_)
      refuse(end_.failed && !end_.failing, "cannot set Failed=True condition without the FailureTarget=true condition");
    if (complete_changed_ || succeeding_changed_)
      refuse(end_.complete && !end_.succeeding,
             "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  }

  void check_finished() {
    if (!end_.finished()) return;
    const bool ended = !before_.finished();
    if ((ended || now_.active() != old_.active()) && now_.active() > 0)
      errors_.invalid(at("active"), now_.active(), "active>0 is invalid for finished job");
    // A suspended job that has nothing to do is complete without ever having begun.
    const bool never_begins = spec_.suspend() && spec_.has_completions() && spec_.completions() == 0;
    if (!now_.has_start_time() && (ended || old_.has_start_time()) && !never_begins)
      errors_.required(at("startTime"), "startTime is required for finished job");
    const auto& uncounted = now_.uncounted_terminated_pods();
    if ((ended || !same(uncounted, old_.uncounted_terminated_pods())) &&
        uncounted.succeeded_size() + uncounted.failed_size() > 0) {
      errors_.invalid_message(at("uncountedTerminatedPods"), uncounted,
                              "uncountedTerminatedPods needs to be empty for finished job");
    }
  }

  void check_format(std::string_view text, std::string_view member) {
    const auto ranges = read_indexes(text, spec_.completions());
    if (!ranges) errors_.invalid_text(at(member), text, fmt::format("error parsing {}: {}", member, ranges.error()));
  }

  void check_indexes() {
    const bool completed_changed = now_.completed_indexes() != old_.completed_indexes();
    const bool failed_changed =
        now_.has_failed_indexes() != old_.has_failed_indexes() || now_.failed_indexes() != old_.failed_indexes();
    const Path failed = at("failedIndexes");
    if (completed_changed && spec_.has_completions()) check_format(now_.completed_indexes(), "completedIndexes");
    if (failed_changed && spec_.has_completions() && spec_.has_backoff_limit_per_index())
      check_format(now_.failed_indexes(), "failedIndexes");
    if (completed_changed && !now_.completed_indexes().empty() && !is_indexed()) {
      errors_.invalid_text(at("completedIndexes"), now_.completed_indexes(),
                           "cannot set non-empty completedIndexes when non-indexed completion mode");
    }
    if (failed_changed && now_.has_failed_indexes() && !spec_.has_backoff_limit_per_index()) {
      errors_.invalid_text(failed, now_.failed_indexes(), "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
    }
    if ((!completed_changed && !failed_changed) || !spec_.has_completions()) return;
    const auto common = common_index(now_.completed_indexes(), now_.failed_indexes(), spec_.completions());
    if (common) {
      errors_.invalid_text(failed, now_.failed_indexes(),
                           fmt::format("failedIndexes and completedIndexes overlap at index: {}", *common));
    }
  }

  void check_pods() {
    const bool terminating_changed = now_.has_terminating() != old_.has_terminating() || now_.terminating() != old_.terminating();
    const bool ready_changed = now_.has_ready() != old_.has_ready() || now_.ready() != old_.ready();
    if (end_.finished() && now_.terminating() > 0 && (terminating_changed || !before_.finished()))
      errors_.invalid(at("terminating"), now_.terminating(), "terminating>0 is invalid for finished job");
    if ((ready_changed || now_.active() != old_.active()) && now_.has_ready() && now_.ready() > now_.active())
      errors_.invalid(at("ready"), now_.ready(), "cannot set more ready pods than active");
  }

  void check_criteria() {
    refuse(end_.succeeding && end_.failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions");
    refuse(end_.succeeding && end_.failing, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
    refuse(spec_.has_success_policy() && !end_.succeeding && end_.complete,
           "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
  }

  // What is so remains so.
  void check_kept() {
    refuse(before_.failed && !end_.failed, "cannot disable the terminal Failed=True condition");
    refuse(before_.complete && !end_.complete, "cannot disable the terminal Complete=True condition");
    refuse(before_.failing && !end_.failing, "cannot disable the terminal FailureTarget=True condition");
    if (now_.failed() < old_.failed()) errors_.invalid(at("failed"), now_.failed(), "cannot decrease the failed counter");
    // The pods of an indexed job can be made fewer, those that succeeded too.
    const bool may_shrink =
        is_indexed() && spec_.has_completions() == spec_.has_parallelism() && spec_.completions() == spec_.parallelism();
    if (now_.succeeded() < old_.succeeded() && !may_shrink)
      errors_.invalid(at("succeeded"), now_.succeeded(), "cannot decrease the succeeded counter");
    if (now_.has_completion_time() && old_.has_completion_time() && differ(completion_of(now_), completion_of(old_)))
      errors_.invalid(at("completionTime"), shown(now_.completion_time()), "completionTime cannot be mutated");
    if (old_.has_start_time() && differ(start_of(now_), start_of(old_)) && !spec_.suspend())
      errors_.required(at("startTime"), "startTime cannot be removed for unsuspended job");
    refuse(before_.succeeding && !end_.succeeding, "cannot disable the SuccessCriteriaMet=True condition");
    refuse(before_.complete && !before_.succeeding && end_.succeeding,
           "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
  }

  const Path path_{"status"};
  const JobSpec& spec_;
  const JobStatus& now_;
  const JobStatus& old_;
  Errors& errors_;
  const End end_{now_}, before_{old_};
  const bool complete_changed_ = end_.complete != before_.complete, failed_changed_ = end_.failed != before_.failed;
  const bool failing_changed_ = end_.failing != before_.failing, succeeding_changed_ = end_.succeeding != before_.succeeding;
};

}  // namespace

void validate_status(const Job& now, const Job& old, Errors& errors) { StatusCheck(now, old, errors).run(); }

}  // namespace ph::api
