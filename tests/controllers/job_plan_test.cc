// The pure half of the job loop: what is made and deleted, how a Job ends, and how pods are counted, step by step.
#include <gmock/gmock.h>

#include "controllers/common/conditions.h"
#include "tests/controllers/job_pods.h"

namespace ph::controllers::job {
namespace {

using testing::ElementsAre;

const Backoff kNone;

Plan plan_of(const Job& job, const Pods& pods, const Backoff& backoff = kNone) {
  return plan({.job = job, .pods = pods, .backoff = backoff, .now = kNow});
}

// "create 2; remove a b", "create 0 3", "success Reason", …: what a plan comes to.
std::string text(const Plan& plan) {
  std::string out;
  const auto add = [&](const std::string& more) { out += (out.empty() ? "" : "; ") + more; };
  if (!plan.create.empty()) {
    std::string made;
    for (const NewPod& each : plan.create) {
      if (each.index) made += " " + std::to_string(*each.index);
    }
    add("create" + (made.empty() ? " " + std::to_string(plan.create.size()) : made));
  }
  if (!plan.remove.empty()) {
    std::string removed = plan.removed_count ? "fail" : "remove";
    for (const auto& each : plan.remove) removed += " " + each->name;
    add(removed);
  }
  if (plan.waits) add("wait");
  if (plan.verdict) add((plan.verdict->success ? "success " : "failure ") + plan.verdict->reason);
  return out;
}

void counts(Job& job, int succeeded, int failed) {
  job.mutable_status()->set_succeeded(succeeded);
  job.mutable_status()->set_failed(failed);
}
void suspend(Job& job) { job.mutable_spec()->set_suspend(true); }
void tell_condition(Job& job, const char* type, const char* reason) {
  auto& told = *job.mutable_status()->add_conditions();
  told.set_type(type);
  told.set_status("True");
  told.set_reason(reason);
}

TEST(JobPlan, KeepsPodsActive) {
  Backoff waiting;
  waiting.failures = 1;
  waiting.last_failure = kNow - 5s;
  const auto patient = [](Job& out) { out.mutable_spec()->set_pod_replacement_policy("Failed"); };
  struct Case {
    const char* name;
    Job job;
    Pods pods;
    const char* plan;
    const Backoff* backoff = &kNone;
  };
  const Case cases[] = {
      {"the first pods", sized(3, 10), {}, "create 3"},
      {"no more than are to succeed", sized(3, 2), {}, "create 2"},
      {"no more than are left to succeed", sized(3, 10, [](Job& out) { counts(out, 9, 0); }), {}, "create 1"},
      {"those that have just succeeded count", sized(3, 4), {pod("a").succeeded(), pod("b").succeeded()}, "create 2"},
      {"enough", sized(2, 10), {pod("a"), pod("b").running()}, ""},
      {"too many", sized(1, 10), {pod("a"), pod("b").running()}, "remove a"},
      {"none wanted", sized(0, 10), {pod("a").running()}, "remove a"},
      {"in the backoff", sized(2, 10), {pod("a").running()}, "wait", &waiting},
      {"too many in the backoff", sized(1, 10), {pod("a"), pod("b").running()}, "remove a", &waiting},
      {"one that is being deleted is replaced at once", sized(1, 10), {pod("a").running().deleted()}, "create 1"},
      {"one that is being deleted is waited for", sized(1, 10, patient), {pod("a").running().deleted()}, ""},
      {"at most 500 at once", sized(2000, 5000), {}, "create 500"},
      {"a queue of work", sized(3, {}), {}, "create 3"},
      {"a queue of work after a success", sized(3, {}), {pod("a").succeeded(), pod("b").running()}, ""},
      {"suspended", sized(2, 2, suspend), {pod("a"), pod("b").running()}, "remove a b"},
      {"being deleted",
       sized(3, 3, [](Job& out) { api::set_time(out.mutable_metadata()->mutable_deletion_timestamp(), kNow); }),
       {pod("a")},
       ""},
      {"absurd numbers", sized(-3, -5), {}, "success CompletionsReached"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(text(plan_of(c.job, c.pods, *c.backoff)), c.plan);
  }
}

TEST(JobPlan, GivesEachIndexOnePod) {
  const auto done = [](const char* indexes) { return [=](Job& out) { out.mutable_status()->set_completed_indexes(indexes); }; };
  const auto patient = [](Job& out) { out.mutable_spec()->set_pod_replacement_policy("Failed"); };
  struct Case {
    const char* name;
    Job job;
    Pods pods;
    const char* plan;
  };
  const Case cases[] = {
      {"the first", indexed(2, 4), {}, "create 0 1"},
      {"what is left", indexed(4, 6, done("0,2-3")), {pod("b").index(4)}, "create 1 5"},
      {"what has just succeeded", indexed(2, 4), {pod("a").index(0).succeeded(), pod("b").index(1)}, "create 2"},
      {"what has failed, again", indexed(2, 4), {pod("a").index(0).failed(), pod("b").index(1)}, "create 0"},
      {"of one index two", indexed(2, 4), {pod("a").index(0), pod("b").index(0).running()}, "remove a"},
      {"of an index that is no more", indexed(2, 2), {pod("a").index(3), pod("b").index(0)}, "remove a"},
      {"being deleted", indexed(2, 4), {pod("a").index(0).deleted(), pod("b").index(1)}, "create 0"},
      {"being deleted and waited for", indexed(2, 4, patient), {pod("a").index(0).deleted(), pod("b").index(1)}, ""},
      {"an end that was counted before it grew again",
       indexed(3, 3),
       {pod("a").index(2).succeeded().untracked()},
       "create 0 1 2"},
      {"all", indexed(2, 4, done("0-3")), {}, "success CompletionsReached"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(text(plan_of(c.job, c.pods)), c.plan);
  }
}

TEST(JobPlan, CountsFailuresOfEachIndex) {
  const auto fails = [](const char* indexes) { return [=](Job& out) { out.mutable_status()->set_failed_indexes(indexes); }; };
  const auto judging = [](Job& out) {
    add_rule(out, exit_rule("Ignore", "In", {7}));
    add_rule(out, exit_rule("FailIndex", "In", {9}));
  };
  const auto failure = [](const char* name, int index, int before, int ignored, Duration ago, int code = 1) {
    return pod(name).index(index, before, ignored).failed(kNow - ago, code);
  };
  struct Case {
    const char* name;
    Job job;
    Pods pods;
    const char* plan;
    const char* failed;                  // indexes
    std::optional<Duration> look_again;  // from now
    std::vector<int> failures = {};      // of the pods made: counted, ignored, counted, …
  };
  const Case cases[] = {
      {"the first of each", with_index_limit(2, 3, 1), {}, "create 0 1", "", {}, {0, 0, 0, 0}},
      {"it waits after a failure", with_index_limit(1, 3, 1), {failure("a", 0, 0, 0, 4s)}, "wait", "", 6s},
      {"others do not wait for it", with_index_limit(2, 3, 1), {failure("a", 0, 0, 0, 4s)}, "create 1", "", 6s, {0, 0}},
      {"it is made again", with_index_limit(1, 3, 2), {failure("a", 0, 1, 0, 20s)}, "create 0", "", {}, {2, 0}},
      {"what was ignored lengthens the wait", with_index_limit(1, 3, 2), {failure("a", 0, 0, 1, 15s)}, "wait", "", 5s},
      {"ignored once more", with_index_limit(1, 3, 1, judging), {failure("a", 0, 1, 0, 1h, 7)}, "create 0", "", {}, {1, 1}},
      {"one failure too many", with_index_limit(1, 3, 1), {failure("a", 0, 1, 0, 1h)}, "create 1", "0", {}, {0, 0}},
      {"failed by the policy", with_index_limit(1, 3, 5, judging), {failure("a", 0, 0, 0, 1h, 9)}, "create 1", "0", {}, {0, 0}},
      {"the last failure counts",
       with_index_limit(1, 3, 5),
       {failure("a", 0, 1, 0, 1h), failure("b", 0, 0, 0, 0s)},
       "create 0",
       "",
       {},
       {2, 0}},
      {"known to have failed", with_index_limit(3, 3, 1, fails("0,2")), {}, "create 1", "0,2", {}, {0, 0}},
      {"told to have failed, it has succeeded after all",
       with_index_limit(2, 3, 0, fails("0")),
       {pod("a").index(0).succeeded().deleted()},
       "create 1 2",
       "0",
       {},
       {0, 0, 0, 0}},
      {"one pod has failed, and one succeeded",
       with_index_limit(2, 3, 0),
       {failure("a", 0, 0, 0, 1h), pod("b").index(0).succeeded()},
       "create 1 2",
       "",
       {},
       {0, 0, 0, 0}},
      {"no index is left, and none waits",
       with_index_limit(3, 3, 1,
                        [&](Job& out) {
                          fails("0")(out);
                          out.mutable_spec()->set_active_deadline_seconds(36060);
                        }),
       {pod("b").index(1), pod("c").index(2)},
       "",
       "0",
       1min},
      {"all have ended",
       with_index_limit(3, 3, 1,
                        [&](Job& out) {
                          fails("0,2")(out);
                          out.mutable_status()->set_completed_indexes("1");
                        }),
       {},
       "failure FailedIndexes",
       "0,2",
       {}},
      {"too many have failed",
       with_index_limit(3, 4, 0,
                        [&](Job& out) {
                          fails("0")(out);
                          out.mutable_spec()->set_max_failed_indexes(1);
                        }),
       {failure("b", 1, 0, 0, 0s), pod("c").index(2)},
       "fail c; failure MaxFailedIndexesExceeded",
       "0,1",
       {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Plan plan = plan_of(c.job, c.pods);
    EXPECT_EQ(text(plan), c.plan);
    EXPECT_EQ(plan.failed.text(), c.failed);
    EXPECT_EQ(plan.look_again, c.look_again ? std::optional(kNow + *c.look_again) : std::nullopt);
    std::vector<int> failures;
    for (const NewPod& each : plan.create) failures.insert(failures.end(), {each.failures, each.ignored_failures});
    EXPECT_EQ(failures, c.failures);
  }
}

TEST(JobPlan, KnowsItsEnd) {
  const auto limit = [](int most) { return [=](Job& out) { out.mutable_spec()->set_backoff_limit(most); }; };
  const auto restarting = [](int most) {
    return [=](Job& out) {
      out.mutable_spec()->set_backoff_limit(most);
      out.mutable_spec()->mutable_template_()->mutable_spec()->set_restart_policy("OnFailure");
    };
  };
  const auto deadline = [](std::int64_t seconds, bool suspended = false) {
    return [=](Job& out) {
      out.mutable_spec()->set_active_deadline_seconds(seconds);
      out.mutable_spec()->set_suspend(suspended);
    };
  };
  const auto policy = [](const char* action) { return [=](Job& out) { add_rule(out, exit_rule(action, "In", {42})); }; };
  struct Case {
    const char* name;
    Job job;
    Pods pods;
    const char* plan;
  };
  const Case cases[] = {
      {"all have succeeded",
       sized(2, 2, [](Job& out) { counts(out, 1, 0); }),
       {pod("a").succeeded()},
       "success CompletionsReached"},
      {"all have succeeded, one goes on", sized(2, 1), {pod("a").succeeded(), pod("b")}, "remove b; success CompletionsReached"},
      {"the queue is empty", sized(2, {}), {pod("a").succeeded()}, "success CompletionsReached"},
      {"nothing was to succeed", sized(2, 0), {}, "success CompletionsReached"},
      {"as many failures as may be", sized(1, 1, limit(1)), {pod("a").failed()}, "create 1"},
      {"one failure too many",
       sized(2, 2, [&](Job& out) { limit(1)(out), counts(out, 0, 1); }),
       {pod("a").failed(), pod("b")},
       "fail b; failure BackoffLimitExceeded"},
      {"a failure that was ignored",
       sized(1, 1, [&](Job& out) { policy("Ignore")(out), limit(0)(out); }),
       {pod("a").failed(kNow, 42)},
       "create 1"},
      {"too many restarts", job(restarting(3)), {pod("a").running().restarts(3)}, "fail a; failure BackoffLimitExceeded"},
      {"few restarts", job(restarting(3)), {pod("a").running().restarts(2)}, ""},
      {"no restart is allowed, and none was", job(restarting(0)), {pod("a").running()}, ""},
      {"restarts of pods that are not to restart", job(limit(3)), {pod("a").running().restarts(9)}, ""},
      {"beyond the deadline", job(deadline(36000)), {pod("a")}, "fail a; failure DeadlineExceeded"},
      {"before the deadline", job(deadline(36001)), {pod("a")}, ""},
      {"the longest deadline", job(deadline(std::numeric_limits<std::int64_t>::max())), {pod("a")}, ""},
      {"beyond the deadline, but suspended", job(deadline(1, true)), {}, ""},
      {"failed by the policy",
       sized(2, 2, policy("FailJob")),
       {pod("a").failed(kNow, 42), pod("b")},
       "fail b; failure PodFailurePolicy"},
      {"not yet failed by the policy", sized(1, 1, policy("FailJob")), {pod("a").running().deleted()}, ""},
      {"the success policy is met",
       indexed(2, 4, [](Job& out) { out.mutable_spec()->mutable_success_policy()->add_rules()->set_succeeded_indexes("1"); }),
       {pod("a").index(1).succeeded(), pod("b").index(0)},
       "fail b; success SuccessPolicy"},
      {"its failure was told",
       sized(2, 2, [](Job& out) { tell_condition(out, "FailureTarget", "BackoffLimitExceeded"); }),
       {pod("a")},
       "fail a; failure BackoffLimitExceeded"},
      {"its success was told",
       sized(2, 2, [](Job& out) { tell_condition(out, "SuccessCriteriaMet", "SuccessPolicy"); }),
       {pod("a")},
       "fail a; success SuccessPolicy"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(text(plan_of(c.job, c.pods)), c.plan);
  }
}

TEST(JobPlan, LooksAgainAtItsDeadline) {
  const Job with = job([](Job& out) { out.mutable_spec()->set_active_deadline_seconds(36060); });
  EXPECT_EQ(plan_of(with, {pod("a")}).look_again, kNow + 1min);
  Backoff soon;
  soon.failures = 1;
  soon.last_failure = kNow;
  EXPECT_EQ(plan_of(with, {}, soon).look_again, kNow + 10s) << "what comes first";
  const Job fresh = job([](Job& out) {
    out.mutable_spec()->set_active_deadline_seconds(60);
    out.mutable_status()->clear_start_time();
  });
  EXPECT_EQ(plan_of(fresh, {}).look_again, kNow + 1min) << "it has just been started";
}

TEST(JobPlan, TellsSuspensionAndResumption) {
  const Plan begun = plan_of(job([](Job& out) { suspend(out), out.mutable_status()->clear_start_time(); }), {});
  EXPECT_FALSE(begun.status.has_start_time());
  EXPECT_EQ(begun.events.at(0).reason, "Suspended");
  const auto* told = find_condition(begun.status, "Suspended");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->status() + told->reason() + told->message(), "TrueJobSuspendedJob suspended");

  Job suspended = job(suspend);
  tell_condition(suspended, "Suspended", "JobSuspended");
  suspended.mutable_status()->mutable_conditions(0)->set_message("Job suspended");
  EXPECT_TRUE(plan_of(suspended, {}).events.empty()) << "it was told";

  suspended.mutable_spec()->set_suspend(false);
  const Plan resumed = plan_of(suspended, {});
  EXPECT_EQ(resumed.events.at(0).reason, "Resumed");
  EXPECT_EQ(find_condition(resumed.status, "Suspended")->status(), "False");
  EXPECT_EQ(api::to_time(resumed.status.start_time()), kNow);
  EXPECT_TRUE(plan_of(job(), {}).events.empty()) << "it was never suspended";

  const Plan stopped = plan_of(job(suspend), {pod("a").running()});
  EXPECT_FALSE(stopped.status.has_start_time());
}

// -- Counting

struct Steps {
  Count count;
  JobStatus end;
};
Steps steps(const Job& job, const Pods& pods, const std::function<void(Done&)>& change = {},
            const std::set<std::string>& stuck = {}) {
  const Observed observed{.job = job, .pods = pods, .backoff = kNone, .now = kNow};
  const Plan plan = job::plan(observed);
  Done done{.created = static_cast<int>(plan.create.size())};
  if (change) change(done);
  Steps out{.count = count(observed, plan, done)};
  std::set<std::string> released;
  for (const auto& each : out.count.release) {
    if (!stuck.contains(each->uid)) released.insert(each->uid);
  }
  out.end = conclude(observed, out.count, released);
  return out;
}
// "active/ready/terminating succeeded failed [uncounted]".
std::string numbers(const JobStatus& status) {
  std::string out =
      fmt::format("{}/{}/{} {} {}", status.active(), status.ready(), status.terminating(), status.succeeded(), status.failed());
  for (const auto* uids : {&status.uncounted_terminated_pods().succeeded(), &status.uncounted_terminated_pods().failed()}) {
    std::string more;
    for (const std::string& uid : *uids) more += " " + uid;
    if (!more.empty()) out += (uids == &status.uncounted_terminated_pods().succeeded() ? " s" : " f") + more;
  }
  return out;
}
std::string released(const Count& count) {
  std::string out;
  for (const auto& each : count.release) out += (out.empty() ? "" : " ") + each->name;
  return out;
}
std::string conditions(const JobStatus& status) {
  std::string out;
  for (const auto& each : status.conditions())
    out += (out.empty() ? "" : " ") + each.type() + (each.status() == "True" ? "" : "-");
  return out;
}

TEST(JobCount, GoesInTwoSteps) {
  const auto before = [](int succeeded, int failed, std::vector<std::string> succeeded_uids,
                         std::vector<std::string> failed_uids) {
    return [=](Job& out) {
      counts(out, succeeded, failed);
      auto& uncounted = *out.mutable_status()->mutable_uncounted_terminated_pods();
      for (const auto& uid : succeeded_uids) uncounted.add_succeeded(uid);
      for (const auto& uid : failed_uids) uncounted.add_failed(uid);
    };
  };
  const auto ignoring = [](Job& out) { add_rule(out, exit_rule("Ignore", "In", {7})); };
  struct Case {
    const char* name;
    Job job;
    Pods pods;
    const char *first, *released, *then;
    std::set<std::string> stuck = {};
  };
  const Case cases[] = {
      {"nothing has ended", sized(2, 9), {pod("a").running(), pod("b")}, "2/1/0 0 0", "", "2/1/0 0 0"},
      {"one has succeeded", sized(1, 9), {pod("a").succeeded()}, "1/0/0 0 0 s uid-a", "a", "1/0/0 1 0"},
      {"one has failed", sized(1, 9), {pod("a").failed()}, "1/0/0 0 0 f uid-a", "a", "1/0/0 0 1"},
      {"its finalizer stays", sized(1, 9), {pod("a").failed()}, "1/0/0 0 0 f uid-a", "a", "1/0/0 0 0 f uid-a", {"uid-a"}},
      {"it was written before",
       sized(1, 9, before(3, 1, {"uid-a"}, {})),
       {pod("a").succeeded(), pod("b")},
       "1/0/0 3 1 s uid-a",
       "a",
       "1/0/0 4 1"},
      {"its finalizer is gone",
       sized(1, 9, before(3, 1, {"uid-a"}, {})),
       {pod("a").succeeded().untracked(), pod("b")},
       "1/0/0 4 1",
       "",
       "1/0/0 4 1"},
      {"it is gone itself", sized(1, 9, before(3, 1, {}, {"uid-a"})), {pod("b")}, "1/0/0 3 2", "", "1/0/0 3 2"},
      {"it was counted",
       sized(1, 9, before(1, 0, {}, {})),
       {pod("a").succeeded().untracked(), pod("b")},
       "1/0/0 1 0",
       "",
       "1/0/0 1 0"},
      {"counted as failed, it has succeeded after all",
       sized(1, 9, before(0, 0, {}, {"uid-a"})),
       {pod("a").succeeded().deleted()},
       "1/0/0 0 0 f uid-a",
       "a",
       "1/0/0 0 1"},
      {"being deleted", sized(1, 9), {pod("a").running().deleted()}, "1/0/1 0 0 f uid-a", "a", "1/0/1 0 1"},
      {"being deleted, with a policy", sized(1, 9, ignoring), {pod("a").running().deleted()}, "0/0/1 0 0", "", "0/0/1 0 0"},
      {"a failure that is ignored", sized(1, 9, ignoring), {pod("a").failed(kNow, 7)}, "1/0/0 0 0", "a", "1/0/0 0 0"},
      {"the Job goes away",
       sized(2, 9, [](Job& out) { api::set_time(out.mutable_metadata()->mutable_deletion_timestamp(), kNow); }),
       {pod("a").running(), pod("b").succeeded()},
       "1/1/0 0 0 s uid-b",
       "a b",
       "1/1/0 1 0"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Steps got = steps(c.job, c.pods, {}, c.stuck);
    EXPECT_EQ(numbers(got.count.status), c.first);
    EXPECT_EQ(released(got.count), c.released);
    EXPECT_EQ(numbers(got.end), c.then);
  }
}

TEST(JobCount, OfIndexesIsTheirList) {
  const auto done = [](const char* indexes) { return [=](Job& out) { out.mutable_status()->set_completed_indexes(indexes); }; };
  struct Case {
    const char* name;
    Job job;
    Pods pods;
    const char *completed, *numbers, *released;
  };
  const Case cases[] = {
      {"none", indexed(1, 9), {}, "", "1/0/0 0 0", ""},
      {"one more", indexed(1, 9, done("0,1")), {pod("c").index(2).succeeded()}, "0-2", "1/0/0 3 0", "c"},
      {"one that is known", indexed(1, 9, done("0,1")), {pod("b").index(1).succeeded()}, "0,1", "1/0/0 2 0", "b"},
      {"one twice", indexed(1, 9), {pod("a").index(3).succeeded(), pod("b").index(3).succeeded()}, "3", "1/0/0 1 0", "a b"},
      {"beyond the Job", indexed(1, 2), {pod("c").index(2).succeeded()}, "", "1/0/0 0 0", "c"},
      {"without an index", indexed(1, 2), {pod("c").succeeded()}, "", "1/0/0 0 0", "c"},
      {"a failure beyond the Job", indexed(1, 2), {pod("c").index(2).failed()}, "", "1/0/0 0 0", "c"},
      {"the Job has become smaller", indexed(1, 2, done("1-5")), {}, "1", "1/0/0 1 0", ""},
      {"one that was told to have failed",
       with_index_limit(1, 9, 0, [](Job& out) { out.mutable_status()->set_failed_indexes("2"); }),
       {pod("c").index(2).succeeded()},
       "",
       "1/0/0 0 0",
       "c"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Steps got = steps(c.job, c.pods);
    EXPECT_EQ(got.end.completed_indexes(), c.completed);
    EXPECT_EQ(got.count.status.completed_indexes(), c.completed) << "before the finalizers go";
    EXPECT_EQ(numbers(got.end), c.numbers);
    EXPECT_EQ(released(got.count), c.released);
  }
}

TEST(JobCount, AFailedPodStaysTrackedUntilItIsReplaced) {
  const Job limited = with_index_limit(2, 2, 3);
  const Ref<PodView> failed = pod("a").index(0).failed(kNow - 1h);
  const Steps replacing = steps(limited, {failed, pod("b").index(1)});
  EXPECT_EQ(replacing.count.release.size(), 0u);
  EXPECT_EQ(replacing.end.failed(), 0);
  EXPECT_TRUE(replacing.end.has_failed_indexes());
  const Steps replaced = steps(limited, {failed, pod("b").index(1), pod("c").index(0, 1)});
  EXPECT_EQ(released(replaced.count), "a");
  EXPECT_EQ(replaced.end.failed(), 1);
}

TEST(JobCount, ABackoffLeavesThoseThatRun) {
  const Steps waiting = steps(with_index_limit(2, 3, 1), {pod("a").index(0).failed(kNow - 4s), pod("b").index(1).running()});
  EXPECT_EQ(numbers(waiting.end), "1/1/0 0 0") << "the server takes no status with more ready pods than active ones";
}

TEST(JobCount, TellsTheEndTwice) {
  const auto limit = [](Job& out) { out.mutable_spec()->set_backoff_limit(0); };
  const auto not_removed = [](Done& done) { done.removed = false; };
  struct Case {
    const char* name;
    Job job;
    Pods pods;
    const char *first, *then, *numbers;
    std::function<void(Done&)> change = {};
    std::set<std::string> stuck = {};
  };
  const auto told = [](const char* type) { return [=](Job& out) { tell_condition(out, type, "Reason"); }; };
  const Case cases[] = {
      {"success", sized(1, 1), {pod("a").succeeded()}, "SuccessCriteriaMet", "SuccessCriteriaMet Complete", "0/0/0 1 0"},
      {"success, but not all is counted",
       sized(1, 1),
       {pod("a").succeeded()},
       "SuccessCriteriaMet",
       "SuccessCriteriaMet",
       "0/0/0 0 0 s uid-a",
       {},
       {"uid-a"}},
      {"success, but a pod has still to end",
       sized(1, 1),
       {pod("a").succeeded(), pod("b").running().deleted()},
       "SuccessCriteriaMet",
       "SuccessCriteriaMet",
       "0/0/1 1 1"},
      {"failure", sized(1, 1, limit), {pod("a").failed()}, "FailureTarget", "FailureTarget Failed", "0/0/0 0 1"},
      {"failure: all others are failed, too",
       sized(2, 2, limit),
       {pod("a").failed(), pod("b").running()},
       "FailureTarget",
       "FailureTarget",
       "0/0/1 0 2"},
      {"failure, but a pod could not be deleted",
       sized(2, 2, limit),
       {pod("a").failed(), pod("b").running()},
       "",
       "",
       "1/1/0 0 1",
       not_removed},
      {"failure was told, and all have ended",
       sized(2, 2, told("FailureTarget")),
       {pod("b").failed().deleted().untracked()},
       "FailureTarget",
       "FailureTarget Failed",
       "0/0/0 0 0"},
      {"failure: what succeeds meanwhile counts",
       sized(2, 2, told("FailureTarget")),
       {pod("b").succeeded()},
       "FailureTarget",
       "FailureTarget Failed",
       "0/0/0 1 0"},
      {"success was told: what it ended is no failure",
       sized(2, 2, told("SuccessCriteriaMet")),
       {pod("b").running().deleted()},
       "SuccessCriteriaMet",
       "SuccessCriteriaMet",
       "0/0/1 0 0"},
      {"success was told: a failure is one",
       sized(2, 2, told("SuccessCriteriaMet")),
       {pod("b").failed()},
       "SuccessCriteriaMet",
       "SuccessCriteriaMet Complete",
       "0/0/0 0 1"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Steps got = steps(c.job, c.pods, c.change, c.stuck);
    EXPECT_EQ(conditions(got.count.status), c.first);
    EXPECT_EQ(conditions(got.end), c.then);
    EXPECT_EQ(numbers(got.end), c.numbers);
    EXPECT_EQ(got.end.has_completion_time(), std::string(c.then).ends_with("Complete"));
  }
}

TEST(JobCount, ListsNoMoreThanAStatusHolds) {
  Pods many;
  for (int i = 0; i < 700; ++i) many.push_back(pod("p" + std::to_string(i)).succeeded());
  const Steps first = steps(sized(1, 700), many);
  EXPECT_EQ(first.count.release.size(), 500u);
  EXPECT_TRUE(first.count.more);
  EXPECT_EQ(first.end.succeeded(), 500);
  EXPECT_EQ(conditions(first.end), "SuccessCriteriaMet") << "it ends when all are counted";
}

TEST(JobCount, ChangesNothingAtRest) {
  const Job before = sized(2, 5, [](Job& out) {
    counts(out, 1, 2);
    auto& status = *out.mutable_status();
    status.set_active(2);
    status.set_ready(1);
    status.set_terminating(0);
    status.mutable_uncounted_terminated_pods();
  });
  const Steps got = steps(before, {pod("a"), pod("b").running(), pod("c").failed().untracked()});
  EXPECT_EQ(api::encode_json(Job(before)), [&] {
    Job after = before;
    *after.mutable_status() = got.end;
    return api::encode_json(after);
  }());
  EXPECT_TRUE(got.count.release.empty());
}

}  // namespace
}  // namespace ph::controllers::job
