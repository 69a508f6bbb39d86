// What a Job makes of its pods: who failed and when, who goes first, how new ones look, how long it waits after failures.
#include "tests/controllers/job_pods.h"

#include <gmock/gmock.h>

#include "controllers/job/policy.h"

namespace ph::controllers::job {
namespace {

using testing::ElementsAre;

std::vector<std::string> names(const Pods& pods) {
  std::vector<std::string> out;
  for (const auto& each : pods) out.push_back(each->name);
  return out;
}

TEST(JobPods, HaveFailed) {
  const Job plain = job(), patient = job([](Job& out) { out.mutable_spec()->set_pod_replacement_policy("Failed"); });
  const Job judging = job([](Job& out) {
    add_rule(out, exit_rule("Ignore", "In", {1}));
    out.mutable_spec()->set_pod_replacement_policy("TerminatingOrFailed");
  });
  struct Case {
    const char* name;
    const Job& job;
    Ref<PodView> pod;
    bool failed;
  };
  const Case cases[] = {
      {"running", plain, pod("a").running(), false},
      {"failed", plain, pod("a").failed(), true},
      {"succeeded", plain, pod("a").succeeded(), false},
      {"being deleted", plain, pod("a").running().deleted(), true},
      {"succeeded, then deleted", plain, pod("a").succeeded().deleted(), false},
      {"being deleted, and awaited", patient, pod("a").running().deleted(), false},
      {"deleted and failed, and awaited", patient, pod("a").failed().deleted(), true},
      {"being deleted, and to be judged", judging, pod("a").running().deleted(), false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(has_failed(c.job, *c.pod), c.failed);
  }
}

TEST(JobPods, TellWhenTheyEnded) {
  using Part = informers::JobPodView;
  const auto two = [](std::optional<Time> first, std::optional<Time> second) {
    return [=](PodView&, Part& part) {
      part.containers = {{.name = "c", .ended = first.has_value(), .finished = first},
                         {.name = "d", .ended = second.has_value(), .finished = second}};
    };
  };
  const auto unready = [](PodView&, Part& part) { part.not_ready_since = at(3h); };
  const auto grace = [](PodView& pod, Part&) { pod.deletion_grace_seconds = 30; };
  const auto partless = [](Time created) {
    PodView pod;
    pod.created = created;
    return std::make_shared<const PodView>(std::move(pod));
  };
  struct Case {
    const char* name;
    Ref<PodView> pod;
    Time end;
  };
  const Case cases[] = {
      {"the last container", pod("a").failed().with(two(at(1h), at(2h))), at(2h)},
      {"a container goes on: when it was not ready any more", pod("a").failed().with(two(at(1h), {})).with(unready), at(3h)},
      {"deleted", pod("a").deleted(at(5h)), at(5h)},
      {"deleted with grace", pod("a").deleted(at(5h)).with(grace), at(5h) - 30s},
      {"nobody knows", pod("a").with([](PodView& pod, Part&) { pod.phase = "Failed"; }), at(0s)},
      {"of no Job", partless(at(7h)), at(7h)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(finish_time(*c.pod), c.end);
  }
}

TEST(JobPods, GoInOrder) {
  using Part = informers::JobPodView;
  const auto since = [](Duration ready) { return [=](PodView& pod, Part&) { pod.ready_since = at(ready); }; };
  const auto created = [](Duration when) { return [=](PodView& pod, Part&) { pod.created = at(when); }; };
  const Pods pods{pod("old").running().with(since(0s)),   pod("ready-late").running().with(since(9h)),
                  pod("unready").running(false),          pod("pending"),
                  pod("pending-young").with(created(5h)), pod("unready-restarted").running(false).restarts(3),
                  pod("given-up").running().untracked()};
  EXPECT_THAT(names(too_many(job(), pods, 99)),
              ElementsAre("given-up", "pending-young", "pending", "unready-restarted", "unready", "ready-late", "old"));
  EXPECT_THAT(names(too_many(job(), pods, 2)), ElementsAre("given-up", "pending-young"));
  EXPECT_THAT(names(too_many(job(), pods, 0)), ElementsAre());
}

TEST(JobPods, OfOneIndexOneStays) {
  const Pods pods{pod("one").index(1).running(), pod("one-pending").index(1), pod("two").index(2), pod("four").index(4).running(),
                  pod("none")};
  EXPECT_THAT(names(too_many(indexed(4, 4), pods, 0)), ElementsAre("four", "none", "one-pending"));
  EXPECT_THAT(names(too_many(indexed(4, 4), pods, 4)), ElementsAre("four", "none", "one-pending", "two"));
}

TEST(JobPods, AreMadeFromTheTemplate) {
  Job from = with_index_limit(1, 3, 2, [](Job& out) {
    auto& spec = *out.mutable_spec()->mutable_template_()->mutable_spec();
    spec.add_init_containers()->set_name("i");
    spec.add_containers()->set_name("d");
    spec.mutable_containers(0)->add_env()->set_name("JOB_COMPLETION_INDEX");
    (*out.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels())["app"] = "x";
  });
  const core::v1::Pod made = make_pod(from, {.index = 2, .failures = 1, .ignored_failures = 4});
  EXPECT_EQ(made.metadata().generate_name(), "job-2-");
  EXPECT_THAT(made.metadata().finalizers(), ElementsAre(kFinalizer));
  EXPECT_EQ(made.metadata().labels().at("app"), "x");
  EXPECT_EQ(made.metadata().labels().at("batch.kubernetes.io/job-completion-index"), "2");
  EXPECT_EQ(made.metadata().annotations().at("batch.kubernetes.io/job-completion-index"), "2");
  EXPECT_EQ(made.metadata().annotations().at("batch.kubernetes.io/job-index-failure-count"), "1");
  EXPECT_EQ(made.metadata().annotations().at("batch.kubernetes.io/job-index-ignored-failure-count"), "4");
  EXPECT_EQ(made.spec().hostname(), "job-2");
  EXPECT_EQ(made.spec().containers(0).env_size(), 1);
  EXPECT_FALSE(made.spec().containers(0).env(0).has_value_from());
  for (const auto& container : {made.spec().containers(1), made.spec().init_containers(0)}) {
    EXPECT_EQ(container.env(0).name(), "JOB_COMPLETION_INDEX");
    EXPECT_EQ(container.env(0).value_from().field_ref().field_path(),
              "metadata.labels['batch.kubernetes.io/job-completion-index']");
  }
  const core::v1::Pod plain = make_pod(job(), {});
  EXPECT_EQ(plain.metadata().generate_name(), "job-");
  EXPECT_TRUE(plain.metadata().annotations().empty());
  EXPECT_TRUE(plain.spec().hostname().empty());

  from.mutable_metadata()->set_name(std::string(63, 'a'));
  EXPECT_EQ(make_pod(from, {.index = 12}).metadata().generate_name(), std::string(54, 'a') + "-12-");
}

TEST(JobPods, AreJudgedByTheFirstRuleThatMatches) {
  using Action = Failure::Action;
  const Job judging = job([](Job& out) {
    add_rule(out, exit_rule("Ignore", "In", {5}, "other"));
    add_rule(out, exit_rule("Count", "NotIn", {1, 2, 42}, "c"));
    add_rule(out, exit_rule("FailJob", "In", {42}));
    add_rule(out, condition_rule("Ignore", "DisruptionTarget"));
    add_rule(out, condition_rule("FailJob", "ConfigIssue", "False"));
    add_rule(out, exit_rule("FailIndex", "In", {2}));
  });
  const auto init = [](PodView&, informers::JobPodView& part) {
    part.init_containers = {{.name = "i", .ended = true, .exit_code = 42}};
  };
  struct Case {
    const char* name;
    Ref<PodView> pod;
    Action action;
    const char* message = "";
  };
  const Case cases[] = {
      {"nothing matches", pod("a").failed(kNow, 1), Action::None},
      {"not in", pod("a").failed(kNow, 5), Action::Count},
      {"zero is no failure", pod("a").failed(kNow, 0), Action::None},
      {"in", pod("a").failed(kNow, 42), Action::FailJob,
       "Container c for pod shop/a failed with exit code 42 matching FailJob rule at index 2"},
      {"in an init container", pod("a").failed(kNow, 1).with(init), Action::FailJob,
       "Container i for pod shop/a failed with exit code 42 matching FailJob rule at index 2"},
      {"a condition", pod("a").failed(kNow, 1).condition("DisruptionTarget"), Action::Ignore},
      {"a condition that is otherwise", pod("a").failed(kNow, 1).condition("DisruptionTarget", "False"), Action::None},
      {"a condition that is to be false", pod("a").failed(kNow, 1).condition("ConfigIssue", "False"), Action::FailJob,
       "Pod shop/a has condition ConfigIssue matching FailJob rule at index 4"},
      {"the index", pod("a").failed(kNow, 2), Action::FailIndex},
      {"the earlier rule", pod("a").failed(kNow, 42).condition("DisruptionTarget"), Action::FailJob,
       "Container c for pod shop/a failed with exit code 42 matching FailJob rule at index 2"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Failure failure = judge_failure(judging, *c.pod);
    EXPECT_EQ(failure.action, c.action);
    EXPECT_EQ(failure.counts(), c.action != Action::Ignore);
    if (c.action == Action::FailJob) EXPECT_EQ(failure.message, c.message);
    EXPECT_EQ(judge_failure(job(), *c.pod).action, Action::None);
  }
}

TEST(JobPods, MeetASuccessRule) {
  using Rule = batch::v1::SuccessPolicyRule;
  const auto rule = [](const char* indexes, std::optional<int> count) {
    Rule out;
    if (indexes) out.set_succeeded_indexes(indexes);
    if (count) out.set_succeeded_count(*count);
    return out;
  };
  struct Case {
    const char* name;
    std::vector<Rule> rules;
    const char* succeeded;
    std::optional<int> met;
  };
  const Case cases[] = {
      {"no policy", {}, "0-9", {}},
      {"some of the indexes", {rule("0,2", {})}, "0,1", {}},
      {"all of the indexes", {rule("0,2", {})}, "0-2", 0},
      {"a number of the indexes", {rule("0-4", 2)}, "1,4", 0},
      {"too few of the indexes", {rule("0-4", 2)}, "4-9", {}},
      {"a number of any", {rule(nullptr, 3)}, "1,4,8", 0},
      {"too few of any", {rule(nullptr, 3)}, "1,4", {}},
      {"the second rule", {rule("0", {}), rule(nullptr, 1)}, "7", 1},
      {"nothing has succeeded", {rule(nullptr, 0)}, "", {}},
      {"a rule that says nothing", {rule(nullptr, {})}, "1", {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Job judging = indexed(10, 10, [&](Job& out) {
      for (const Rule& each : c.rules) *out.mutable_spec()->mutable_success_policy()->add_rules() = each;
    });
    const auto met = met_success_rule(judging, Indexes::parse(c.succeeded, 10));
    EXPECT_EQ(met, c.met ? std::optional("Matched rules at index " + std::to_string(*c.met)) : std::nullopt);
  }
}

TEST(JobBackoff, Doubles) {
  const Duration expected[] = {10s, 20s, 40s, 80s, 160s, 320s, 600s, 600s};
  for (int failures = 1; failures <= 8; ++failures)
    EXPECT_EQ(backoff_end(failures, kNow), kNow + expected[failures - 1]) << failures;
  EXPECT_EQ(backoff_end(1 << 30, kNow), kNow + 10min);
  EXPECT_LT(backoff_end(0, kNow), kNow);
  EXPECT_EQ(backoff_end(1, Time::max()), Time::max());
}

TEST(JobBackoff, CountsFailuresSinceTheLastSuccess) {
  const Job any = job();
  Backoff backoff;
  EXPECT_EQ(backoff.until(), std::nullopt);
  const Ref<PodView> first = pod("a").failed(kNow);
  backoff.observe(any, {first}, kNow);
  EXPECT_EQ(backoff.until(), kNow + 10s);
  backoff.observe(any, {first}, kNow + 1s);
  EXPECT_EQ(backoff.until(), kNow + 10s) << "each pod counts once";
  backoff.observe(any, {pod("a").failed(kNow).untracked(), pod("b").failed(kNow + 5s)}, kNow + 5s);
  EXPECT_EQ(backoff.until(), kNow + 25s);
  backoff.observe(any, {}, kNow + 6s);
  EXPECT_EQ(backoff.until(), kNow + 25s) << "also when the pods are gone";
  backoff.observe(any, {pod("c").succeeded(kNow + 7s), pod("d").failed(kNow + 8s), pod("e").failed(kNow + 6s)}, kNow + 8s);
  EXPECT_EQ(backoff.until(), kNow + 18s) << "what failed before the success is forgotten";
  backoff.observe(any, {pod("f").succeeded(kNow + 9s)}, kNow + 9s);
  EXPECT_EQ(backoff.until(), std::nullopt);
}

TEST(JobBackoff, BelievesNoClockButItsOwn) {
  Backoff backoff;
  backoff.observe(job(), {pod("a").failed(kNow + 24h)}, kNow);
  EXPECT_EQ(backoff.until(), kNow + 10s);
}

TEST(JobBackoff, AFreshStartJudgesByThePodsThatAreLeft) {
  Backoff fresh, old;
  old.begun = true;
  const Pods pods{pod("a").failed(kNow).untracked(), pod("b").failed(kNow).untracked().deleted()};
  fresh.observe(job(), pods, kNow);
  EXPECT_EQ(fresh.until(), kNow + 10s) << "the pod that the Job itself gave up does not count";
  old.observe(job(), pods, kNow);
  EXPECT_EQ(old.until(), std::nullopt);
}

}  // namespace
}  // namespace ph::controllers::job
