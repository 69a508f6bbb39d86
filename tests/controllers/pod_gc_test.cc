#include "controllers/pod_gc/plan.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "controllers/pod_gc/metrics.h"
#include "tests/controllers/scripted_loop.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using core::v1::Pod;
using pod_gc::Why;
using testing::ElementsAre;

// -- Decisions

PodView view(std::string name, const char* phase, const char* node = "n1", Duration created = 0s) {
  PodView pod;
  pod.namespace_name = "shop";
  pod.name = name;
  pod.uid = "uid-" + name;
  pod.node_name = node;
  pod.phase = phase;
  pod.created = Time(created);
  return pod;
}
PodView deleted(PodView pod, std::int64_t grace = 30) {
  pod.deletion = Time(1h);
  pod.deletion_grace_seconds = grace;
  return pod;
}
PodView evicted(PodView pod) {
  pod.reason = "Evicted";
  return pod;
}

std::vector<std::string> chosen(const std::vector<PodView>& pods, const pod_gc::Facts& facts) {
  std::vector<Ref<PodView>> refs;
  for (const PodView& pod : pods) refs.push_back(std::make_shared<const PodView>(pod));
  std::vector<std::string> out;
  for (const auto& victim : pod_gc::victims(refs, facts))
    out.push_back(victim.pod->name + std::to_string(static_cast<int>(victim.why)));
  return out;
}

TEST(PodGcPlan, ChoosesVictims) {
  struct Case {
    const char* name;
    std::vector<PodView> pods;
    pod_gc::Facts facts;
    std::vector<std::string> victims;  // name and number of the reason, in order
  };
  const Case cases[] = {
      {"as many as may stay",
       {view("a", "Succeeded"), view("b", "Failed")},
       {.terminated_max = 2, .out_of_service = {}, .gone = {}},
       {}},
      {"the oldest go",
       {view("a", "Succeeded", "n1", 3s), view("b", "Failed", "n1", 1s), view("c", "Succeeded", "n1", 2s)},
       {.terminated_max = 1, .out_of_service = {}, .gone = {}},
       {"b0", "c0"}},
      {"evicted ones first",
       {view("a", "Failed", "n1", 1s), evicted(view("b", "Failed", "n1", 9s))},
       {.terminated_max = 1, .out_of_service = {}, .gone = {}},
       {"b0"}},
      {"evicted and yet running is no eviction",
       {view("a", "Succeeded", "n1", 1s), evicted(view("b", "Succeeded", "n1", 9s))},
       {.terminated_max = 1, .out_of_service = {}, .gone = {}},
       {"a0"}},
      {"of one age, by name",
       {view("b", "Failed"), view("a", "Failed")},
       {.terminated_max = 1, .out_of_service = {}, .gone = {}},
       {"a0"}},
      {"what runs does not count",
       {view("a", "Running"), view("b", "Pending"), view("c", "Unknown"), view("d", "Failed")},
       {.terminated_max = 1, .out_of_service = {}, .gone = {}},
       {}},
      {"no limit", {view("a", "Succeeded"), view("b", "Failed")}, {.terminated_max = 0, .out_of_service = {}, .gone = {}}, {}},
      {"a negative limit is none", {view("a", "Succeeded")}, {.terminated_max = -1, .out_of_service = {}, .gone = {}}, {}},
      {"ends on a node out of service",
       {deleted(view("a", "Running", "out")), view("b", "Running", "out"), deleted(view("c", "Running", "n1"))},
       {.terminated_max = 9, .out_of_service = {"out"}, .gone = {}},
       {"a1"}},
      {"on a node that is gone, deleted or not",
       {view("a", "Running", "gone"), deleted(view("b", "Running", "gone")), view("c", "Succeeded", "gone"),
        view("d", "Running")},
       {.terminated_max = 9, .out_of_service = {}, .gone = {"gone"}},
       {"a2", "b2", "c2"}},
      {"ends without a node",
       {deleted(view("a", "Pending", "")), view("b", "Pending", "")},
       {.terminated_max = 9, .out_of_service = {}, .gone = {}},
       {"a3"}},
      {"each once, for the first reason",
       {view("a", "Succeeded", "gone", 1s), view("b", "Succeeded", "gone", 2s)},
       {.terminated_max = 1, .out_of_service = {}, .gone = {"gone"}},
       {"a0", "b2"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(chosen(c.pods, c.facts), c.victims);
  }
}

TEST(PodGcPlan, KnowsWhatEndsForGood) {
  EXPECT_TRUE(pod_gc::is_ending_for_good(deleted(view("a", "Failed"), 0)));
  EXPECT_FALSE(pod_gc::is_ending_for_good(deleted(view("a", "Failed"), 30)));
  EXPECT_FALSE(pod_gc::is_ending_for_good(deleted(view("a", "Running"), 0))) << "its phase is still to be set";
  EXPECT_FALSE(pod_gc::is_ending_for_good(view("a", "Failed")));
}

Node node(const std::string& name, bool tainted, const char* ready) {
  Node out;
  out.mutable_metadata()->set_name(name);
  if (tainted) {
    auto& taint = *out.mutable_spec()->add_taints();
    taint.set_key("node.kubernetes.io/out-of-service");
    taint.set_value("nodeshutdown");
    taint.set_effect("NoExecute");
  }
  if (*ready) {
    auto& condition = *out.mutable_status()->add_conditions();
    condition.set_type("Ready");
    condition.set_status(ready);
  }
  return out;
}

TEST(PodGcPlan, KnowsNodesOutOfService) {
  struct Case {
    const char* name;
    bool tainted;
    const char* ready;
    bool out_of_service;
  };
  for (const Case& c : {Case{"tainted, not ready", true, "False", true}, Case{"tainted, unknown", true, "Unknown", true},
                        Case{"tainted, never heard of", true, "", true}, Case{"tainted but ready", true, "True", false},
                        Case{"not ready without the taint", false, "False", false}}) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(pod_gc::is_out_of_service(*informers::NodeView::of(node("n", c.tainted, c.ready))), c.out_of_service);
  }
}

TEST(PodGcPlan, AQuarantineLasts40Seconds) {
  pod_gc::Quarantine quarantine;
  const auto at = [](Duration since) { return Steady(since); };
  EXPECT_THAT(quarantine.due({"a"}, at(0s)), ElementsAre());
  EXPECT_THAT(quarantine.due({"a", "b"}, at(20s)), ElementsAre());
  EXPECT_THAT(quarantine.due({"a", "b"}, at(39999ms)), ElementsAre());
  EXPECT_THAT(quarantine.due({"a", "b"}, at(40s)), ElementsAre("a"));
  EXPECT_THAT(quarantine.due({"a", "b"}, at(60s)), ElementsAre("a", "b")) << "as long as it is missing";
  EXPECT_THAT(quarantine.due({"b"}, at(70s)), ElementsAre("b"));
  EXPECT_THAT(quarantine.due({"a", "b"}, at(80s)), ElementsAre("b")) << "it was there meanwhile";
  quarantine.begin_anew("b", at(80s));
  EXPECT_THAT(quarantine.due({"a", "b"}, at(119s)), ElementsAre());
  EXPECT_THAT(quarantine.due({"a", "b"}, at(120s)), ElementsAre("a", "b"));
}

TEST(PodGcPlan, SaysWhoEndedAnOrphan) {
  Pod pod = sim::make_pod("default/p", "gone");
  pod.mutable_metadata()->set_uid("u1");
  pod.mutable_metadata()->set_generation(3);
  const auto patch = [&](Why why) { return nlohmann::json::parse(pod_gc::failed_patch(pod, why, sim::SimClock::kStart)); };
  EXPECT_EQ(patch(Why::OutOfService),
            nlohmann::json::parse(R"({"metadata":{"uid":"u1"},"status":{"phase":"Failed","observedGeneration":3}})"));
  EXPECT_EQ(patch(Why::Unscheduled), patch(Why::OutOfService));
  const auto orphaned =
      nlohmann::json::parse(R"({"metadata":{"uid":"u1"},"status":{"phase":"Failed","observedGeneration":3,"conditions":[
      {"type":"DisruptionTarget","status":"True","reason":"DeletionByPodGC","message":"PodGC: node no longer exists",
       "lastTransitionTime":"2026-01-01T00:00:00Z","observedGeneration":3}],
      "$setElementOrder/conditions":[{"type":"DisruptionTarget"}]}})");
  EXPECT_EQ(patch(Why::Orphaned), orphaned);

  auto& before = *pod.mutable_status()->add_conditions();
  before.set_type("DisruptionTarget");
  before.set_status("True");
  before.set_reason("DeletionByTaintManager");
  api::set_time(before.mutable_last_transition_time(), sim::SimClock::kStart - 1h);
  EXPECT_EQ(patch(Why::Orphaned)["status"]["conditions"][0]["lastTransitionTime"], "2025-12-31T23:00:00Z")
      << "it was a target before";
  before.set_status("False");
  EXPECT_EQ(patch(Why::Orphaned), orphaned);
}

// -- In a cluster

std::string phase_and_target(const std::string& bytes) {
  Pod pod;
  api::decode_protobuf(bytes, pod);
  std::string out = pod.status().phase();
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "DisruptionTarget") out += " " + condition.reason();
  }
  return out;
}

// What became of one pod, write by write: "phase [reason]", or "gone".
std::vector<std::string>& follow(sim::Cluster& cluster, std::string key, std::vector<std::string>& story) {
  cluster.on_write([&story, key = "/registry/pods/" + key](const sim::Cluster::Write& write) {
    if (write.key == key) story.push_back(write.object.empty() ? "gone" : phase_and_target(write.object));
  });
  return story;
}

void set_phase(sim::Cluster& cluster, const std::string& key, const std::string& phase, const std::string& reason = {}) {
  Pod pod = cluster.get<Pod>(key);
  pod.mutable_status()->set_phase(phase);
  if (!reason.empty()) pod.mutable_status()->set_reason(reason);
  cluster.update_status(pod);
}

TEST(PodGc, AnOrphanGoesAfterTheQuarantine) {
  sim::Cluster cluster(sim::loops("podgc"));
  std::vector<std::string> story;
  follow(cluster, "default/p", story);
  cluster.create(sim::make_pod("default/p", "ghost"));
  set_phase(cluster, "default/p", "Running");
  cluster.advance(39s);
  EXPECT_THAT(story, ElementsAre("Pending", "Running"));
  cluster.advance(21s);
  EXPECT_THAT(story, ElementsAre("Pending", "Running", "Failed DeletionByPodGC", "gone"));
}

TEST(PodGc, CountsWhatItRemoves) {
  Metrics metrics;
  sim::Cluster cluster(sim::loops("podgc").counted_by(metrics));
  cluster.create(sim::make_pod("default/a", "ghost"));
  cluster.create(sim::make_pod("default/b", "ghost"));
  cluster.advance(1min);
  EXPECT_EQ(pod_gc::PodGcFamilies{&metrics}.removed.with({"default", "orphaned"}).value(), 2u);
  EXPECT_EQ(pod_gc::PodGcFamilies{&metrics}.failed.with({"default", "orphaned"}).value(), 0u);
}

TEST(PodGc, ANodeThatComesBackKeepsItsPods) {
  sim::Cluster cluster(sim::loops("podgc"));
  cluster.create(sim::make_pod("default/p", "late"));
  cluster.advance(39s);
  cluster.create(node("late", false, "True"));
  cluster.advance(10min);
  EXPECT_EQ(cluster.get<Pod>("default/p").status().phase(), "Pending");
  cluster.remove<Node>("late");
  cluster.advance(39s);
  EXPECT_TRUE(cluster.has<Pod>("default/p")) << "the quarantine begins anew";
  cluster.advance(25s);
  EXPECT_FALSE(cluster.has<Pod>("default/p"));
}

TEST(PodGc, AFreshStartBeginsTheQuarantineAnewAndForgetsNothing) {
  sim::Cluster cluster(sim::loops("podgc"));
  cluster.create(sim::make_pod("default/p", "ghost"));
  cluster.advance(35s);
  cluster.restart_loops();
  cluster.advance(38s);
  EXPECT_TRUE(cluster.has<Pod>("default/p"));
  cluster.advance(25s);
  EXPECT_FALSE(cluster.has<Pod>("default/p"));
}

TEST(PodGc, ACrashBetweenPhaseAndDeleteIsMadeGood) {
  sim::Cluster cluster(sim::loops("podgc"));
  std::vector<std::string> story;
  bool crashed = false;
  cluster.create(sim::make_pod("default/p", "ghost"));
  follow(cluster, "default/p", story);
  // The process ends the moment the phase is written.
  cluster.run_until(
      [&] {
        if (!crashed && !story.empty()) {
          crashed = true;
          cluster.restart_loops();
        }
        return !cluster.has<Pod>("default/p");
      },
      5min);
  EXPECT_THAT(story, ElementsAre("Failed DeletionByPodGC", "gone"));
}

TEST(PodGc, PodsThatEndWithoutANodeGo) {
  sim::Cluster cluster(sim::loops("podgc"));
  Pod held = sim::make_pod("default/held");
  held.mutable_metadata()->add_finalizers("example.com/hold");
  cluster.create(held);
  cluster.create(sim::make_pod("default/waits"));
  cluster.advance(1min);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 2u);
  cluster.remove<Pod>("default/held");
  cluster.advance(21s);
  EXPECT_EQ(cluster.get<Pod>("default/held").status().phase(), "Failed") << "its owner must not wait for it";
  const std::size_t before = cluster.history().size();
  cluster.advance(5min);
  EXPECT_EQ(cluster.history().size(), before) << "nothing is left to do but for the finalizer's owner";
  cluster.edit<Pod>("default/held", [](Pod& pod) { pod.mutable_metadata()->clear_finalizers(); });
  EXPECT_FALSE(cluster.has<Pod>("default/held"));
  EXPECT_TRUE(cluster.has<Pod>("default/waits"));
}

TEST(PodGc, ANodeOutOfServiceLetsItsEndingPodsGo) {
  sim::Cluster cluster(sim::loops("podgc"));
  cluster.create(node("dead", false, ""));
  cluster.create(sim::make_pod("default/ending", "dead"));
  cluster.create(sim::make_pod("default/stays", "dead"));
  set_phase(cluster, "default/ending", "Running");
  cluster.remove<Pod>("default/ending");
  cluster.advance(10min);
  ASSERT_TRUE(cluster.has<Pod>("default/ending")) << "its node has not said that it ended";
  std::vector<std::string> story;
  follow(cluster, "default/ending", story);
  cluster.edit<Node>("dead", [](Node& dead) { *dead.mutable_spec() = node("dead", true, "").spec(); });
  cluster.advance(20s);
  EXPECT_THAT(story, ElementsAre("Failed", "gone"));
  EXPECT_TRUE(cluster.has<Pod>("default/stays"));
}

TEST(PodGc, KeepsTheYoungestFinishedPods) {
  Options options;
  options.terminated_pod_gc_threshold = 3;
  sim::Cluster cluster(sim::loops("podgc").options(options));
  cluster.create(node("n1", false, "True"));
  cluster.create(sim::make_pod("default/runs", "n1"));
  for (const char* name : {"default/a", "default/b", "default/c", "default/d", "default/e"}) {
    cluster.create(sim::make_pod(name, "n1"));
    cluster.advance(2s);
  }
  for (const char* name : {"default/a", "default/b", "default/c", "default/d"}) set_phase(cluster, name, "Succeeded");
  set_phase(cluster, "default/e", "Failed", "Evicted");
  cluster.advance(20s);
  std::vector<std::string> left;
  for (const Pod& pod : cluster.list<Pod>("default")) left.push_back(pod.metadata().name());
  EXPECT_THAT(left, ElementsAre("b", "c", "d", "runs"));
  cluster.advance(5min);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 4u);
}

TEST(PodGc, MayDoSoInARealCluster) {
  sim::Cluster cluster(sim::everything(3));
  cluster.create(sim::make_deployment("default/web").replicas(3).object());
  ASSERT_TRUE(cluster.run_until_quiet());
  std::vector<std::string> story;
  follow(cluster, "default/p", story);
  cluster.create(sim::make_pod("default/p", "ghost"));
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.has<Pod>("default/p"); }, 70s));
  EXPECT_THAT(story, ElementsAre("Pending", "Failed DeletionByPodGC", "gone"));
  EXPECT_EQ(cluster.list<Pod>("default").size(), 3u);
}

// -- The cache is late.

Pod bound(const std::string& uid, const std::string& node_name, const char* phase) {
  Pod pod = sim::make_pod("default/p", node_name);
  pod.mutable_metadata()->set_uid(uid);
  pod.mutable_metadata()->set_resource_version("5");
  pod.mutable_status()->set_phase(phase);
  return pod;
}
core::v1::PodList list_of(const Pod& pod) {
  core::v1::PodList out;
  *out.add_items() = pod;
  return out;
}

TEST(PodGcStale, ANodeIsLookedForBeforeItsPodsGo) {
  const Pod pod = bound("u1", "late", "Running");
  ScriptedLoop loop("podgc");
  loop.start({{"pods", {&pod}}});
  EXPECT_EQ(loop.request(), "");
  loop.executor.advance(40s);
  ASSERT_EQ(loop.request(), "GET /api/v1/nodes/late");
  loop.server.answer(node("late", false, "True"));
  EXPECT_EQ(loop.request(), "") << "it exists, whatever the cache says";
  loop.executor.advance(39s);
  EXPECT_EQ(loop.request(), "");
  loop.executor.advance(1s);
  ASSERT_EQ(loop.request(), "GET /api/v1/nodes/late");
  loop.server.refuse(500, "InternalError");
  EXPECT_EQ(loop.request(), "") << "nobody knows";
  loop.executor.advance(20s);
  ASSERT_EQ(loop.request(), "GET /api/v1/nodes/late");
  loop.server.refuse(404, "NotFound");
  ASSERT_EQ(loop.request(), "GET /api/v1/namespaces/default/pods");
  EXPECT_EQ(informers::query(loop.server.expect(), "fieldSelector"), "metadata.name=p");
  loop.server.answer(list_of(pod));
  ASSERT_EQ(loop.request(), "PATCH /api/v1/namespaces/default/pods/p/status");
  EXPECT_EQ(nlohmann::json::parse(loop.server.expect().body)["metadata"]["uid"], "u1");
  loop.server.answer(pod);
  ASSERT_EQ(loop.request(), "DELETE /api/v1/namespaces/default/pods/p");
  EXPECT_EQ(loop.delete_options().preconditions().uid(), "u1");
  EXPECT_EQ(loop.delete_options().grace_period_seconds(), 0);
}

TEST(PodGcStale, AnotherPodOfThatNameIsLeftAlone) {
  const Pod pod = bound("u1", "gone", "Running");
  ScriptedLoop loop("podgc");
  loop.start({{"pods", {&pod}}});
  loop.executor.advance(40s);
  ASSERT_EQ(loop.request(), "GET /api/v1/nodes/gone");
  loop.server.refuse(404, "NotFound");
  loop.server.answer(list_of(bound("u2", "n1", "Running")));
  EXPECT_EQ(loop.request(), "");
}

TEST(PodGcStale, ANodeBackInServiceEndsItsPodsItself) {
  Pod pod = bound("u1", "n1", "Running");
  api::set_time(pod.mutable_metadata()->mutable_deletion_timestamp(), sim::SimClock::kStart);
  pod.mutable_metadata()->set_deletion_grace_period_seconds(30);
  Node dead = node("n1", true, "Unknown");
  dead.mutable_metadata()->set_resource_version("6");
  ScriptedLoop loop("podgc");
  loop.start({{"pods", {&pod}}, {"nodes", {&dead}}});
  ASSERT_EQ(loop.request(), "GET /api/v1/nodes/n1");
  loop.server.answer(node("n1", true, "True"));
  EXPECT_EQ(loop.request(), "");
  loop.executor.advance(20s);
  ASSERT_EQ(loop.request(), "GET /api/v1/nodes/n1");
  loop.server.answer(dead);
  EXPECT_EQ(loop.request(), "GET /api/v1/namespaces/default/pods");
}

}  // namespace
}  // namespace ph::controllers
