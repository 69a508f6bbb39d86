// One cycle on a cache made by hand: which node is taken, and the words when none is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/scheduler.h"
#include "tests/scheduler/make.h"
#include "tests/sim/executor.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;

// Nobody is asked: these tests stop before anything is written.
class NoTransport final : public Transport {
 public:
  Task<HttpResponse> send(HttpRequest request, bool) override {
    const bool follows = request.target.find("watch=true") != std::string::npos;  // informers, where time goes on
    if (!follows) ADD_FAILURE() << "a cycle must not talk to the API: " << request.method << " " << request.target;
    co_return HttpResponse{};
  }
};

// Counts what is drawn; `next_is` is what comes next instead of the seed's number.
class CountedRng final : public Rng {
 public:
  std::uint64_t next() override {
    ++drawn;
    return next_is.value_or(seeded_.next());
  }
  int drawn = 0;
  std::optional<std::uint64_t> next_is;

 private:
  SeededRng seeded_{1};
};

struct Bench {
  sim::SimExecutor executor;
  CountedRng rng;
  NoTransport transport;
  informers::Client client{transport, "test"};
  informers::Informers informers{executor, client, rng, {}};
  Scheduler scheduler;
  explicit Bench(Configuration configuration = Configuration::defaults())
      : scheduler(
            {.executor = executor, .clock = executor.clock(), .rng = rng, .client = client, .informers = informers, .log = {}},
            std::move(configuration)) {}

  Scheduler::Placement place(const Pod& pod, Diagnosis& diagnosis) {
    CycleState state(make_pod_info(pod));
    return scheduler.place(*scheduler.profile("default-scheduler"), state, pod, diagnosis);
  }
  // The node's name, or the message.
  std::string outcome(const Pod& pod) {
    Diagnosis diagnosis;
    const auto placement = place(pod, diagnosis);
    return placement.node ? placement.node->name() : fit_message(diagnosis);
  }
};

TEST(Cycle, APodWaitsForAnEventAsLongAsTheConfigurationSays) {
  for (const bool said : {true, false}) {
    Configuration configuration = Configuration::defaults();
    if (said) configuration.unschedulable_max = 5s;
    Bench bench(std::move(configuration));
    const Profile& profile = *bench.scheduler.profile("default-scheduler");
    SchedulingQueue& queue = bench.scheduler.queue();
    queue.flush();
    queue.add(*SchedulerPod::of(make_pod()), profile);
    const QueuedRef pod = queue.pop();
    ASSERT_NE(pod, nullptr);
    pod->rejectors = profile.bit_of("NodeName");
    queue.put_back(pod);
    bench.executor.advance(31s);  // it is looked at every thirty
    queue.flush();
    EXPECT_EQ(queue.counts().active, said ? 1u : 0u);
  }
}

struct Case {
  const char* name;
  std::vector<Node> nodes;
  std::vector<Pod> there;
  Pod pod;
  const char* outcome;
};

TEST(Cycle, Outcomes) {
  // clang-format off
  const Case kCases[] = {
      {"the only node", {make_node("a")}, {}, make_pod().asks("1", "1Gi"), "a"},
      {"the emptier node", {make_node("a"), make_node("b")}, {make_pod("x").on("a").asks("2", "4Gi")}, make_pod().asks("1", "1Gi"), "b"},
      {"the untainted node", {make_node("a").taint("t", "", "PreferNoSchedule"), make_node("b")}, {}, make_pod().asks("1", "1Gi"), "b"},
      {"the preferred node", {make_node("a"), make_node("b").label("x", "1")}, {}, make_pod().asks("1", "1Gi").prefers(1, requirement("x", "Exists")), "b"},
      {"the named node", {make_node("a"), make_node("b")}, {make_pod("x").on("b").asks("2", "4Gi")},
       make_pod().requires_field({requirement("metadata.name", "In", {"b"})}), "b"},
      {"reasons are counted and sorted",
       {make_node("a").has("cpu", "1"), make_node("b").has("cpu", "1"), make_node("c").taint("t", "", "NoSchedule")}, {}, make_pod().asks("2", "1Gi"),
       "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu."},
      {"a node may be short of several things", {make_node("a").has("cpu", "1").has("memory", "1Gi")}, {}, make_pod().asks("2", "2Gi"),
       "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."},
      {"affinity", {make_node("a"), make_node("b").cordoned()}, {}, make_pod().selects("x", "y"),
       "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable."},
      {"names nobody has", {make_node("a"), make_node("b")}, {}, make_pod().requires_field({requirement("metadata.name", "In", {"z"})}),
       "0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."},
      {"a named node that is full", {make_node("a").has("pods", "0"), make_node("b")}, {}, make_pod().requires_field({requirement("metadata.name", "In", {"a"})}),
       "0/2 nodes are available: 1 Too many pods, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]."},
      {"names that exclude each other", {make_node("a")}, {},
       make_pod().requires_field({requirement("metadata.name", "In", {"a"}), requirement("metadata.name", "In", {"b"})}),
       "0/1 nodes are available: pod affinity terms conflict."},
      {"no nodes", {}, {}, make_pod(), "0/0 nodes are available:"},
  };
  // clang-format on
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Bench bench;
    for (const Node& node : c.nodes) bench.scheduler.cache().put_node(share_node(node));
    for (const Pod& pod : c.there) bench.scheduler.cache().put_pod(make_pod_info(pod));
    EXPECT_EQ(bench.outcome(c.pod), c.outcome);
  }
}

TEST(Cycle, DiagnosisSaysWhichPluginRefusedHowManyNodes) {
  Bench bench;
  bench.scheduler.cache().put_node(share_node(make_node("a").has("cpu", "1")));
  bench.scheduler.cache().put_node(share_node(make_node("b").taint("t", "", "NoSchedule")));
  Diagnosis diagnosis;
  EXPECT_EQ(bench.place(make_pod().asks("2", "1Gi"), diagnosis).node, nullptr);
  EXPECT_EQ(diagnosis.by_plugin.at("NodeResourcesFit").nodes, 1u);
  EXPECT_EQ(diagnosis.by_plugin.at("NodeResourcesFit").reasons.at("Insufficient cpu"), 1u);
  EXPECT_EQ(diagnosis.by_plugin.at("TaintToleration").nodes, 1u);
  EXPECT_THAT(diagnosis.rejectors, testing::ElementsAre("NodeResourcesFit", "TaintToleration"));
}

struct Sample {
  const char* name;
  int nodes;
  int percentage;
  std::size_t feasible;
};

TEST(Cycle, LooksForEnoughNodesOnly) {
  // clang-format off
  const Sample kSamples[] = {
      {"few nodes: all", 99, 0, 99},
      {"at least a hundred", 150, 10, 100},
      {"adaptive: 50 - 1000/125 = 42 %", 1000, 0, 420},
      {"adaptive, never below 5 %", 6000, 0, 300},
      {"as configured", 1000, 70, 700},
      {"all", 1000, 100, 1000},
  };
  // clang-format on
  for (const Sample& s : kSamples) {
    SCOPED_TRACE(s.name);
    auto configuration = Configuration::defaults();
    configuration.percentage_of_nodes_to_score = s.percentage;
    Bench bench(configuration);
    for (int i = 0; i < s.nodes; ++i) bench.scheduler.cache().put_node(share_node(make_node("n" + std::to_string(i))));
    Diagnosis diagnosis;
    EXPECT_EQ(bench.place(make_pod().asks("1", "1Gi"), diagnosis).feasible, s.feasible);
  }
}

TEST(Cycle, EachCycleBeginsWhereTheLastOneEnded) {
  auto configuration = Configuration::defaults();
  configuration.percentage_of_nodes_to_score = 10;
  Bench bench(configuration);
  // Of 200 nodes 100 are looked at in one cycle; only the second hundred has the device.
  for (int i = 0; i < 200; ++i) {
    bench.scheduler.cache().put_node(share_node(make_node("n" + std::to_string(i)).label("half", i < 100 ? "first" : "second")));
  }
  std::set<std::string> halves;
  for (int i = 0; i < 2; ++i) {
    Diagnosis diagnosis;
    halves.insert(bench.place(make_pod().asks("1", "1Gi"), diagnosis).node->node().metadata().labels().at("half"));
  }
  EXPECT_THAT(halves, testing::ElementsAre("first", "second"));
}

TEST(Cycle, EqualNodesAreAllChosen) {
  Bench bench;
  for (const char* name : {"a", "b", "c"}) bench.scheduler.cache().put_node(share_node(make_node(name)));
  std::map<std::string, int> chosen;
  for (int i = 0; i < 300; ++i) ++chosen[bench.outcome(make_pod().asks("1", "1Gi"))];
  EXPECT_EQ(chosen.size(), 3u);
  for (const auto& [name, times] : chosen) EXPECT_GT(times, 50) << name;
}

struct Choice {
  const char* name;
  std::vector<Node> nodes;
  int drawn;
  std::vector<std::string> by_number;  // the node that is taken when 0, 1, … is drawn
};

TEST(Cycle, OneNumberIsDrawnAChoice) {
  const auto avoided = [](const char* name) { return make_node(name).taint("t", "", "PreferNoSchedule"); };
  // clang-format off
  const Choice kChoices[] = {
      {"one node", {make_node("a")}, 0, {"a"}},
      {"one is the best", {avoided("a"), make_node("b"), avoided("c")}, 0, {"b"}},
      {"two are", {make_node("a"), make_node("b")}, 1, {"a", "b"}},
      {"two are, behind a worse one", {avoided("a"), make_node("b"), make_node("c")}, 1, {"b", "c"}},
      {"two are, around a worse one", {make_node("a"), avoided("b"), make_node("c")}, 1, {"a", "c"}},
      {"all are", {avoided("a"), avoided("b"), avoided("c")}, 1, {"a", "b", "c"}},
  };
  // clang-format on
  for (const Choice& c : kChoices) {
    SCOPED_TRACE(c.name);
    Bench bench;
    for (const Node& node : c.nodes) bench.scheduler.cache().put_node(share_node(node));
    for (std::size_t number = 0; number < c.by_number.size(); ++number) {
      // Not so small that it would be drawn again (Rng::below).
      bench.rng.next_is = c.by_number.size() * 100 + number;
      bench.rng.drawn = 0;
      EXPECT_EQ(bench.outcome(make_pod().asks("1", "1Gi")), c.by_number[number]);
      EXPECT_EQ(bench.rng.drawn, c.drawn);
    }
  }
}

TEST(Cycle, RoomIsKeptForNominatedPodsOfTheSamePriorityOrHigher) {
  Bench bench;
  bench.scheduler.cache().put_node(share_node(make_node("a")));
  bench.scheduler.queue().nominated().put(make_pod_info(make_pod("x").priority(5).asks("3", "1Gi")), "a");
  EXPECT_EQ(bench.outcome(make_pod("low").priority(5).asks("2", "1Gi")), "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(bench.outcome(make_pod("high").priority(6).asks("2", "1Gi")), "a");
  EXPECT_EQ(bench.outcome(make_pod("x").priority(5).asks("3", "1Gi")), "a");  // its own room
}

TEST(Cycle, TheNominatedNodeIsTriedFirst) {
  Bench bench;
  bench.scheduler.cache().put_node(share_node(make_node("a")));
  bench.scheduler.cache().put_node(share_node(make_node("b")));
  bench.scheduler.cache().put_pod(make_pod_info(make_pod("x").on("b").asks("2", "4Gi")));
  EXPECT_EQ(bench.outcome(make_pod().asks("1", "1Gi").nominated("b")), "b");
  EXPECT_EQ(bench.outcome(make_pod().asks("3", "1Gi").nominated("b")), "a");
}

}  // namespace
}  // namespace ph::scheduler::test
