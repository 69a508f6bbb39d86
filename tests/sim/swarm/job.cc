// job: Jobs of all sorts, suspended, scaled and deleted; pods that succeed, fail, are deleted and evicted. What counts is told
// once, an index that was completed is never run again.
#include <fmt/format.h>

#include <algorithm>

#include "controllers/common/conditions.h"
#include "controllers/job/indexes.h"
#include "informers/job_pod_view.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using batch::v1::Job;
using controllers::find_condition;
using core::v1::Pod;
using Uids = std::set<std::string>;

constexpr int kIgnoredCode = 7;

bool is_true(const Job& job, const char* type) {
  const auto* found = find_condition(job.status(), type);
  return found && found->status() == "True";
}
bool has_finished(const Job& job) { return is_true(job, "Complete") || is_true(job, "Failed"); }
// It comes to an end when nobody does anything to it.
bool goes_on(const Job& job) {
  return !job.spec().suspend() && (job.spec().parallelism() > 0 || job.spec().has_active_deadline_seconds());
}
bool is_indexed(const Job& job) { return job.spec().completion_mode() == "Indexed"; }
bool is_leaving(const Pod& pod) { return pod.metadata().has_deletion_timestamp(); }
bool is_tracked(const Pod& pod) {
  const auto& finalizers = pod.metadata().finalizers();
  return std::ranges::find(finalizers, informers::kJobTrackingFinalizer) != finalizers.end();
}
bool has_ended(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }
std::optional<int> index_of(const Pod& pod) {
  const auto found = pod.metadata().annotations().find(informers::kCompletionIndex);
  return found == pod.metadata().annotations().end() ? std::nullopt : std::optional(std::stoi(found->second));
}

class Jobs final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("job"); }
  Faults faults() const override { return two_managers(120s); }

  void begin() override {
    jobs_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (after) note(before, *after);
      if (after && before && write.author.ends_with(":job-controller")) by_the_loop(key, *before, *after);
    });
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (after && after->status().phase() == "Succeeded")
        succeeded_[controller_of(after->metadata())].insert(after->metadata().uid());
      if (!write.author.ends_with(":job-controller")) return;
      if (!before) created(key, *after);
      else if (after && is_tracked(*before) && !is_tracked(*after)) released(key, *before);
    });
    kubelet_.enter(cluster(), draw(), pods_, false);
    make();
  }

  void act() override {
    switch (draw().between(0, 13)) {
      case 0:
      case 1: return make();
      case 2: return suspend_or_resume();
      case 3: return scale();
      case 4: remove_one(jobs_, informers::DeleteOptions::background()); return;
      case 5: remove_one(pods_); return;
      case 6: return disown();
      case 7:
      case 8:
      case 9: return end_one();
      default:
        for (int i = draw().between(1, 6); i > 0; --i) kubelet_.step();
    }
  }

  // Pods that are to end do, and then all that run succeed.
  void settle() override {
    for (const std::string& key : pods_.keys()) {
      const Pod* pod = pods_.find(key);
      if (pod && is_leaving(*pod) && !has_ended(*pod)) end(*pod, "Failed", 137);
    }
    kubelet_.settle();
    for (const std::string& key : pods_.keys()) {
      const Pod* pod = pods_.find(key);
      if (pod && !is_leaving(*pod) && is_ready(*pod) && !has_ended(*pod)) end(*pod, "Succeeded", 0);
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, job] : jobs_.all()) {
      compare(key, job, out);
      if (goes_on(job) && !has_finished(job)) out.push_back(key + " has not finished");
      if (job.spec().suspend() && !has_finished(job) && !is_true(job, "Suspended"))
        out.push_back(key + " does not say that it is suspended");
    }
    for (const auto& [key, pod] : pods_.all()) {
      if (is_tracked(pod) && !find_job(controller_of(pod.metadata()))) out.push_back(key + " is tracked for nobody");
    }
    return out;
  }

 private:
  // What a Job was, as long as it was there.
  struct Account {
    Uids told_succeeded, told_failed;  // UIDs that were ever in its status
    int parallelism_most = 0;
    bool steady = true;  // nothing made it give up pods
    bool finished = false;
  };

  const Job* find_job(const std::string& uid) const {
    for (const auto& [key, job] : jobs_.all()) {
      if (job.metadata().uid() == uid) return &job;
    }
    return nullptr;
  }
  std::vector<std::pair<std::string, const Pod*>> pods_of(const Job& job) const {
    std::vector<std::pair<std::string, const Pod*>> out;
    for (const auto& [key, pod] : pods_.all()) {
      if (controller_of(pod.metadata()) == job.metadata().uid()) out.emplace_back(key, &pod);
    }
    return out;
  }

  void note(const Job* before, const Job& job) {
    Account& account = accounts_[job.metadata().uid()];
    account.parallelism_most = std::max(account.parallelism_most, job.spec().parallelism());
    if (job.spec().suspend()) account.steady = false;
    if (before &&
        (before->spec().parallelism() != job.spec().parallelism() || before->spec().completions() != job.spec().completions()))
      account.steady = false;
    const auto& uncounted = job.status().uncounted_terminated_pods();
    account.told_succeeded.insert(uncounted.succeeded().begin(), uncounted.succeeded().end());
    account.told_failed.insert(uncounted.failed().begin(), uncounted.failed().end());
  }

  void by_the_loop(const std::string& key, const Job& before, const Job& after) {
    const Account& account = accounts_[after.metadata().uid()];
    const auto &was = before.status(), &is = after.status();
    if (has_finished(before)) judge().never(key + " was written to when it had finished");
    if (is.failed() < was.failed()) judge().never(key + " has forgotten failures");
    if (!is_indexed(after) && is.succeeded() < was.succeeded()) judge().never(key + " has forgotten successes");
    if (!alone()) return;
    const auto most = [](const Uids& uids) { return static_cast<int>(uids.size()); };
    if (!is_indexed(after) && is.succeeded() > most(account.told_succeeded)) judge().never(key + " counts a success twice");
    if (is.failed() > most(account.told_failed)) judge().never(key + " counts a failure twice");
    for (const std::string& uid : account.told_succeeded) {
      if (account.told_failed.contains(uid)) judge().never(key + " counts a pod as both");
      if (!succeeded_[after.metadata().uid()].contains(uid)) judge().never(key + " counts a success that was none");
    }
    if (has_finished(after)) ended(key, after);
  }

  void ended(const std::string& key, const Job& job) {
    judge().reached(is_true(job, "Complete") ? "jobs complete"
                                             : "jobs failed: " + find_condition(job.status(), "Failed")->reason());
    accounts_[job.metadata().uid()].finished = true;
    const auto& uncounted = job.status().uncounted_terminated_pods();
    if (!uncounted.succeeded().empty() || !uncounted.failed().empty()) judge().never(key + " has finished and not counted all");
    for (const auto& [name, pod] : pods_of(job)) {
      if (is_active(*pod)) judge().never(fmt::format("{} has finished, and {} goes on", key, name));
    }
  }

  void created(const std::string& key, const Pod& pod) {
    const Job* job = find_job(controller_of(pod.metadata()));
    if (!job || !alone()) return;
    const Account& account = accounts_[job->metadata().uid()];
    if (account.finished) judge().never(key + " was made for a Job that had finished");
    int active = 0;
    for (const auto& [name, other] : pods_of(*job)) {
      active += is_active(*other);
      const bool twin = name != key && is_active(*other) && index_of(*other) && index_of(*other) == index_of(pod);
      if (twin) judge().never(fmt::format("{} was made beside {}, of the same index", key, name));
    }
    if (active > account.parallelism_most)
      judge().never(fmt::format("{} is one of {} where at most {} were wanted", key, active, account.parallelism_most));
    if (!is_indexed(*job)) return;
    const auto done = controllers::job::Indexes::parse(job->status().completed_indexes(), job->spec().completions());
    if (done.has(index_of(pod).value_or(-1))) judge().never(key + " runs an index again that was completed");
    const auto failed = controllers::job::Indexes::parse(job->status().failed_indexes(), job->spec().completions());
    if (failed.has(index_of(pod).value_or(-1))) judge().never(key + " runs an index again that has failed");
    if (pod.metadata().annotations().contains(informers::kIndexFailures) &&
        pod.metadata().annotations().at(informers::kIndexFailures) != "0") {
      judge().reached("indexes run again, with their failures");
    }
  }

  // The finalizer may go only when the status tells what became of the pod.
  void released(const std::string& key, const Pod& pod) {
    const Job* job = find_job(controller_of(pod.metadata()));
    if (!job) return judge().reached("pods let go whose job was gone");
    if (has_finished(*job) || job->metadata().has_deletion_timestamp() || is_true(*job, "FailureTarget") ||
        is_true(*job, "SuccessCriteriaMet"))
      return;
    const Account& account = accounts_[job->metadata().uid()];
    const std::string& uid = pod.metadata().uid();
    if (account.told_succeeded.contains(uid) || account.told_failed.contains(uid)) return judge().reached("pods counted");
    if (!account.steady || !alone()) return judge().reached("pods given up");
    if (pod.status().phase() != "Succeeded") return;
    const auto done = controllers::job::Indexes::parse(job->status().completed_indexes(), job->spec().completions());
    if (!is_indexed(*job) || !done.has(index_of(pod).value_or(-1)))
      judge().never(key + " has succeeded, and was let go uncounted");
  }

  void compare(const std::string& key, const Job& job, std::vector<std::string>& out) {
    int active = 0, ready = 0, terminating = 0;
    for (const auto& [name, pod] : pods_of(job)) {
      active += is_active(*pod);
      ready += is_active(*pod) && is_ready(*pod);
      terminating += is_leaving(*pod) && !has_ended(*pod);
      if (is_tracked(*pod) && has_finished(job)) out.push_back(fmt::format("{} has finished, and {} is tracked", key, name));
      // The last failure of an index stays until there is another pod of it.
      const bool is_held = job.spec().has_backoff_limit_per_index() && pod->status().phase() == "Failed" && !goes_on(job);
      if (is_tracked(*pod) && has_ended(*pod) && !is_held) out.push_back(fmt::format("{} has not counted {}", key, name));
    }
    const auto& status = job.status();
    if (!has_finished(job) && (status.active() != active || status.ready() != ready || status.terminating() != terminating)) {
      out.push_back(fmt::format("{} tells of {} active pods, {} ready, {} terminating; it has {}, {}, {}", key, status.active(),
                                status.ready(), status.terminating(), active, ready, terminating));
    }
    const Account& account = accounts_[job.metadata().uid()];
    const int told_succeeded = static_cast<int>(account.told_succeeded.size()),
              told_failed = static_cast<int>(account.told_failed.size());
    if (!alone()) return;
    if (!is_indexed(job) && status.succeeded() != told_succeeded)
      out.push_back(fmt::format("{} counts {} successes of {}", key, status.succeeded(), told_succeeded));
    if (status.failed() != told_failed)
      out.push_back(fmt::format("{} counts {} failures of {}", key, status.failed(), told_failed));
  }

  // -- The workload
  void make() {
    Job job = make_job(fmt::format("default/job-{}", draw().between(0, 4)));
    batch::v1::JobSpec& spec = *job.mutable_spec();
    spec.set_parallelism(draw().between(0, 4));
    const bool indexed = draw().chance(0.5);
    if (indexed || draw().chance(0.8)) spec.set_completions(draw().between(0, 6));
    if (indexed) spec.set_completion_mode("Indexed");
    if (draw().chance(0.6)) spec.set_backoff_limit(draw().between(0, 4));
    if (indexed && draw().chance(0.5)) {
      spec.set_backoff_limit_per_index(draw().between(0, 2));
      spec.clear_backoff_limit();
      if (draw().chance(0.3)) spec.set_max_failed_indexes(draw().between(0, spec.completions()));
    }
    if (indexed && spec.completions() > 0 && draw().chance(0.2)) {
      spec.mutable_success_policy()->add_rules()->set_succeeded_count(draw().between(1, spec.completions()));
    }
    if (draw().chance(0.2)) spec.set_pod_replacement_policy("Failed");
    if (draw().chance(0.3)) add_policy(spec);
    if (draw().chance(0.2)) spec.set_active_deadline_seconds(draw().between(5, 120));
    if (draw().chance(0.2)) spec.set_suspend(true);
    attempt([&] { cluster().create(job); });
  }
  void add_policy(batch::v1::JobSpec& spec) {
    spec.clear_pod_replacement_policy();
    auto& rule = *spec.mutable_pod_failure_policy()->add_rules();
    const bool of_index = spec.has_backoff_limit_per_index() && draw().chance(0.5);
    rule.set_action(of_index ? "FailIndex" : draw().chance(0.8) ? "Ignore" : "FailJob");
    rule.mutable_on_exit_codes()->set_operator_("In");
    rule.mutable_on_exit_codes()->add_values(kIgnoredCode);
  }
  void suspend_or_resume() {
    edit_one<Job>(jobs_, [](Job& job) { job.mutable_spec()->set_suspend(!job.spec().suspend()); });
  }
  void scale() {
    const int to = draw().between(0, 5);
    edit_one<Job>(jobs_, [&](Job& job) {
      job.mutable_spec()->set_parallelism(to);
      if (is_indexed(job) && to > 0 && !job.spec().has_success_policy() && !job.spec().has_max_failed_indexes())
        job.mutable_spec()->set_completions(to);
    });
  }
  // Somebody takes the pod's label away: it is released.
  void disown() {
    const auto keys = pods_.keys();
    if (keys.empty() || draw().chance(0.7)) return;
    const std::string key = draw().of(keys);
    const std::string owner = controller_of(pods_.find(key)->metadata());
    const bool done = attempt([&] {
      cluster().edit<Pod>(
          key, [](Pod& pod) { pod.mutable_metadata()->mutable_labels()->erase("batch.kubernetes.io/controller-uid"); });
    });
    if (done) accounts_[owner].steady = false;
  }
  void end_one() {
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    const Pod pod = *pods_.find(draw().of(keys));
    if (has_ended(pod)) return;
    const bool well = draw().chance(0.5);
    end(pod, well ? "Succeeded" : "Failed", well ? 0 : draw().chance(0.5) ? kIgnoredCode : 1);
  }
  void end(Pod pod, const char* phase, int code) {
    pod.mutable_metadata()->clear_resource_version();
    auto& status = *pod.mutable_status();
    status.set_phase(phase);
    for (auto& condition : *status.mutable_conditions()) {
      if (condition.type() == "Ready") condition.set_status("False");
    }
    auto& container = *status.add_container_statuses();
    container.set_name("c");
    container.set_image("img:1");
    auto& ended = *container.mutable_state()->mutable_terminated();
    ended.set_exit_code(code);
    if (draw().chance(0.8)) api::set_time(ended.mutable_finished_at(), cluster().now());
    attempt([&] { cluster().update_status<Pod>(pod); });
  }

  Shadow<Job> jobs_;
  Shadow<Pod> pods_;
  Kubelet kubelet_;
  std::map<std::string, Account> accounts_;  // by the Job's UID
  std::map<std::string, Uids> succeeded_;    // pods that ever did, by the Job's UID
};

}  // namespace

std::unique_ptr<Swarm> job() { return std::make_unique<Jobs>(); }

}  // namespace ph::sim::swarm
