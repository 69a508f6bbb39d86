// What Kubernetes' own loops are known to have got wrong, or still do: each a scenario in the simulated cluster. docs/controllers.md,
// "What a loop has to show", names them and where the others are.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "controllers/common/conditions.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::sim {
namespace {

using apps::v1::Deployment;
using apps::v1::ReplicaSet;
using batch::v1::Job;
using core::v1::ConfigMap;
using core::v1::Pod;

// Longer than upstream's loops count on what they expect to see: five minutes.
constexpr Duration kLongest = 11min;

// The loops' watches tell of nothing before there has been nothing to tell for so long.
Faults all_watches_late() {
  Faults out;
  out.watch_lag = 1'000;
  out.lag_most = kLongest;
  return out;
}

void count_created(Cluster& cluster, const std::string& prefix, int& made) {
  cluster.on_write([&made, prefix](const Cluster::Write& write) { made += write.created && write.key.starts_with(prefix); });
}

void say_phase(Cluster& cluster, const char* before, const char* phase) {
  for (Pod& pod : cluster.list<Pod>("default")) {
    if (pod.status().phase() != before) continue;
    pod.mutable_status()->set_phase(phase);
    cluster.update_status(pod);
  }
}

// Expectations that are given up after five minutes make as many pods again.
TEST(KnownFailures, NoPodTooManyWhenAWatchIsLateForLongerThanExpectationsLast) {
  Cluster cluster(loops("replicaset").faults(all_watches_late()));
  int made = 0;
  count_created(cluster, "/registry/pods/", made);
  cluster.advance(1s);
  cluster.create(make_replica_set("default/web").replicas(10).object());
  ASSERT_TRUE(cluster.run_until([&] { return made > 0; }, 1h)) << "the set is seen late";
  cluster.advance(2 * kLongest);
  EXPECT_EQ(made, 10);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 10u);
  cluster.heal();
  cluster.advance(1min);
  EXPECT_EQ(made, 10);
  EXPECT_EQ(cluster.get<ReplicaSet>("default/web").status().replicas(), 10);
}

// Pods that have been counted are counted again, or not at all, when their changes are seen late.
TEST(KnownFailures, AJobCountsEachPodOnceThoughItSeesThemLate) {
  Cluster cluster(loops("job").faults(all_watches_late()));
  int made = 0;
  count_created(cluster, "/registry/pods/", made);
  cluster.advance(1s);
  Job job = make_job("default/job");
  job.mutable_spec()->set_completions(6);
  job.mutable_spec()->set_parallelism(3);
  cluster.create(job);
  const auto done = [&] {
    say_phase(cluster, "Pending", "Succeeded");
    return cluster.get<Job>("default/job").status().succeeded() >= 6;
  };
  for (int i = 0; i < 100 && !done(); ++i) {
    cluster.advance(1min);
    const int succeeded = cluster.get<Job>("default/job").status().succeeded();
    EXPECT_LE(succeeded, made);
  }
  cluster.advance(2 * kLongest);
  EXPECT_EQ(made, 6);
  EXPECT_EQ(cluster.get<Job>("default/job").status().succeeded(), 6);
  EXPECT_EQ(cluster.get<Job>("default/job").status().failed(), 0);
  EXPECT_NE(controllers::find_condition(cluster.get<Job>("default/job").status(), "Complete"), nullptr);
}

// Its pods fail as soon as they are made: a job and a daemon set make others more and more slowly.
TEST(KnownFailures, PodsThatFailAtOnceAreNotMadeAgainAndAgain) {
  Cluster cluster(loops("job"));
  int made = 0;
  count_created(cluster, "/registry/pods/", made);
  Job job = make_job("default/job");
  job.mutable_spec()->set_backoff_limit(1'000);
  cluster.create(job);
  for (int second = 0; second < 600; ++second) {
    say_phase(cluster, "Pending", "Failed");
    cluster.advance(1s);
  }
  // After 10 s, 20 s, 40 s, …
  EXPECT_GE(made, 4);
  EXPECT_LE(made, 8);
}

// Whoever begins with empty caches, and cannot fill one of them, does not take what is in it for gone.
TEST(KnownFailures, NothingIsCollectedForAnOwnerThatACollectorsColdCacheLacks) {
  Cluster cluster(loops("garbagecollector").later());
  ConfigMap owner = make_config_map("default/owner");
  owner = cluster.create(owner);
  for (int i = 0; i < 20; ++i) {
    Pod pod = make_pod(fmt::format("default/p{}", i));
    auto& reference = *pod.mutable_metadata()->add_owner_references();
    reference.set_api_version("v1");
    reference.set_kind("ConfigMap");
    reference.set_name("owner");
    reference.set_uid(owner.metadata().uid());
    cluster.create(pod);
  }
  bool is_broken = true;
  int refused = 0, deletions = 0;
  cluster.put_before([&](HttpRequest& request) -> std::optional<HttpResponse> {
    deletions += request.method == "DELETE";
    const bool concerns = request.path().find("/configmaps") != std::string_view::npos;
    if (!is_broken || !concerns) return std::nullopt;
    ++refused;
    HttpResponse out;
    out.status = 503;
    return out;
  });
  cluster.restart_loops();
  cluster.advance(10min);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(deletions, 0);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 20u);
  is_broken = false;
  cluster.advance(1min);
  EXPECT_EQ(deletions, 0);
  cluster.remove<ConfigMap>("default/owner");
  EXPECT_TRUE(cluster.run_until([&] { return cluster.list<Pod>("default").empty(); }));
}

double worst_depth(const std::string& page) {
  double worst = 0;
  for (auto at = page.find("\nworkqueue_depth{"); at != page.npos; at = page.find("\nworkqueue_depth{", at + 1)) {
    const auto value = page.find("} ", at);
    worst = std::max(worst, std::atof(page.c_str() + value + 2));
  }
  return worst;
}

// All at once: no queue is longer than there are keys, no pod is made twice, and a deployment costs as much as if it were alone.
TEST(KnownFailures, ThreeThousandDeploymentsRolledAtOnceCostNoMoreThanEachAlone) {
  constexpr int kDeployments = 3'000;
  Metrics metrics;
  Cluster cluster(loops("deployment,replicaset").counted_by(metrics));
  int made = 0, requests = 0;
  count_created(cluster, "/registry/pods/", made);
  cluster.put_before([&](HttpRequest& request) -> std::optional<HttpResponse> {
    requests += request.method != "GET" && request.path().find("/events") == std::string_view::npos;
    return std::nullopt;
  });
  for (int i = 0; i < kDeployments; ++i) {
    Deployment each = make_deployment(fmt::format("default/d{}", i)).rolling("1", "1").object();
    cluster.create(each);
  }
  ASSERT_TRUE(cluster.run_until([&] { return made == kDeployments; }, 10min));
  cluster.advance(1min);
  made = requests = 0;
  for (int i = 0; i < kDeployments; ++i) {
    cluster.patch<Deployment>(
        fmt::format("default/d{}", i),
        informers::Patch::strategic(R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"img:2"}]}}}})"));
  }
  double depth = 0;
  const auto rolled = [&] {
    depth = std::max(depth, worst_depth(cluster.scrape()));
    return made >= kDeployments;
  };
  for (int i = 0; i < 600 && !rolled(); ++i) cluster.advance(100ms);
  cluster.advance(1min);
  EXPECT_EQ(made, kDeployments);
  EXPECT_LE(depth, 2 * kDeployments) << "sets, the old ones and the new ones";
  // A new set, a pod made and one deleted, two sizes, and statuses of the deployment and both sets.
  EXPECT_LE(requests, 14 * kDeployments);
  int pods = 0;
  for (const Pod& pod : cluster.list<Pod>("default")) {
    ++pods;
    EXPECT_EQ(pod.spec().containers(0).image(), "img:2");
  }
  EXPECT_EQ(pods, kDeployments);
}

}  // namespace
}  // namespace ph::sim
