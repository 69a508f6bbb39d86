// Extenders at work, on virtual time: what they decide, and what one that is slow, dead, lying or huge costs whom.
#include "scheduler/extender/extender.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/scheduler.h"
#include "tests/scheduler/make.h"
#include "tests/scheduler/scripted_extender.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod, core::v1::PodCondition;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

constexpr const char* kUrl = "http://extender";

// Two profiles, `default-scheduler` and `other`, and these extenders.
std::string configuration(const std::string& extenders) {
  return "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
         "profiles: [{schedulerName: default-scheduler}, {schedulerName: other}]\nextenders:\n" +
         extenders;
}
const std::string kFilter = "- {urlPrefix: http://extender, filterVerb: filter, nodeCacheCapable: true}\n";
const std::string kManaged =
    "- {urlPrefix: http://extender, filterVerb: filter, nodeCacheCapable: true, "
    "managedResources: [{name: example.com/special, ignoredByScheduler: true}]}\n";

MakePod runnable(const std::string& key) { return make_pod(key).uid("").with(container().image("img:1")); }
// A pod that asks for what the managing extender manages, and for so much cpu.
MakePod special(const std::string& key, const std::string& cpu = "100m") {
  MakePod pod = runnable(key).asks(cpu, "1Gi");
  auto* resources = pod.out.mutable_spec()->mutable_containers(0)->mutable_resources();
  (*resources->mutable_requests())["example.com/special"].set_string("1");
  (*resources->mutable_limits())["example.com/special"].set_string("1");
  return pod;
}

class Extenders : public testing::Test {
 public:
  void start(const std::string& extenders, std::vector<Node> nodes, std::uint64_t seed = 1) {
    cluster.emplace(sim::no_loops().scheduler(configuration(extenders)).extenders(script.transports()).seed(seed));
    for (Node& node : nodes) add(std::move(node));
  }
  void add(Node node) {
    const auto status = node.status();
    node.mutable_metadata()->clear_uid();
    node = cluster->create(std::move(node));
    *node.mutable_status() = status;
    cluster->update_status(std::move(node));
  }
  void create(const Pod& pod) { cluster->create<Pod>(pod); }
  std::string node_of(const std::string& pod) { return cluster->get<Pod>("default/" + pod).spec().node_name(); }
  PodCondition scheduled(const std::string& pod) {
    for (const auto& condition : cluster->get<Pod>("default/" + pod).status().conditions()) {
      if (condition.type() == "PodScheduled") return condition;
    }
    return {};
  }
  std::vector<std::string> events(const std::string& pod) {
    std::vector<std::string> out;
    for (const auto& event : cluster->list<core::v1::Event>("default")) {
      if (event.involved_object().name() == pod) out.push_back(event.reason() + ": " + event.message());
    }
    return out;
  }

  ScriptedExtenders script;
  std::optional<sim::Cluster> cluster;
};

// -- What they decide

TEST_F(Extenders, FilterLeavesOutNodesAndSaysWhy) {
  script.at(kUrl, [](const std::string&, const json&) {
    return say({{"NodeNames", json::array()},
                {"FailedNodes", {{"n1", "too far"}, {"n2", "too far"}, {"n3", "not this one"}, {"n9", "nobody asked"}}},
                {"FailedAndUnresolvableNodes", {{"n3", "broken"}}}});
  });
  start(kFilter, {make_node("n1"), make_node("n2"), make_node("n3"), make_node("small").has("cpu", "1")});
  create(runnable("default/a").asks("2", "1Gi"));
  cluster->advance(1s);
  const std::string message = "0/4 nodes are available: 1 Insufficient cpu, 1 broken, 2 too far.";
  EXPECT_EQ(node_of("a"), "");
  EXPECT_EQ(scheduled("a").reason(), "Unschedulable");
  EXPECT_THAT(scheduled("a").message(), StartsWith(message));
  EXPECT_THAT(events("a"), AllOf(Not(IsEmpty()), Each(StartsWith("FailedScheduling: " + message))));
  // It was asked about the nodes that the plugins let through, and about no others.
  EXPECT_THAT(nodes_of(script.questions.front()), UnorderedElementsAre("n1", "n2", "n3"));
}

TEST_F(Extenders, ARejectionIsTriedAgainAfterAnyEvent) {
  bool willing = false;
  script.at(kUrl, [&](const std::string&, const json& question) {
    return willing ? leave(nodes_of(question)) : leave({}, {{"n1", "no"}});
  });
  start(kFilter, {make_node("n1")});
  create(runnable("default/a"));
  cluster->advance(1min);
  EXPECT_EQ(node_of("a"), "");
  willing = true;
  cluster->edit<Node>("n1", [](Node& node) { (*node.mutable_metadata()->mutable_annotations())["x"] = "y"; });
  cluster->advance(15s);
  EXPECT_EQ(node_of("a"), "n1");
}

TEST_F(Extenders, AChoiceThatFailsIsMeasuredToo) {
  script.at(kUrl, [](const std::string&, const json&) { return broken("no route"); });
  Metrics metrics;
  cluster.emplace(sim::no_loops().scheduler(configuration(kFilter)).extenders(script.transports()).counted_by(metrics));
  add(make_node("n1"));
  create(runnable("default/a"));
  cluster->advance(500ms);
  EXPECT_EQ(script.asked.size(), 1u);
  EXPECT_THAT(cluster->scrape(), HasSubstr("\nscheduler_scheduling_algorithm_duration_seconds_count 1\n"));
  cluster.reset();  // it counts until it ends
}

TEST_F(Extenders, SeveralFiltersNarrowInTurn) {
  script.at("http://one", [](const std::string&, const json&) { return leave({"n1", "n2"}); });
  script.at("http://two", [](const std::string&, const json& question) {
    EXPECT_THAT(nodes_of(question), ElementsAre("n1", "n2"));
    return leave({"n2"});
  });
  start(
      "- {urlPrefix: http://one, filterVerb: filter, nodeCacheCapable: true}\n"
      "- {urlPrefix: http://two, filterVerb: filter, nodeCacheCapable: true}\n",
      {make_node("n1"), make_node("n2"), make_node("n3")});
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_EQ(node_of("a"), "n2");
}

TEST_F(Extenders, WholeNodesForThoseWithoutACache) {
  script.at(kUrl, [](const std::string&, const json& question) {
    json left = json::array();
    for (const json& node : question["Nodes"]["items"]) {
      const std::string pool = question["Pod"]["metadata"]["labels"]["pool"];
      if (node["metadata"]["labels"].value("pool", "") == pool) left.push_back(node);
    }
    return say({{"Nodes", {{"items", left}}}});
  });
  start("- {urlPrefix: http://extender, filterVerb: filter}\n",
        {make_node("n1").label("pool", "a"), make_node("n2").label("pool", "b"), make_node("n3").label("pool", "a")});
  create(runnable("default/a").label("pool", "b"));
  cluster->advance(1s);
  EXPECT_EQ(node_of("a"), "n2");
}

const std::string kScore = "- {urlPrefix: http://extender, prioritizeVerb: prioritize, weight: 5, nodeCacheCapable: true}\n";

TEST_F(Extenders, ScoresAreWeighedAgainstThePlugins) {
  script.at(kUrl, [](const std::string&, const json&) {
    // 10 × weight 5 × 10 outweighs what the plugins say of a fuller node.
    return say({{{"Host", "n2"}, {"Score", 10}}, {{"Host", "n1"}, {"Score", 0}}, {{"Host", "n9"}, {"Score", 10}}});
  });
  start(kScore, {make_node("n1"), make_node("n2"), make_node("n3")});
  create(runnable("default/weight").asks("3", "6Gi").on("n2"));
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_EQ(node_of("a"), "n2");
}

TEST_F(Extenders, OneNodeNeedsNoScores) {
  script.at(kUrl, [](const std::string&, const json&) { return say(json::array()); });
  start(kScore, {make_node("n1")});
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_EQ(node_of("a"), "n1");
  EXPECT_THAT(script.asked, IsEmpty());
}

TEST_F(Extenders, WithoutScoresThePluginsDecide) {
  script.at(kUrl, [](const std::string&, const json&) { return broken("connection refused"); });
  start(kScore, {make_node("n1"), make_node("n2")});
  create(runnable("default/weight").asks("3", "6Gi").on("n2"));
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_EQ(node_of("a"), "n1");
}

TEST_F(Extenders, ScoresOutOfAllBoundsAreScores) {
  script.at(kUrl, [](const std::string&, const json&) {
    return say({{{"Host", "n1"}, {"Score", INT64_MIN}}, {{"Host", "n2"}, {"Score", 11}}, {{"Host", "n3"}, {"Score", INT64_MAX}}});
  });
  start(kScore, {make_node("n1"), make_node("n2"), make_node("n3")});
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_EQ(node_of("a"), "n3");
}

TEST_F(Extenders, ABinderBinds) {
  script.at(kUrl, [](const std::string&, const json&) { return say(json::object()); });
  start("- {urlPrefix: http://extender, bindVerb: bind}\n", {make_node("n1")});
  create(runnable("default/a"));
  cluster->advance(1s);
  const std::string uid = cluster->get<Pod>("default/a").metadata().uid();
  EXPECT_THAT(script.asked, ElementsAre("bind a"));
  EXPECT_EQ(script.questions.front(), (json{{"PodName", "a"}, {"PodNamespace", "default"}, {"PodUID", uid}, {"Node", "n1"}}));
  EXPECT_EQ(node_of("a"), "") << "the scheduler itself binds nothing";
  EXPECT_THAT(events("a"), ElementsAre("Scheduled: Successfully assigned default/a to n1"));
}

TEST_F(Extenders, ABindingThatFailsIsTakenBack) {
  int calls = 0;
  script.at(kUrl, [&](const std::string&, const json&) {
    return ++calls == 1 ? say({{"Error", "the node is on fire"}}) : say(json::object());
  });
  start("- {urlPrefix: http://extender, bindVerb: bind}\n", {make_node("n1")});
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_THAT(events("a"), ElementsAre("FailedScheduling: the node is on fire"));
  EXPECT_EQ(scheduled("a").reason(), "SchedulerError");
  cluster->advance(10s);
  EXPECT_EQ(calls, 2);
}

TEST_F(Extenders, ABinderThatMayBeIgnoredLeavesItToThePlugins) {
  script.at(kUrl, [](const std::string&, const json&) { return Reply{.status = 503}; });
  start("- {urlPrefix: http://extender, bindVerb: bind, ignorable: true}\n", {make_node("n1")});
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_EQ(node_of("a"), "n1");
}

TEST_F(Extenders, ANominatedNodeIsAskedAboutFirst) {
  script.at(kUrl, [](const std::string&, const json& question) {
    return nodes_of(question) == std::vector<std::string>{"n2"} ? leave({}, {{"n2", "no"}}) : leave({"n1"});
  });
  start(kFilter, {make_node("n1"), make_node("n2"), make_node("n3")});
  create(runnable("default/a").gate("g"));
  Pod pod = cluster->get<Pod>("default/a");
  pod.mutable_status()->set_nominated_node_name("n2");
  cluster->update_status(std::move(pod));
  cluster->edit<Pod>("default/a", [](Pod& p) { p.mutable_spec()->clear_scheduling_gates(); });
  cluster->advance(1s);
  EXPECT_EQ(node_of("a"), "n1");
  ASSERT_EQ(script.questions.size(), 2u);
  EXPECT_THAT(nodes_of(script.questions[1]), UnorderedElementsAre("n1", "n2", "n3"));
}

// -- Whose pods they are

TEST_F(Extenders, OnlyPodsThatAskForAManagedResourceAreTheirs) {
  script.at(kUrl, [](const std::string&, const json&) { return leave({"n2"}); });
  start(kManaged, {make_node("n1"), make_node("n2")});
  create(runnable("default/a"));
  create(special("default/b"));
  cluster->advance(1s);
  EXPECT_THAT(script.asked, ElementsAre("filter b"));
  // No node has the resource: the scheduler was told not to count it.
  EXPECT_EQ(node_of("b"), "n2");
  EXPECT_NE(node_of("a"), "");
}

TEST_F(Extenders, AManagedResourceThatIsNotIgnoredCounts) {
  script.at(kUrl, [](const std::string&, const json& question) { return leave(nodes_of(question)); });
  start(
      "- {urlPrefix: http://extender, filterVerb: filter, nodeCacheCapable: true, "
      "managedResources: [{name: example.com/special}]}\n",
      {make_node("n1"), make_node("n2").has("example.com/special", "1")});
  create(special("default/a"));
  create(special("default/b"));
  cluster->advance(1s);
  EXPECT_EQ(node_of("a") + node_of("b"), "n2");
}

// -- What they cost

struct Lie {
  const char* name;
  Reply reply;
  std::string message;
};

TEST_F(Extenders, WhatIsNoAnswerFailsTheAttemptAndIsTold) {
  const Lie kLies[] = {
      {"dead", broken("cannot connect"), R"(Post "http://extender/filter": cannot connect)"},
      {"an error", Reply{.status = 500, .body = "{}"}, "failed filter with extender at URL http://extender/filter, code 500"},
      {"elsewhere", Reply{.status = 302}, "failed filter with extender at URL http://extender/filter, code 302"},
      {"nothing", Reply{}, "EOF"},
      {"a page", Reply{.body = "<html>"}, "invalid character '<' looking for beginning of value"},
      {"a wrong type", Reply{.body = R"({"NodeNames":{}})"},
       "json: cannot unmarshal object into Go struct field ExtenderFilterResult.NodeNames of type []string"},
      {"a node that is none", leave({"n1", "n9"}),
       R"(extender "http://extender" claims a filtered node "n9" which is not found in the input node list)"},
      {"a whole node that is none", Reply{.body = R"({"Nodes":{"items":[{"metadata":{"name":"n9"}}]}})"},
       R"(extender "http://extender" claims a filtered node "n9" which is not found in the input node list)"},
      {"its own error", say({{"NodeNames", {"n1"}}, {"Error", "out of sorts"}}), "out of sorts"},
      {"huge", Reply{.body = std::string(9 << 20, ' ')}, R"(Post "http://extender/filter": the answer is larger than)"},
      {"slow", late(6s, leave({"n1"})),
       R"(Post "http://extender/filter": context deadline exceeded (Client.Timeout exceeded while awaiting headers))"},
  };
  for (const Lie& lie : kLies) {
    SCOPED_TRACE(lie.name);
    bool well = false;
    script.at(kUrl, [&](const std::string&, const json& question) { return well ? leave(nodes_of(question)) : lie.reply; });
    start(kFilter, {make_node("n1")});
    create(runnable("default/a"));
    cluster->advance(5500ms);
    EXPECT_EQ(node_of("a"), "");
    EXPECT_THAT(events("a"), Contains(StartsWith("FailedScheduling: " + lie.message)));
    EXPECT_EQ(scheduled("a").reason(), "SchedulerError");
    // It is tried again after a backoff, and placed when the extender has come to its senses.
    well = true;
    cluster->advance(20s);
    EXPECT_EQ(node_of("a"), "n1");
    cluster.reset();
  }
}

TEST_F(Extenders, WhatMayBeIgnoredIsIgnored) {
  const Reply kReplies[] = {broken("cannot connect"),
                            Reply{.status = 500},
                            Reply{},
                            leave({"n9"}),
                            late(6s, leave({"n1"})),
                            Reply{.body = std::string(9 << 20, ' ')}};
  for (const Reply& reply : kReplies) {
    script.at(kUrl, [&](const std::string&, const json&) { return reply; });
    start("- {urlPrefix: http://extender, filterVerb: filter, nodeCacheCapable: true, ignorable: true}\n", {make_node("n1")});
    create(runnable("default/a"));
    cluster->advance(6s);
    EXPECT_EQ(node_of("a"), "n1");
    cluster.reset();
  }
}

TEST_F(Extenders, AnEmptyAnswerLeavesNothing) {
  script.at(kUrl, [](const std::string&, const json&) { return say(json::object()); });
  start(kFilter, {make_node("n1")});
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_THAT(events("a"), AllOf(Not(IsEmpty()), Each(StartsWith("FailedScheduling: 0/1 nodes are available:"))));
}

TEST_F(Extenders, TheTimeoutIsTheirOwn) {
  script.at(kUrl, [](const std::string&, const json& question) { return late(300ms, leave(nodes_of(question))); });
  start("- {urlPrefix: http://extender, filterVerb: filter, nodeCacheCapable: true, httpTimeout: 200ms}\n", {make_node("n1")});
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_EQ(node_of("a"), "");
  EXPECT_THAT(events("a"), Contains(HasSubstr("context deadline exceeded")));
  EXPECT_EQ(script.waiting[kUrl], 0) << "the question was withdrawn";
}

// Pods that an extender is not asked about are placed at once, in its profile as in others, while one waits for it.
TEST_F(Extenders, ASlowOneHoldsUpNobodyElse) {
  script.at(kUrl, [](const std::string&, const json& question) { return late(4s, leave(nodes_of(question))); });
  start(kManaged, {make_node("n1"), make_node("n2")});
  for (int i = 0; i < 3; ++i) create(special(fmt::format("default/special-{}", i)).priority(0));
  cluster->advance(10ms);
  for (int i = 0; i < 20; ++i) {
    create(runnable(fmt::format("default/same-{}", i)));
    create(runnable(fmt::format("default/other-{}", i)).scheduler("other"));
  }
  cluster->advance(10ms);
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(node_of(fmt::format("same-{}", i)), "");
    EXPECT_NE(node_of(fmt::format("other-{}", i)), "");
  }
  EXPECT_EQ(node_of("special-0"), "");
  cluster->advance(12s);
  for (int i = 0; i < 3; ++i) EXPECT_NE(node_of(fmt::format("special-{}", i)), "");
}

TEST_F(Extenders, AHangingOneCostsEachProfileItsOwnTurnsOnly) {
  bool hang = true;
  script.at(kUrl, [&](const std::string&, const json& question) {
    const bool hangs = hang && question["Pod"]["spec"]["schedulerName"] == "default-scheduler";
    return hangs ? late(1h, Reply{}) : late(10ms, leave(nodes_of(question)));
  });
  start(kFilter, {make_node("n1"), make_node("n2")});
  for (int i = 0; i < 3; ++i) create(runnable(fmt::format("default/a{}", i)));
  cluster->advance(10ms);
  for (int i = 0; i < 10; ++i) create(runnable(fmt::format("default/b{}", i)).scheduler("other"));
  cluster->advance(200ms);
  for (int i = 0; i < 10; ++i) EXPECT_NE(node_of(fmt::format("b{}", i)), "");
  EXPECT_EQ(script.most[kUrl], 2) << "one cycle a profile waits at a time";
  hang = false;
  cluster->advance(1min);
  for (int i = 0; i < 3; ++i) EXPECT_NE(node_of(fmt::format("a{}", i)), "");
}

// -- What happens meanwhile

TEST_F(Extenders, RoomThatIsTakenMeanwhileIsNotGivenTwice) {
  script.at(kUrl, [](const std::string&, const json& question) { return late(1s, leave(nodes_of(question))); });
  start(kManaged, {make_node("n1")});
  create(special("default/slow", "3"));
  cluster->advance(100ms);
  create(runnable("default/quick").asks("3", "1Gi"));
  cluster->advance(10ms);
  EXPECT_EQ(node_of("quick"), "n1");
  cluster->advance(5s);
  EXPECT_EQ(node_of("slow"), "");
  EXPECT_THAT(events("slow"), ElementsAre(StartsWith("FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu.")));
}

TEST_F(Extenders, OvertakenItTriesTheOtherNodesAtOnce) {
  script.at(kUrl, [](const std::string&, const json& question) { return late(1s, leave({nodes_of(question).front()})); });
  start(kManaged, {make_node("n1"), make_node("n2")});
  create(special("default/slow", "3"));
  cluster->advance(100ms);
  // Whichever node the extender has picked is full by now, but one.
  const std::string picked = nodes_of(script.questions.front()).front();
  create(runnable("default/quick").asks("3", "1Gi").selects("x", "y"));
  cluster->edit<Node>(picked, [](Node& node) { (*node.mutable_metadata()->mutable_labels())["x"] = "y"; });
  cluster->advance(100ms);
  ASSERT_EQ(node_of("quick"), picked);
  cluster->advance(3s);
  EXPECT_EQ(node_of("slow"), picked == "n1" ? "n2" : "n1");
  EXPECT_THAT(script.asked, ElementsAre("filter slow", "filter slow"));
}

TEST_F(Extenders, APodThatIsDeletedMeanwhileIsForgotten) {
  script.at(kUrl, [](const std::string&, const json& question) { return late(1s, leave(nodes_of(question))); });
  start(kFilter, {make_node("n1")});
  create(runnable("default/a"));
  create(runnable("default/b"));
  cluster->advance(100ms);
  cluster->remove<Pod>("default/a", {.grace_seconds = 0});
  cluster->advance(5s);
  EXPECT_FALSE(cluster->has<Pod>("default/a"));
  EXPECT_EQ(node_of("b"), "n1");
}

TEST_F(Extenders, ANodeThatGoesMeanwhileIsNotUsed) {
  script.at(kUrl, [](const std::string& verb, const json& question) {
    if (verb == "filter") return late(1s, leave(nodes_of(question)));
    return late(1s, say({{{"Host", "n1"}, {"Score", 10}}}));
  });
  for (const Duration when : {500ms, 1500ms}) {
    start("- {urlPrefix: http://extender, filterVerb: filter, prioritizeVerb: prioritize, weight: 9, nodeCacheCapable: true}\n",
          {make_node("n1"), make_node("n2"), make_node("n3")});
    create(runnable("default/a"));
    cluster->advance(when);
    cluster->remove<Node>("n1");
    cluster->advance(2s);
    EXPECT_THAT(node_of("a"), testing::AnyOf("n2", "n3"));
    cluster.reset();
  }
}

TEST_F(Extenders, TheSchedulerMayEndWhileOneIsAsked) {
  script.at(kUrl, [](const std::string&, const json&) { return late(1h, Reply{}); });
  start(kFilter, {make_node("n1")});
  create(runnable("default/a"));
  cluster->advance(1s);
  EXPECT_EQ(script.waiting[kUrl], 1);
  cluster.reset();
  EXPECT_EQ(script.waiting[kUrl], 0);
}

// -- Seeds

class ExtenderSeeds : public Extenders, public testing::WithParamInterface<std::uint64_t> {
 public:
  // An extender that is anything at random, for ten minutes; then it is well.
  std::string history(std::uint64_t seed) {
    SeededRng rng(seed);
    bool well = false;
    script = {};
    script.at(kUrl, [&](const std::string& verb, const json& question) -> Reply {
      const Duration after = std::chrono::milliseconds(rng.below(200));
      if (well || rng.below(2) == 0) {
        if (verb == "filter") return late(after, leave(nodes_of(question)));
        json scores = json::array();
        for (const std::string& node : nodes_of(question)) scores.push_back({{"Host", node}, {"Score", rng.below(11)}});
        return late(after, say(scores));
      }
      switch (rng.below(6)) {
        case 0: return late(after, broken("reset"));
        case 1: return late(1h, Reply{});
        case 2: return late(after, Reply{.status = 500});
        case 3: return late(after, leave({"n1", "nowhere"}));
        case 4: return late(after, leave({}, {{"n1", "no"}}));
        default: return late(after, Reply{.body = "[{]"});
      }
    });
    start(
        "- {urlPrefix: http://extender, filterVerb: filter, prioritizeVerb: prioritize, weight: 1, nodeCacheCapable: true, "
        "managedResources: [{name: example.com/special, ignoredByScheduler: true}]}\n",
        {make_node("n1"), make_node("n2"), make_node("n3")}, seed);
    for (int i = 0; i < 12; ++i) {
      const std::string key = fmt::format("default/p{}", i);
      MakePod pod = i % 2 == 0 ? special(key, "1") : runnable(key).asks("1", "1Gi");
      create(std::move(pod).scheduler(i % 3 == 0 ? "other" : "default-scheduler"));
      cluster->advance(std::chrono::milliseconds(rng.below(300)));
      expect_room();
    }
    cluster->advance(10min);
    well = true;
    cluster->advance(10min);
    expect_room();
    for (int i = 0; i < 12; ++i) EXPECT_NE(node_of(fmt::format("p{}", i)), "") << i;
    std::string out = cluster->history_text();
    cluster.reset();
    return out;
  }
  // Never more on a node than fits: four pods of one cpu.
  void expect_room() {
    std::map<std::string, int> on;
    for (const Pod& pod : cluster->list<Pod>("default")) ++on[pod.spec().node_name()];
    for (const auto& [node, pods] : on) EXPECT_TRUE(node.empty() || pods <= 4) << node << " has " << pods;
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, ExtenderSeeds, testing::Range<std::uint64_t>(1, 21));

TEST_P(ExtenderSeeds, EverybodyIsPlacedInTheEndAndNobodyTwice) { EXPECT_EQ(history(GetParam()), history(GetParam())); }

}  // namespace
}  // namespace ph::scheduler::test
