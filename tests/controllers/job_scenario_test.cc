// The job loop in a simulated cluster: pods run on hollow nodes, or a test plays their kubelet.
#include <gmock/gmock.h>

#include "controllers/common/conditions.h"
#include "informers/job_pod_view.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/planted.h"

namespace ph::sim {
namespace {

using batch::v1::Job;
using core::v1::Pod;
using testing::Contains;
using testing::ElementsAre;

constexpr const char* kJob = "default/job";

Job running(std::vector<std::string> command, const std::function<void(batch::v1::JobSpec&)>& change = {}) {
  Job job = make_job(kJob);
  auto& container = *job.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0);
  for (std::string& word : command) container.add_command(std::move(word));
  if (change) change(*job.mutable_spec());
  return job;
}
std::string condition(Cluster& cluster, const char* type) {
  const Job job = cluster.get<Job>(kJob);
  const auto* found = controllers::find_condition(job.status(), type);
  return found && found->status() == "True" ? found->reason() : "";
}
std::vector<std::string> events(Cluster& cluster) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.source().component() != "job-controller") continue;
    std::string text = event.reason();
    if (event.reason() != "SuccessfulCreate" && event.reason() != "SuccessfulDelete") text += ": " + event.message();
    out.push_back(text);
  }
  return out;
}
int tracked(Cluster& cluster) {
  int out = 0;
  for (const Pod& pod : cluster.list<Pod>("default"))
    out += std::ranges::find(pod.metadata().finalizers(), informers::kJobTrackingFinalizer) != pod.metadata().finalizers().end();
  return out;
}
// The pod ends, as its kubelet says.
void end(Cluster& cluster, Pod pod, const char* phase, int code = 0) {
  pod.mutable_status()->set_phase(phase);
  auto& status = *pod.mutable_status()->add_container_statuses();
  status.set_name("c");
  status.set_image("img:1");
  auto& ended = *status.mutable_state()->mutable_terminated();
  ended.set_exit_code(code);
  api::set_time(ended.mutable_finished_at(), cluster.now());
  cluster.update_status(pod);
  cluster.advance(1s);
}

TEST(JobScenario, RunsToItsEnd) {
  Cluster cluster(loops("job").nodes(2).scheduler());
  int made = 0;
  cluster.on_write([&](const Cluster::Write& write) { made += write.created && write.key.starts_with("/registry/pods/"); });
  cluster.create(running({"sleep", "5"}, [](auto& spec) {
    spec.set_parallelism(3);
    spec.set_completions(7);
  }));
  cluster.advance(3s);
  EXPECT_EQ(cluster.get<Job>(kJob).status().active(), 3);
  EXPECT_EQ(cluster.get<Job>(kJob).status().ready(), 3);
  ASSERT_TRUE(cluster.run_until([&] { return condition(cluster, "Complete") == "CompletionsReached"; }));
  const auto status = cluster.get<Job>(kJob).status();
  EXPECT_EQ(status.succeeded(), 7);
  EXPECT_EQ(status.active() + status.ready() + status.terminating() + status.failed(), 0);
  EXPECT_TRUE(status.has_start_time());
  EXPECT_TRUE(status.has_completion_time());
  EXPECT_EQ(made, 7) << "never one too many";
  EXPECT_EQ(tracked(cluster), 0);
  EXPECT_THAT(events(cluster), Contains("Completed: Job completed").Times(1));
}

TEST(JobScenario, GivesUpAfterFailuresThatComeSlowerAndSlower) {
  Cluster cluster(loops("job").nodes(1).scheduler());
  std::vector<Time> made;
  cluster.on_write([&](const Cluster::Write& write) {
    if (write.created && write.key.starts_with("/registry/pods/")) made.push_back(cluster.now());
  });
  cluster.create(running({"exit", "3"}, [](auto& spec) { spec.set_backoff_limit(3); }));
  ASSERT_TRUE(cluster.run_until([&] { return condition(cluster, "Failed") == "BackoffLimitExceeded"; }));
  EXPECT_EQ(condition(cluster, "FailureTarget"), "BackoffLimitExceeded");
  ASSERT_EQ(made.size(), 4u);
  for (int i = 0; i < 3; ++i) {
    const Duration waited = made[static_cast<std::size_t>(i) + 1] - made[static_cast<std::size_t>(i)];
    EXPECT_GE(waited, 10s * (1 << i));
    EXPECT_LE(waited, 10s * (1 << i) + 5s);
  }
  EXPECT_EQ(cluster.get<Job>(kJob).status().failed(), 4);
  EXPECT_EQ(tracked(cluster), 0);
  EXPECT_THAT(events(cluster), Contains("BackoffLimitExceeded: Job has reached the specified backoff limit"));
}

TEST(JobScenario, AFreshStartKeepsTheBackoff) {
  Cluster cluster(loops("job").nodes(1).scheduler());
  cluster.create(running({"exit", "3"}));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.get<Job>(kJob).status().failed() == 3; }));
  cluster.restart_loops();
  cluster.advance(20s);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 3u);
  cluster.advance(30s);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 4u);
}

TEST(JobScenario, NamesPodsByTheirIndex) {
  Cluster cluster(loops("job"));
  cluster.create(running({}, [](auto& spec) {
    spec.set_completion_mode("Indexed");
    spec.set_completions(2);
    spec.set_parallelism(2);
  }));
  cluster.advance(1s);
  const auto pods = cluster.list<Pod>("default");
  ASSERT_EQ(pods.size(), 2u);
  EXPECT_TRUE(pods[0].metadata().name().starts_with("job-0-"));
  EXPECT_EQ(pods[1].spec().hostname(), "job-1");
  EXPECT_EQ(pods[1].metadata().labels().at("batch.kubernetes.io/job-name"), "job");
  end(cluster, pods[1], "Succeeded");
  EXPECT_EQ(cluster.get<Job>(kJob).status().completed_indexes(), "1");
  end(cluster, pods[0], "Failed", 1);
  cluster.advance(15s);
  const auto again = cluster.list<Pod>("default");
  ASSERT_EQ(again.size(), 3u) << "index 0 once more, index 1 never";
}

TEST(JobScenario, CountsEachPodOnceThoughTheLoopsBreakDown) {
  Cluster cluster(loops("job"));
  cluster.create(running({}, [](auto& spec) {
    spec.set_parallelism(4);
    spec.set_completions(8);
  }));
  cluster.advance(1s);
  for (int round = 0; round < 2; ++round) {
    for (const Pod& pod : cluster.list<Pod>("default")) {
      if (pod.status().phase() != "Pending") continue;
      Pod ended = pod;
      ended.mutable_status()->set_phase("Succeeded");
      cluster.update_status(ended);
      cluster.restart_loops();
    }
    cluster.advance(5s);
  }
  EXPECT_EQ(cluster.get<Job>(kJob).status().succeeded(), 8);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 8u);
  EXPECT_EQ(condition(cluster, "Complete"), "CompletionsReached");
}

TEST(JobScenario, ADeletedPodIsCountedAsFailedAndReplaced) {
  Cluster cluster(loops("job").nodes(1).scheduler());
  // Work is killed; a server that is told to stop ends well, and has within the second in which a Job gathers what its pods do: then
  // that is a success, as with upstream's loop.
  cluster.create(running({"sleep", "600"}));
  cluster.advance(5s);
  cluster.remove<Pod>("default/" + cluster.list<Pod>("default").front().metadata().name());
  cluster.advance(5s);
  EXPECT_EQ(cluster.get<Job>(kJob).status().failed(), 1);
  EXPECT_TRUE(cluster.list<Pod>("default").empty());
  cluster.advance(10s);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 1u);
}

TEST(JobScenario, SuspendsAndResumes) {
  Cluster cluster(loops("job").nodes(1).scheduler());
  cluster.create(running({}, [](auto& spec) {
    spec.set_parallelism(2);
    spec.set_completions(2);
    spec.set_active_deadline_seconds(60);
  }));
  cluster.advance(40s);
  cluster.edit<Job>(kJob, [](Job& job) { job.mutable_spec()->set_suspend(true); });
  cluster.advance(2min);
  EXPECT_TRUE(cluster.list<Pod>("default").empty());
  EXPECT_EQ(condition(cluster, "Suspended"), "JobSuspended");
  EXPECT_EQ(cluster.get<Job>(kJob).status().failed(), 0);
  EXPECT_FALSE(cluster.get<Job>(kJob).status().has_start_time());
  cluster.edit<Job>(kJob, [](Job& job) { job.mutable_spec()->set_suspend(false); });
  cluster.advance(50s);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 2u);
  EXPECT_THAT(events(cluster), Contains("Resumed: Job resumed"));
  cluster.advance(20s);
  EXPECT_EQ(condition(cluster, "Failed"), "DeadlineExceeded");
  EXPECT_EQ(cluster.get<Job>(kJob).status().failed(), 2);
}

TEST(JobScenario, AdoptsAndReleases) {
  Cluster cluster(loops("job"));
  Pod orphan = make_pod("default/orphan");
  (*orphan.mutable_metadata()->mutable_labels())["app"] = "x";
  cluster.create(orphan);
  cluster.create(running({}, [](auto& spec) {
    spec.set_manual_selector(true);
    (*spec.mutable_selector()->mutable_match_labels())["app"] = "x";
    (*spec.mutable_template_()->mutable_metadata()->mutable_labels())["app"] = "x";
  }));
  cluster.advance(1s);
  ASSERT_EQ(cluster.list<Pod>("default").size(), 1u);
  orphan = cluster.get<Pod>("default/orphan");
  EXPECT_EQ(orphan.metadata().owner_references(0).name(), "job");
  EXPECT_THAT(orphan.metadata().finalizers(), ElementsAre(informers::kJobTrackingFinalizer));
  cluster.edit<Pod>("default/orphan", [](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["app"] = "y"; });
  cluster.advance(1s);
  orphan = cluster.get<Pod>("default/orphan");
  EXPECT_TRUE(orphan.metadata().owner_references().empty());
  EXPECT_TRUE(orphan.metadata().finalizers().empty());
  EXPECT_EQ(cluster.list<Pod>("default").size(), 2u) << "another pod takes its place";
}

TEST(JobScenario, LetsGoOfPodsThatNobodyWillCount) {
  Cluster cluster(loops("job,garbagecollector"));
  Pod stray = make_pod("default/stray");
  *stray.mutable_metadata()->add_finalizers() = informers::kJobTrackingFinalizer;
  cluster.create(stray);
  cluster.create(running({}));
  cluster.advance(1s);
  EXPECT_EQ(tracked(cluster), 1) << "the Job's own";
  cluster.remove<Job>(kJob, informers::DeleteOptions::orphan());
  cluster.advance(1min);
  EXPECT_FALSE(cluster.has<Job>(kJob));
  EXPECT_EQ(cluster.list<Pod>("default").size(), 2u);
  EXPECT_EQ(tracked(cluster), 0);
}

TEST(JobScenario, GoesWithItsPods) {
  Cluster cluster(loops("job,garbagecollector"));
  cluster.create(running({}));
  cluster.advance(1s);
  cluster.remove<Job>(kJob, informers::DeleteOptions::foreground());
  cluster.advance(1min);
  EXPECT_FALSE(cluster.has<Job>(kJob));
  EXPECT_TRUE(cluster.list<Pod>("default").empty());
}

TEST(JobScenario, LeavesJobsOfOthersAlone) {
  Cluster cluster(loops("job"));
  cluster.create(running({}, [](auto& spec) { spec.set_managed_by("example.com/queue"); }));
  cluster.advance(1min);
  EXPECT_TRUE(cluster.list<Pod>("default").empty());
  EXPECT_FALSE(cluster.get<Job>(kJob).status().has_start_time());
}

TEST(JobScenario, FailsAsItsPolicySays) {
  Cluster cluster(loops("job").nodes(1).scheduler());
  cluster.create(running({"exit", "42"}, [](auto& spec) {
    auto& rule = *spec.mutable_pod_failure_policy()->add_rules();
    rule.set_action("FailJob");
    rule.mutable_on_exit_codes()->set_operator_("In");
    rule.mutable_on_exit_codes()->add_values(42);
  }));
  cluster.advance(10s);
  EXPECT_EQ(condition(cluster, "Failed"), "PodFailurePolicy");
  const std::string pod = cluster.list<Pod>("default").front().metadata().name();
  EXPECT_THAT(events(cluster), Contains("PodFailurePolicy: Container c for pod default/" + pod +
                                        " failed with exit code 42 matching FailJob rule at index 0"));
}

TEST(JobScenario, MakesNothingThatItWouldNotSelect) {
  Cluster cluster(loops("job").later());
  cluster.create(running({}));
  edit_unjudged<Job>(cluster, kJob,
                     [](Job& spoiled) { spoiled.mutable_spec()->mutable_template_()->mutable_metadata()->clear_labels(); });
  int made = 0;
  cluster.on_write([&](const Cluster::Write& write) { made += write.created && write.key.starts_with("/registry/pods/"); });
  cluster.restart_loops();
  cluster.advance(1min);
  EXPECT_EQ(made, 0) << "each would be released at once, and another made";
}

}  // namespace
}  // namespace ph::sim
