#include "controllers/ttl_after_finished/ttl_after_finished.h"

#include <gtest/gtest.h>

#include "tests/controllers/scripted_loop.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using batch::v1::Job;
using core::v1::Pod;
using sim::make_job;

TEST(TtlAfterFinished, Expiry) {
  const auto since = [](Duration at) { return Time(at); };
  Job timeless = make_job().ended("Complete", Time(5s)).ttl(10);
  timeless.mutable_status()->mutable_conditions(0)->clear_last_transition_time();
  Job undone = make_job().ended("Failed", Time(5s)).ttl(10);
  undone.mutable_status()->mutable_conditions(0)->set_status("False");
  struct Case {
    const char* name;
    Job job;
    std::optional<Duration> due;  // since the epoch
  };
  const Case cases[] = {
      {"still running", make_job().ttl(10), {}},
      {"finished without a TTL", make_job().ended("Complete", since(5s)), {}},
      {"complete, TTL 10", make_job().ended("Complete", since(5s)).ttl(10), 15s},
      {"failed, TTL 10", make_job().ended("Failed", since(5s)).ttl(10), 15s},
      {"TTL 0 is due at once", make_job().ended("Complete", since(5s)).ttl(0), 5s},
      {"suspended is not ended", make_job().ended("Suspended", since(5s)).ttl(10), {}},
      {"about to fail is not ended", make_job().ended("FailureTarget", since(5s)).ttl(10), {}},
      {"the second condition counts", make_job().ended("SuccessCriteriaMet", since(1s)).ended("Complete", since(5s)).ttl(1), 6s},
      {"not failed after all", undone, {}},
      {"nobody knows since when", timeless, {}},
      {"the longest TTL", make_job().ended("Complete", since(5s)).ttl(2147483647), 2147483652s},
      {"ended at the end of time", make_job().ended("Complete", Time::max()).ttl(2147483647), Time::max().time_since_epoch()},
      {"already being deleted", make_job().ended("Complete", since(5s)).ttl(0).deleting(), {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(expiry(c.job), c.due ? std::optional(Time(*c.due)) : std::nullopt);
  }
}

// Creates the job, and has it end now.
void create_ended(sim::Cluster& cluster, const std::string& key, const std::string& condition, int ttl) {
  cluster.create<Job>(make_job(key).ttl(ttl));
  Job job = cluster.get<Job>(key);
  sim::end_job(job, condition, cluster.now());
  cluster.update_status(job);
}

constexpr const char* kLoops = "ttl-after-finished,garbagecollector";

TEST(TtlAfterFinished, WaitsOutTheTtlThenDeletes) {
  sim::Cluster cluster(sim::loops(kLoops));
  create_ended(cluster, "default/a", "Complete", 10);
  create_ended(cluster, "default/b", "Failed", 3600);
  cluster.create<Job>(make_job("default/running").ttl(0));
  cluster.advance(9900ms);
  EXPECT_TRUE(cluster.has<Job>("default/a"));
  cluster.advance(200ms);
  EXPECT_FALSE(cluster.has<Job>("default/a"));
  cluster.advance(58min);
  EXPECT_TRUE(cluster.has<Job>("default/b"));
  cluster.advance(2min);
  EXPECT_FALSE(cluster.has<Job>("default/b"));
  EXPECT_TRUE(cluster.has<Job>("default/running"));
}

TEST(TtlAfterFinished, ItsPodsGoBeforeTheJob) {
  sim::Cluster cluster(sim::loops(kLoops));
  create_ended(cluster, "default/a", "Complete", 10);
  Pod pod = sim::make_pod("default/a-1");
  auto& owner = *pod.mutable_metadata()->add_owner_references();
  owner.set_api_version("batch/v1");
  owner.set_kind("Job");
  owner.set_name("a");
  owner.set_uid(cluster.get<Job>("default/a").metadata().uid());
  owner.set_controller(true);
  owner.set_block_owner_deletion(true);
  cluster.create(pod);
  std::vector<std::string> gone;
  cluster.on_write([&](const sim::Cluster::Write& write) {
    if (write.object.empty()) gone.push_back(write.key);
  });
  cluster.advance(20s);
  EXPECT_EQ(gone, (std::vector<std::string>{"/registry/pods/default/a-1", "/registry/jobs/default/a"}));
}

TEST(TtlAfterFinished, AChangedTtlCounts) {
  sim::Cluster cluster(sim::loops(kLoops));
  create_ended(cluster, "default/longer", "Complete", 60);
  create_ended(cluster, "default/shorter", "Complete", 3600);
  create_ended(cluster, "default/for-ever", "Complete", 60);
  cluster.advance(30s);
  cluster.edit<Job>("default/longer", [](Job& job) { job.mutable_spec()->set_ttl_seconds_after_finished(120); });
  cluster.edit<Job>("default/shorter", [](Job& job) { job.mutable_spec()->set_ttl_seconds_after_finished(10); });
  cluster.edit<Job>("default/for-ever", [](Job& job) { job.mutable_spec()->clear_ttl_seconds_after_finished(); });
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Job>("default/shorter"));
  cluster.advance(80s);
  EXPECT_TRUE(cluster.has<Job>("default/longer"));
  cluster.advance(10s);
  EXPECT_FALSE(cluster.has<Job>("default/longer"));
  cluster.advance(2h);
  EXPECT_TRUE(cluster.has<Job>("default/for-ever"));
}

TEST(TtlAfterFinished, AFreshStartForgetsNothing) {
  sim::Cluster cluster(sim::loops(kLoops));
  create_ended(cluster, "default/a", "Complete", 60);
  cluster.advance(30s);
  cluster.restart_loops();
  cluster.advance(29s);
  EXPECT_TRUE(cluster.has<Job>("default/a"));
  cluster.restart_loops();
  cluster.advance(2s);
  EXPECT_FALSE(cluster.has<Job>("default/a"));
}

TEST(TtlAfterFinished, MayDoSoInARealCluster) {
  sim::Cluster cluster(sim::everything(3));
  Job job = make_job("default/a").ttl(60);
  job.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->add_command("true");
  cluster.create(job);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.get<Job>("default/a").status().has_completion_time(); }));
  cluster.advance(50s);
  EXPECT_TRUE(cluster.has<Job>("default/a"));
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<Job>("default/a"); }, 20s));
}

// -- The cache is late.

Job at_revision(const sim::JobBuilder& builder, const char* uid, const char* revision) {
  Job job = builder;
  job.mutable_metadata()->set_uid(uid);
  job.mutable_metadata()->set_resource_version(revision);
  return job;
}

class StaleTtl : public testing::Test {
 protected:
  static constexpr const char* kPath = "/apis/batch/v1/namespaces/default/jobs/job";
  StaleTtl() { loop_.start({{"jobs", {&expired_}}}); }

  const Job expired_ = at_revision(make_job().ended("Complete", sim::SimClock::kStart - 1h).ttl(60), "u1", "5");
  ScriptedLoop loop_{"ttl-after-finished"};
};

TEST_F(StaleTtl, DeletesOnlyWhatItJudged) {
  ASSERT_EQ(loop_.request(), std::string("GET ") + kPath);
  loop_.server.answer(expired_);
  ASSERT_EQ(loop_.request(), std::string("DELETE ") + kPath);
  EXPECT_EQ(loop_.delete_options().preconditions().uid(), "u1");
  EXPECT_EQ(loop_.delete_options().preconditions().resource_version(), "5");
  EXPECT_EQ(loop_.delete_options().propagation_policy(), "Foreground");
}

TEST_F(StaleTtl, ARaisedTtlIsWaitedOut) {
  loop_.server.answer(at_revision(make_job().ended("Complete", sim::SimClock::kStart - 1h).ttl(7200), "u1", "9"));
  EXPECT_EQ(loop_.request(), "");
  loop_.executor.advance(59min);
  EXPECT_EQ(loop_.request(), "");
  loop_.executor.advance(1min);
  EXPECT_EQ(loop_.request(), std::string("GET ") + kPath);
}

TEST_F(StaleTtl, AnotherJobOfThatNameIsLeftAlone) {
  loop_.server.answer(at_revision(make_job().ttl(60), "u2", "9"));
  loop_.executor.advance(1h);
  EXPECT_EQ(loop_.request(), "");
}

TEST_F(StaleTtl, AJobThatChangesMeanwhileIsJudgedAgain) {
  loop_.server.answer(expired_);
  loop_.server.refuse(409, "Conflict");
  // What it has become: the cache must show it first.
  EXPECT_EQ(loop_.request(), "") << "the key waits for its turn";
  loop_.executor.advance(1s);
  ASSERT_EQ(loop_.request(), "GET /apis/batch/v1/namespaces/default/jobs") << "of that name: what became of it";
  EXPECT_EQ(informers::query(loop_.server.expect(), "fieldSelector"), "metadata.name=job");
}

}  // namespace
}  // namespace ph::controllers
