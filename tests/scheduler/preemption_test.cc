// Preemption: who would have to go, where, and what becomes of it in a cluster. Cases of the documentation on priority and preemption.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/config/configuration.h"
#include "scheduler/plugins/preemption_choice.h"
#include "scheduler/plugins/preemption_victims.h"
#include "tests/scheduler/make.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;
using policy::v1::PodDisruptionBudget;
using testing::ElementsAre;
using testing::HasSubstr;

Pod started(Pod pod, std::int64_t second) { return pod.mutable_status()->mutable_start_time()->set_seconds(second), pod; }

Pod running(const std::string& name, int priority, const std::string& cpu, std::int64_t second = 0) {
  const Pod pod = make_pod(name).on("n").priority(priority).asks(cpu, "").label("app", name);
  return second == 0 ? pod : started(pod, second);
}

PodDisruptionBudget budget(const std::string& app, int allowed) {
  PodDisruptionBudget out;
  out.mutable_metadata()->set_namespace_("default");
  if (!app.empty()) (*out.mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = app;
  out.mutable_spec()->mutable_selector();
  out.mutable_status()->set_disruptions_allowed(allowed);
  return out;
}

TEST(Preemption, MoreImportant) {
  struct Case {
    const char* name;
    Pod a, b;
    bool more;
  };
  const Case kCases[] = {
      {"by priority", running("a", 2, "1"), running("b", 1, "1"), true},
      {"with less priority", running("a", 1, "1"), running("b", 2, "1"), false},
      {"has run longer", running("a", 1, "1", 5), running("b", 1, "1", 9), true},
      {"has run for a shorter time", running("a", 1, "1", 9), running("b", 1, "1", 5), false},
      {"runs, the other one does not yet", running("a", 1, "1", 9), running("b", 1, "1"), true},
      {"priority goes before time", running("a", 2, "1", 9), running("b", 1, "1", 5), true},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(more_important(make_pod_info(c.a), make_pod_info(c.b)), c.more);
  }
}

TEST(Preemption, Budgets) {
  struct Case {
    const char* name;
    std::vector<PodDisruptionBudget> budgets;
    std::vector<Pod> pods;
    std::vector<bool> violated;
  };
  PodDisruptionBudget elsewhere = budget("a", 0), counted = budget("a", 0), odd = budget("a", 0);
  elsewhere.mutable_metadata()->set_namespace_("other");
  (*counted.mutable_status()->mutable_disrupted_pods())["a"];
  odd.mutable_spec()->mutable_selector()->add_match_expressions()->set_operator_("Like");
  const Pod a = running("a", 1, "1"), b = running("b", 1, "1"), unlabelled = make_pod("c").on("n");
  const Case kCases[] = {
      {"none", {}, {a}, {false}},
      {"nobody may go", {budget("a", 0)}, {a, b}, {true, false}},
      {"one may go", {budget("a", 1)}, {a, a, a}, {false, true, true}},
      {"two budgets, one of them spent", {budget("a", 5), budget("a", 0)}, {a}, {true}},
      {"a selector that is empty selects nobody", {budget("", 0)}, {a, unlabelled}, {false, false}},
      {"of another namespace", {elsewhere}, {a}, {false}},
      {"counted already", {counted}, {a}, {false}},
      {"a selector that means nothing", {odd}, {a}, {false}},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    DisruptionBudgets budgets;
    for (const PodDisruptionBudget& budget : c.budgets) budgets.add(budget);
    std::vector<PodRef> pods;
    for (const Pod& pod : c.pods) pods.push_back(make_pod_info(pod));
    EXPECT_EQ(budgets.violated_by(pods), c.violated);
  }
}

// On a node with four cpus.
TEST(Preemption, Victims) {
  struct Case {
    const char* name;
    std::vector<Pod> there;
    Pod pod;
    std::vector<PodDisruptionBudget> budgets;
    std::vector<std::string> victims;
    int violations;
    std::string refusal;
  };
  const auto preemptor = [](const std::string& cpu) -> Pod { return make_pod().priority(10).asks(cpu, ""); };
  const std::string kNobody = "No preemption victims found for incoming pod";
  const Case kCases[] = {
      {"nobody matters less", {running("a", 10, "4")}, preemptor("1"), {}, {}, 0, kNobody},
      {"the only one", {running("a", 0, "3")}, preemptor("2"), {}, {"a"}, 0, ""},
      {"no more than needed", {running("a", 0, "2"), running("b", 0, "2")}, preemptor("1"), {}, {"b"}, 0, ""},
      {"the least important one", {running("a", 2, "2"), running("b", 1, "2")}, preemptor("2"), {}, {"b"}, 0, ""},
      {"the youngest of equals", {running("a", 1, "2", 5), running("b", 1, "2", 9)}, preemptor("2"), {}, {"b"}, 0, ""},
      {"a more important one when that is enough",
       {running("a", 2, "3"), running("b", 1, "1")},
       preemptor("3"),
       {},
       {"a"},
       0,
       ""},
      {"all of them, the most important first",
       {running("a", 1, "2"), running("b", 2, "2")},
       preemptor("4"),
       {},
       {"b", "a"},
       0,
       ""},
      {"not even without them", {running("a", 0, "1"), running("b", 20, "2")}, preemptor("3"), {}, {}, 0, "Insufficient cpu"},
      {"rather one that no budget protects",
       {running("a", 1, "2"), running("b", 2, "2")},
       preemptor("2"),
       {budget("a", 0)},
       {"b"},
       0,
       ""},
      {"one that a budget protects when it must be",
       {running("a", 1, "2"), running("b", 20, "2")},
       preemptor("2"),
       {budget("a", 0)},
       {"a"},
       1,
       ""},
      {"both, in the order of importance",
       {running("a", 1, "2"), running("b", 2, "2")},
       preemptor("4"),
       {budget("a", 0)},
       {"b", "a"},
       1,
       ""},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Cluster cluster;
    cluster.node(make_node("n"));
    for (const Pod& pod : c.there) cluster.pod(pod);
    const Snapshot& snapshot = cluster.take();
    const Profile profile(default_profile(), {.snapshot = &snapshot});
    DisruptionBudgets budgets;
    for (const PodDisruptionBudget& budget : c.budgets) budgets.add(budget);
    CycleState state(make_pod_info(c.pod));
    ASSERT_TRUE(profile.pre_filter(state, c.pod, snapshot.nodes()).verdict.success());
    const DryRun run = select_victims(profile, state, c.pod, *snapshot.find("n"), budgets, Nominator());
    std::vector<std::string> victims;
    for (const PodRef& pod : run.victims.pods) victims.push_back(pod->name);
    EXPECT_EQ(victims, c.victims);
    EXPECT_EQ(run.victims.violations, c.violations);
    EXPECT_EQ(run.reasons, c.refusal.empty() ? std::vector<std::string>() : std::vector{c.refusal});
    EXPECT_EQ(snapshot.find("n")->pods().size(), c.there.size()) << "nothing has really happened";
  }
}

TEST(Preemption, Choice) {
  struct Case {
    const char* name;
    std::vector<Pod> a, b;
    int a_violates, b_violates;
    const char* node;
  };
  const Case kCases[] = {
      {"fewer violated budgets", {running("x", 1, "1")}, {running("y", 9, "1")}, 1, 0, "b"},
      {"the less important first victim", {running("x", 5, "1")}, {running("y", 1, "1"), running("z", 1, "1")}, 0, 0, "b"},
      {"the smaller sum", {running("x", 5, "1"), running("x", 5, "1")}, {running("y", 5, "1"), running("z", 1, "1")}, 0, 0, "b"},
      {"fewer victims, whatever their priorities",
       {running("x", -1, "1"), running("x", -1, "1")},
       {running("y", -1, "1")},
       0,
       0,
       "b"},
      {"the younger victims", {running("x", 1, "1", 5)}, {running("y", 1, "1", 9)}, 0, 0, "b"},
      {"a victim that has not started", {running("x", 1, "1", 5)}, {running("y", 1, "1")}, 0, 0, "b"},
  };
  SeededRng rng(1);
  const NodeInfo first("a"), second("b");
  const auto candidate = [](const NodeInfo& node, const std::vector<Pod>& pods, int violations) {
    DryRun run;
    run.victims.violations = violations;
    for (const Pod& pod : pods) run.victims.pods.push_back(make_pod_info(pod));
    return Candidate{&node, std::make_shared<const DryRun>(std::move(run))};
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Candidate a = candidate(first, c.a, c.a_violates), b = candidate(second, c.b, c.b_violates);
    EXPECT_EQ(choose({a, b}, rng).node->name(), c.node);
    EXPECT_EQ(choose({b, a}, rng).node->name(), c.node);
  }
}

// -- In a cluster

class Preempting : public testing::Test {
 protected:
  void node(const Node& node) {
    Node created = cluster.create<Node>(node);
    *created.mutable_status() = node.status();
    cluster.update_status(std::move(created));
  }
  void create(const std::string& name, int priority, const std::string& cpu, const std::string& policy = {}) {
    Pod pod = make_pod(name).uid("").with(container().image("img:1")).asks(cpu, "").label("app", name);
    pod.mutable_spec()->set_priority(priority);
    if (!policy.empty()) pod.mutable_spec()->set_preemption_policy(policy);
    cluster.create<Pod>(pod);
    cluster.advance(500ms);
  }
  // As the kubelet does when all has ended.
  void kill(const std::string& name) {
    informers::DeleteOptions options;
    options.grace_seconds = 0;
    cluster.remove<Pod>("default/" + name, options);
  }
  Pod pod(const std::string& name) { return cluster.get<Pod>("default/" + name); }
  std::string condition(const std::string& name, const std::string& type) {
    for (const auto& condition : pod(name).status().conditions()) {
      if (condition.type() == type) return condition.status() + " " + condition.reason() + ": " + condition.message();
    }
    return {};
  }

  sim::Cluster cluster{sim::no_loops().scheduler()};
};

TEST_F(Preempting, TheVictimGoesAndThePodComes) {
  node(make_node("n1"));
  create("low", 0, "3");
  ASSERT_EQ(pod("low").spec().node_name(), "n1");
  create("high", 10, "3");
  EXPECT_EQ(pod("high").status().nominated_node_name(), "n1");
  EXPECT_EQ(condition("high", "PodScheduled"), "False Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.");
  ASSERT_TRUE(pod("low").metadata().has_deletion_timestamp());
  EXPECT_EQ(condition("low", "DisruptionTarget"),
            "True PreemptionByScheduler: default-scheduler: preempting to accommodate a higher priority pod");
  // Somebody of a lower priority does not take the room meanwhile.
  create("middle", 5, "2");
  EXPECT_EQ(pod("middle").spec().node_name(), "");
  kill("low");
  cluster.advance(1s);
  EXPECT_EQ(pod("high").spec().node_name(), "n1");
  EXPECT_EQ(pod("high").status().nominated_node_name(), "");
  EXPECT_EQ(pod("middle").spec().node_name(), "");
}

TEST_F(Preempting, APodThatIsToWaitWaits) {
  node(make_node("n1"));
  create("low", 0, "3");
  create("high", 10, "3", "Never");
  EXPECT_THAT(condition("high", "PodScheduled"), HasSubstr("preemption: not eligible due to preemptionPolicy=Never."));
  EXPECT_FALSE(pod("low").metadata().has_deletion_timestamp());
}

TEST_F(Preempting, EqualsStay) {
  node(make_node("n1"));
  create("low", 10, "3");
  create("high", 10, "3");
  EXPECT_THAT(condition("high", "PodScheduled"),
              HasSubstr("preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."));
  EXPECT_FALSE(pod("low").metadata().has_deletion_timestamp());
}

TEST_F(Preempting, WhereItDoesNotHelpNobodyGoes) {
  node(make_node("n1").taint("k", "v", "NoSchedule"));
  node(make_node("n2").has("cpu", "1"));
  create("high", 10, "3");
  EXPECT_THAT(condition("high", "PodScheduled"),
              HasSubstr("preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."));
}

// A pod that finds another place while its victims go is bound there; the room it leaves is tried by those who waited for it.
TEST_F(Preempting, ANominationThatEndsFreesItsRoom) {
  node(make_node("n1"));
  create("low", 0, "4");
  create("high", 10, "4");
  create("middle", 5, "4");
  EXPECT_EQ(pod("high").status().nominated_node_name(), "n1");
  kill("high");
  kill("low");
  cluster.advance(15s);
  EXPECT_EQ(pod("middle").spec().node_name(), "n1");
}

// They go by themselves, both, before the first of them is asked to, while the preemptor is kept back.
TEST_F(Preempting, VictimsThatHaveGoneWhenTheyAreSentAway) {
  node(make_node("n1"));
  create("first", 1, "2");
  create("last", 0, "2");
  cluster.put_before([](HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.method != "PATCH" || request.path() != "/api/v1/namespaces/default/pods/first/status") return std::nullopt;
    HttpResponse later;
    later.status = 429;
    later.headers.add("retry-after", "3");
    return later;
  });
  create("high", 10, "4");
  kill("last");
  cluster.advance(500ms);
  kill("first");
  cluster.advance(500ms);
  EXPECT_EQ(pod("high").spec().node_name(), "") << "its victims have not been sent away yet";
  cluster.put_before({});
  cluster.advance(10s);
  EXPECT_EQ(pod("high").spec().node_name(), "n1");
}

// However it goes, in the end nobody waits who would fit.
TEST_F(Preempting, NobodyIsStranded) {
  for (int i = 0; i < 5; ++i) node(make_node("n" + std::to_string(i)));
  for (int i = 0; i < 10; ++i) create("low" + std::to_string(i), 0, "2");
  for (int i = 0; i < 6; ++i) create("high" + std::to_string(i), 10, "2");
  for (int round = 0; round < 20; ++round) {
    for (const Pod& pod : cluster.list<Pod>("default")) {
      if (pod.metadata().has_deletion_timestamp()) kill(pod.metadata().name());
    }
    cluster.advance(5s);
  }
  int placed = 0, left = 0;
  for (const Pod& pod : cluster.list<Pod>("default")) {
    const bool high = pod.metadata().name().starts_with("high");
    placed += high && !pod.spec().node_name().empty();
    left += !high && !pod.metadata().has_deletion_timestamp();
  }
  EXPECT_EQ(placed, 6);
  EXPECT_EQ(left, 4) << "no more victims than needed";
}

}  // namespace
}  // namespace ph::scheduler::test
