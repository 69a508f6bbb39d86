// The taint-eviction loop.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "api/times.h"
#include "controllers/common/conditions.h"
#include "controllers/taint_eviction/metrics.h"
#include "controllers/taint_eviction/plan.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Event, core::v1::Node, core::v1::Pod, core::v1::Taint, core::v1::Toleration;
using taint_eviction::Taints;
using testing::ElementsAre, testing::IsEmpty;

// -- Decisions

Taint taint(const std::string& key, const char* effect = "NoExecute") {
  Taint out;
  out.set_key(key);
  out.set_effect(effect);
  return out;
}
// Of any value and effect.
Toleration bears(const std::string& key, std::optional<std::int64_t> seconds = {}) {
  Toleration out;
  out.set_key(key);
  out.set_operator_("Exists");
  if (seconds) {
    out.set_effect("NoExecute");
    out.set_toleration_seconds(*seconds);
  }
  return out;
}

TEST(TaintEvictionPlan, HowLongAPodMayStay) {
  struct Case {
    const char* name;
    Taints taints;
    std::vector<Toleration> tolerations;
    std::optional<Duration> time;
  };
  const Case cases[] = {
      {"no taint", {}, {}, {}},
      {"not tolerated", {taint("a")}, {bears("b")}, 0s},
      {"for ever", {taint("a")}, {bears("a")}, {}},
      {"for a while", {taint("a")}, {bears("a", 300)}, 300s},
      {"not at all", {taint("a")}, {bears("a", 0)}, 0s},
      {"less than that", {taint("a")}, {bears("a", -5)}, 0s},
      {"the shortest", {taint("a"), taint("b")}, {bears("a", 300), bears("b", 20)}, 20s},
      {"one for ever", {taint("a"), taint("b")}, {bears("a"), bears("b", 20)}, 20s},
      {"one of two is not tolerated", {taint("a"), taint("b")}, {bears("a", 300)}, 0s},
      {"the first that fits counts", {taint("a")}, {bears("a", 3), bears("a")}, 3s},
      {"the first that fits counts, be it longer", {taint("a")}, {bears("a"), bears("a", 3)}, {}},
      {"everything is tolerated", {taint("a"), taint("b")}, {bears("")}, {}},
      {"longer than there is time", {taint("a")}, {bears("a", std::numeric_limits<std::int64_t>::max())}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const api::Tolerations tolerations(c.tolerations.begin(), c.tolerations.end());
    EXPECT_EQ(taint_eviction::may_stay(c.taints, tolerations), c.time);
  }
}

TEST(TaintEvictionPlan, WhichTaintsMatter) {
  Taint later = taint("a");
  api::set_time(later.mutable_time_added(), Time(1h));
  EXPECT_EQ(taint_eviction::no_execute({taint("a"), taint("b", "NoSchedule"), taint("c", "PreferNoSchedule")}).size(), 1u);
  EXPECT_TRUE(taint_eviction::are_same({taint("a")}, {later}));
  EXPECT_FALSE(taint_eviction::are_same({taint("a")}, {}));
  EXPECT_FALSE(taint_eviction::are_same({taint("a")}, {taint("b")}));
  Taint value = taint("a");
  value.set_value("v");
  EXPECT_FALSE(taint_eviction::are_same({taint("a")}, {value}));
}

TEST(TaintEvictionPlan, SaysWhoEndedThePod) {
  Pod pod = sim::make_pod("default/p", "n");
  pod.mutable_metadata()->set_uid("u1");
  pod.mutable_metadata()->set_generation(2);
  pod.mutable_status()->add_conditions()->set_type("Ready");
  const auto patch = taint_eviction::disruption_patch(pod, sim::SimClock::kStart);
  ASSERT_TRUE(patch);
  EXPECT_EQ(nlohmann::json::parse(*patch), nlohmann::json::parse(R"({"metadata":{"uid":"u1"},"status":{"conditions":[
      {"type":"DisruptionTarget","status":"True","reason":"DeletionByTaintManager",
       "message":"Taint manager: deleting due to NoExecute taint","lastTransitionTime":"2026-01-01T00:00:00Z","observedGeneration":2}],
      "$setElementOrder/conditions":[{"type":"Ready"},{"type":"DisruptionTarget"}]}})"));
  auto& told = *pod.mutable_status()->add_conditions();
  told.set_type("DisruptionTarget");
  told.set_status("True");
  told.set_reason("DeletionByTaintManager");
  told.set_message("Taint manager: deleting due to NoExecute taint");
  EXPECT_FALSE(taint_eviction::disruption_patch(pod, sim::SimClock::kStart));
}

// -- In a cluster

class TaintEvictionInACluster : public testing::Test {
 protected:
  TaintEvictionInACluster() {
    Node node;
    node.mutable_metadata()->set_name("n");
    cluster.create(node);
    cluster.advance(1s);
  }
  void make(const std::string& name, std::vector<Toleration> tolerations = {}, const std::string& node = "n") {
    Pod pod = sim::make_pod("default/" + name, node);
    for (Toleration& each : tolerations) *pod.mutable_spec()->add_tolerations() = std::move(each);
    cluster.create(pod);
    cluster.advance(1s);
  }
  void set_taints(Taints taints) {
    cluster.edit<Node>("n", [&](Node& node) {
      node.mutable_spec()->clear_taints();
      for (const Taint& each : taints) *node.mutable_spec()->add_taints() = each;
    });
  }
  // Nobody ends pods here: a deleted one stays for its grace.
  bool goes(const std::string& name) { return cluster.get<Pod>("default/" + name).metadata().has_deletion_timestamp(); }
  std::vector<std::string> told(const std::string& name) {
    std::vector<std::string> out;
    for (const Event& event : cluster.list<Event>("default")) {
      if (event.involved_object().name() == name) out.push_back(event.message());
    }
    return out;
  }
  std::string target(const std::string& name) {
    const Pod pod = cluster.get<Pod>("default/" + name);
    const auto* found = find_condition(pod.status(), "DisruptionTarget");
    return found ? found->reason() : std::string();
  }

  Metrics metrics;
  sim::Cluster cluster{sim::loops("taint-eviction-controller").counted_by(metrics)};
};

TEST_F(TaintEvictionInACluster, EachPodGoesInItsTime) {
  make("none");
  make("some", {bears("k", 60)});
  make("all", {bears("k")});
  make("unbound", {}, "");
  set_taints({taint("k")});
  cluster.advance(1s);
  EXPECT_TRUE(goes("none"));
  EXPECT_EQ(target("none"), "DeletionByTaintManager");
  EXPECT_THAT(told("none"), ElementsAre("Marking for deletion Pod default/none"));
  EXPECT_FALSE(goes("some"));
  cluster.advance(58s);
  EXPECT_FALSE(goes("some"));
  cluster.advance(2s);
  EXPECT_TRUE(goes("some"));
  EXPECT_THAT(told("some"), ElementsAre("Marking for deletion Pod default/some"));
  cluster.advance(1h);
  EXPECT_FALSE(goes("all"));
  EXPECT_THAT(told("all"), IsEmpty());
  EXPECT_FALSE(goes("unbound"));
  EXPECT_EQ(taint_eviction::EvictionFamilies{&metrics}.deletions.with({}).value(), 2u);
}

TEST_F(TaintEvictionInACluster, ATaintThatGoesCallsItOff) {
  make("p", {bears("k", 60)});
  set_taints({taint("k")});
  cluster.advance(50s);
  set_taints({});
  cluster.advance(1h);
  EXPECT_FALSE(goes("p"));
  EXPECT_THAT(told("p"), ElementsAre("Cancelling deletion of Pod default/p"));
  set_taints({taint("k")});
  cluster.advance(59s);
  EXPECT_FALSE(goes("p")) << "its time begins anew";
  cluster.advance(2s);
  EXPECT_TRUE(goes("p"));
}

TEST_F(TaintEvictionInACluster, OtherEffectsEvictNobody) {
  make("p");
  set_taints({taint("k", "NoSchedule"), taint("k", "PreferNoSchedule")});
  cluster.advance(1h);
  EXPECT_FALSE(goes("p"));
}

TEST_F(TaintEvictionInACluster, APodThatComesToATaintedNode) {
  set_taints({taint("k")});
  cluster.advance(1s);
  make("p");
  EXPECT_TRUE(goes("p"));
}

TEST_F(TaintEvictionInACluster, TolerationsThatGrowAreSeen) {
  make("p", {bears("k", 60)});
  set_taints({taint("k"), taint("other")});
  cluster.edit<Pod>("default/p", [](Pod& pod) { *pod.mutable_spec()->add_tolerations() = bears("other"); });
  cluster.advance(1s);
  EXPECT_TRUE(goes("p")) << "it was not tolerated in time";
  make("q", {bears("k", 60), bears("other", 60)});
  cluster.advance(10s);
  set_taints({taint("other")});
  cluster.advance(45s);
  EXPECT_FALSE(goes("q"));
  cluster.advance(10s);
  EXPECT_TRUE(goes("q")) << "its time runs while taints come and go";
}

TEST_F(TaintEvictionInACluster, ATaintThatIsNotToleratedEndsTheTime) {
  make("p", {bears("k", 600)});
  set_taints({taint("k")});
  cluster.advance(10s);
  set_taints({taint("k"), taint("other")});
  cluster.advance(1s);
  EXPECT_TRUE(goes("p"));
  EXPECT_EQ(told("p").size(), 2u);
}

TEST_F(TaintEvictionInACluster, ANodeThatIsGoneLiftsNothing) {
  make("p", {bears("k", 60)});
  set_taints({taint("k")});
  cluster.advance(10s);
  cluster.remove<Node>("n");
  cluster.advance(55s);
  EXPECT_TRUE(goes("p"));
}

TEST_F(TaintEvictionInACluster, APodOfTheSameNameHasATimeOfItsOwn) {
  make("p", {bears("k", 60)});
  set_taints({taint("k")});
  cluster.advance(50s);
  informers::DeleteOptions at_once;
  at_once.grace_seconds = 0;
  cluster.remove<Pod>("default/p", at_once);
  make("p", {bears("k", 60)});
  cluster.advance(30s);
  EXPECT_FALSE(goes("p"));
  cluster.advance(40s);
  EXPECT_TRUE(goes("p"));
}

TEST_F(TaintEvictionInACluster, AFreshStartDoesNotSayItAgain) {
  make("p");
  set_taints({taint("k")});
  cluster.advance(1s);
  ASSERT_TRUE(goes("p"));
  const std::size_t before = cluster.history().size();
  cluster.restart_loops();
  cluster.advance(10s);
  EXPECT_EQ(cluster.history().size(), before);
}

}  // namespace
}  // namespace ph::controllers
