// A running scheduler is asked: where pods stand, whose they are, and which there are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/errors.h"
#include "scheduler/scheduler.h"
#include "scheduler/why/explanation.h"
#include "scheduler/why/json.h"
#include "scheduler/why/question.h"
#include "tests/scheduler/make.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using why::Explanation;

WaitingPods* waiting = nullptr;

// Holds back whoever says so.
class Hold final : public PermitPlugin {
 public:
  explicit Hold(WaitingPods* pods) { waiting = pods; }
  PermitResult permit(CycleState&, const Pod& pod, std::string_view) override {
    if (!pod.metadata().labels().contains("hold")) return {};
    return {Verdict::wait(), 10min};
  }
};
std::unique_ptr<Plugin> hold(const PluginArgs&, const PluginWorld& world) { return std::make_unique<Hold>(world.waiting); }
constexpr PluginEntry kHold[] = {{"Hold", &hold, 0}};

class WhyCluster : public testing::Test {
 protected:
  WhyCluster() {
    cluster_.on_write([this](const sim::Cluster::Write&) { executor_ = Executor::current(); });
    node(make_node("n1"));
    node(make_node("n2").has("cpu", "2"));
    ProfileSpec spec = default_profile();
    spec.points[Point::Permit].push_back("Hold");
    Configuration configuration;
    configuration.profiles.push_back(std::move(spec));
    informers_ = std::make_unique<informers::Informers>(*executor_, cluster_.client(), rng_, Log());
    scheduler_ = std::make_unique<Scheduler>(SchedulerWorld{.executor = *executor_,
                                                            .clock = executor_->clock(),
                                                            .rng = rng_,
                                                            .client = cluster_.client(),
                                                            .informers = *informers_,
                                                            .log = {},
                                                            .metrics = &metrics_,
                                                            .plugins = kHold},
                                             std::move(configuration));
    scope_ = std::make_unique<Scope>(*executor_);
  }
  void begin() {
    scope_->spawn(scheduler_->run());
    cluster_.advance(1s);
  }
  void node(const Node& node) {
    Node created = node;
    created.mutable_metadata()->clear_uid();
    created = cluster_.create<Node>(std::move(created));
    *created.mutable_status() = node.status();
    cluster_.update_status(std::move(created));
  }
  static MakePod runnable(const std::string& name) { return make_pod(name).uid("").with(container().image("img:1")); }
  void create(const MakePod& pod) {
    cluster_.create<Pod>(pod);
    cluster_.advance(500ms);
  }

  // Throws what the scheduler throws.
  Explanation ask(const std::string& query, const std::string& body = {}) {
    std::optional<Explanation> told;
    std::exception_ptr error;
    const auto asking = [](Scheduler& scheduler, why::Question question, std::optional<Explanation>& told,
                           std::exception_ptr& error) -> Task<void> {
      try {
        told = co_await scheduler.explain(std::move(question));
      } catch (...) {
        error = std::current_exception();
      }
    };
    scope_->spawn(asking(*scheduler_, why::question_of(query, body), told, error));
    cluster_.advance(1ms);
    if (error) std::rethrow_exception(error);
    return told.value();
  }
  int refusal(const std::string& query) {
    try {
      ask(query);
    } catch (const api::ApiError& error) {
      return error.code();
    }
    return 0;
  }

  sim::Cluster cluster_{sim::no_loops()};
  Executor* executor_ = nullptr;
  SeededRng rng_{1};
  Metrics metrics_;
  std::unique_ptr<informers::Informers> informers_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Scope> scope_;
};

TEST_F(WhyCluster, APodThatFitsNowhere) {
  begin();
  create(runnable("big").asks("5", "1Gi"));
  const Explanation told = ask("pod=default/big");
  EXPECT_EQ(told.state, "unschedulable");
  EXPECT_EQ(told.message, "0/2 nodes are available: 2 Insufficient cpu.");
  EXPECT_EQ(told.nearest.front().node, "n1");
  ASSERT_EQ(told.waiting.size(), 1u);
  EXPECT_EQ(told.waiting.front().place, "unschedulable");
  EXPECT_EQ(told.waiting.front().attempts, 1u);
  EXPECT_THAT(told.waiting.front().woken_by, ElementsAre("NodeResourcesFit"));
  ASSERT_EQ(told.last_attempt.size(), 1u);
  EXPECT_THAT(told.last_attempt.front().message, testing::StartsWith(told.message)) << "the event's own words";
  EXPECT_EQ(ask("pod=default/big&addNodes=1:n1").state, "unschedulable");
}

TEST_F(WhyCluster, APodThatHasItsNodeIsAskedAboutWithoutItself) {
  begin();
  create(runnable("a").asks("3", "1Gi"));
  const Explanation told = ask("pod=default/a");
  EXPECT_EQ(told.state, "placed");
  EXPECT_EQ(told.pod.node, "n1");
  EXPECT_EQ(told.fitting, 1u) << "it does not stand in its own way: " << why::to_json(told);
  EXPECT_EQ(told.chosen, "n1");
  EXPECT_THAT(told.message, testing::StartsWith("on n1; asked anew: 1/2 nodes fit, n1 would be taken"));
  EXPECT_THAT(told.notes, IsEmpty());
  EXPECT_THAT(told.waiting, IsEmpty());

  // Its node has changed since.
  const Explanation labelled = ask("pod=default/a&taint=n1:t=x:NoSchedule");
  EXPECT_EQ(labelled.fitting, 0u);
  EXPECT_THAT(labelled.notes, ElementsAre("n1 would not be let through now: TaintToleration: node(s) had untolerated taint(s)"));
  EXPECT_EQ(ask("pod=default/a&drain=n1&addNodes=1:n1").chosen, "n1-like-1");
  EXPECT_EQ(scheduler_->cache().pod_count(), 1u);
}

TEST_F(WhyCluster, APodThatIsHeldBack) {
  begin();
  create(runnable("a").asks("3", "1Gi").label("hold", "me"));
  const Explanation told = ask("pod=default/a");
  EXPECT_EQ(told.state, "permit");
  EXPECT_THAT(told.message, HasSubstr("placed on n1, held back by Hold"));
  EXPECT_EQ(told.fitting, 1u);
  waiting->allow(cluster_.get<Pod>("default/a").metadata().uid(), "Hold");
  cluster_.advance(1s);
  EXPECT_EQ(ask("pod=default/a").state, "placed");
}

TEST_F(WhyCluster, APodBehindAGate) {
  begin();
  create(runnable("a").asks("3", "1Gi").gate("example.com/quota"));
  const Explanation told = ask("pod=default/a");
  EXPECT_EQ(told.state, "gated");
  EXPECT_THAT(told.message,
              testing::StartsWith("SchedulingGates: waiting for scheduling gates: [example.com/quota]; without that: 1/2 "
                                  "nodes fit, n1 would be taken"));
  EXPECT_EQ(told.waiting.front().place, "gated");
}

TEST_F(WhyCluster, APodOfAnotherScheduler) {
  begin();
  create(runnable("a").scheduler("other"));
  const Explanation told = ask("pod=default/a");
  EXPECT_EQ(told.state, "foreign");
  EXPECT_EQ(told.message, "the pod is for the scheduler \"other\"; the profiles of this one are: default-scheduler");
  EXPECT_EQ(told.nodes, 0u);
}

TEST_F(WhyCluster, APodThatHasEnded) {
  begin();
  create(runnable("a"));
  Pod pod = cluster_.get<Pod>("default/a");
  pod.mutable_status()->set_phase("Succeeded");
  cluster_.update_status<Pod>(pod);
  cluster_.advance(1s);
  EXPECT_EQ(ask("pod=default/a").state, "finished");
}

TEST_F(WhyCluster, APodThatThereIsNot) {
  EXPECT_EQ(refusal("pod=default/none"), 503) << "it does not know them yet";
  begin();
  EXPECT_EQ(refusal("pod=default/none"), 404);
}

TEST_F(WhyCluster, APodThatIsImagined) {
  begin();
  const std::string pod =
      "{kind: Pod, metadata: {name: idea}, spec: {containers: [{name: c, image: i, resources: {limits: {cpu: 3}}}]}}";
  const Explanation told = ask("", pod);
  EXPECT_TRUE(told.pod.imagined);
  EXPECT_EQ(told.pod.scheduler_name, "default-scheduler") << "defaults are filled in";
  EXPECT_EQ(told.state, "fits");
  EXPECT_EQ(told.chosen, "n1") << "limits are requests where there are none";
  EXPECT_EQ(ask("taint=n1:t=x:NoExecute", pod).state, "unschedulable");
  EXPECT_EQ(cluster_.list<Pod>("default").size(), 0u);
}

TEST_F(WhyCluster, WithoutNodes) {
  cluster_.remove<Node>("n1");
  cluster_.remove<Node>("n2");
  begin();
  create(runnable("a"));
  const Explanation told = ask("pod=default/a");
  EXPECT_EQ(told.message, "no nodes available to schedule pods");
  EXPECT_EQ(told.nodes, 0u);
}

TEST_F(WhyCluster, WhatPreemptionWouldDoIsNotDone) {
  begin();
  create(runnable("low").asks("3", ""));
  create(runnable("high").priority(10).asks("3", "").gate("example.com/later"));
  const Explanation told = ask("pod=default/high");
  ASSERT_EQ(told.preemption.size(), 1u) << why::to_json(told);
  ASSERT_EQ(told.preemption.front().nodes.size(), 1u);
  EXPECT_EQ(told.preemption.front().nodes.front().victims.front().pod, "default/low");
  cluster_.advance(5s);
  EXPECT_FALSE(cluster_.get<Pod>("default/low").metadata().has_deletion_timestamp());
}

// Before each pod is created it is asked what would become of it: from kept results and from those made anew the same.
TEST_F(WhyCluster, TheSchedulerDoesWhatItSays) {
  for (int i = 3; i < 8; ++i) {
    MakeNode made = make_node("n" + std::to_string(i)).has("cpu", std::to_string(1 + rng_.below(6)));
    if (rng_.below(2) == 0) made = std::move(made).label("pool", rng_.below(2) == 0 ? "a" : "b");
    if (rng_.below(3) == 0) made = std::move(made).taint("t", "", rng_.below(2) == 0 ? "NoSchedule" : "PreferNoSchedule");
    node(made);
  }
  begin();
  int placed = 0, pending = 0;
  for (int i = 0; i < 40; ++i) {
    MakePod made = runnable("p" + std::to_string(i)).asks(rng_.below(2) == 0 ? "500m" : "1", "");
    if (rng_.below(3) == 0) made = std::move(made).selects("pool", "a");
    if (rng_.below(3) == 0) made = std::move(made).tolerates("t", "Exists", "", "");
    if (rng_.below(3) == 0) made = std::move(made).prefers(5, requirement("pool", "In", {"b"}));
    const Explanation told = ask("runnersUp=100", api::encode_json(Pod(made)));
    create(made);
    const Pod pod = cluster_.get<Pod>("default/p" + std::to_string(i));
    const std::string& there = pod.spec().node_name();
    SCOPED_TRACE(why::to_json(told));
    if (told.state == "unschedulable") {
      ++pending;
      EXPECT_EQ(there, "");
      EXPECT_THAT(scheduler_->diagnosis({"default", pod.metadata().name()})->message, testing::StartsWith(told.message));
      continue;
    }
    ++placed;
    ASSERT_EQ(told.state, "fits");
    if (told.scores.empty()) {
      EXPECT_EQ(there, told.chosen);
      continue;
    }
    const auto& nodes = told.scores.front().nodes;
    const auto at = std::ranges::find(nodes, there, &why::ScoredNode::node);
    ASSERT_NE(at, nodes.end()) << there;
    EXPECT_EQ(at->total, nodes.front().total) << there;
  }
  EXPECT_GT(placed, 10);
  EXPECT_GT(pending, 5);
}

// A question is no attempt.
TEST_F(WhyCluster, AQuestionIsNotCounted) {
  begin();
  create(runnable("big").asks("5", ""));
  const auto evaluations = [&] {
    std::map<std::string, std::uint64_t> out;
    scheduler_->profile("default-scheduler")->each_evaluation([&](Point point, std::string_view plugin, std::uint64_t asked) {
      out[std::string(to_string(point)) + "/" + std::string(plugin)] = asked;
    });
    return out;
  };
  const auto before = evaluations();
  ask("pod=default/big");
  ask("pod=default/big&addNodes=5:n1");
  EXPECT_EQ(evaluations(), before);
  EXPECT_EQ(scheduler_->stats().attempts, 1u);
}

}  // namespace
}  // namespace ph::scheduler::test
