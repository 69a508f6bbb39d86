// Plugins by the C interface: what is taken, what crosses the border, and what becomes of failures. The tables are the test's own; that
// they can be loaded is tested in tests/pilothouse/.
#include "scheduler/foreign/foreign_plugin.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "scheduler/config/configuration.h"
#include "scheduler/foreign/instance.h"
#include "tests/scheduler/one_plugin.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;
using testing::ElementsAre;
using testing::HasSubstr;

std::string_view view(const ph_text& text) { return {text.data, text.size}; }
void say(ph_words* why, std::string_view text) {
  why->size = std::min(text.size(), why->capacity);
  std::memcpy(why->data, text.data(), why->size);
}

std::string in_words(const ph_label* labels, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += fmt::format("{}={} ", view(labels[i].key), view(labels[i].value));
  return out;
}
std::string in_words(const ph_amount* amounts, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += fmt::format("{}:{} ", view(amounts[i].resource), amounts[i].amount);
  return out;
}
std::string in_words(const ph_pod& pod) {
  return fmt::format("{}/{} {} {} [{}] [{}] [{}]", view(pod.namespace_name), view(pod.name), view(pod.uid), pod.priority,
                     in_words(pod.labels, pod.label_count), in_words(pod.node_selector, pod.node_selector_count),
                     in_words(pod.requests, pod.request_count));
}
std::string in_words(const ph_node& node) {
  std::string taints;
  for (std::size_t i = 0; i < node.taint_count; ++i) {
    taints += fmt::format("{}={}:{} ", view(node.taints[i].key), view(node.taints[i].value), view(node.taints[i].effect));
  }
  return fmt::format("{} [{}] [{}] [{}] {} [{}] [{}] {}/{}", view(node.name), in_words(node.labels, node.label_count),
                     in_words(node.annotations, node.annotation_count), taints, node.unschedulable,
                     in_words(node.allocatable, node.allocatable_count), in_words(node.requested, node.requested_count),
                     node.pods, node.pods_most);
}

// What the plugin is told to answer, and what it was shown. One test at a time.
struct Orders {
  int32_t create = PH_YES, filter = PH_YES, score = PH_YES;
  std::string words, throws, arguments;
  std::int64_t points = 0;
  bool throws_something = false;
  std::vector<std::string> shown;
  int made = 0, ended = 0, asked = 0;
};
Orders orders;

int32_t answer(int32_t code, ph_words* why) {
  ++orders.asked;
  if (orders.throws_something) throw 7;
  if (!orders.throws.empty()) throw std::runtime_error(orders.throws);
  say(why, orders.words);
  return code;
}
int32_t create(ph_text arguments, void** self, ph_words* why) {
  orders.arguments = view(arguments);
  *self = &orders;
  ++orders.made;
  return answer(orders.create, why);
}
void destroy(void* self) { orders.ended += self == &orders; }
int32_t filter(void* self, const ph_pod* pod, const ph_node* node, ph_words* why) {
  EXPECT_EQ(self, &orders);
  orders.shown = {in_words(*pod), in_words(*node)};
  return answer(orders.filter, why);
}
int32_t score(void* self, const ph_pod*, const ph_node*, int64_t* out, ph_words* why) {
  EXPECT_EQ(self, &orders);
  *out = orders.points;
  return answer(orders.score, why);
}

ph_plugin table() {
  orders = {};
  return {.abi = PH_PLUGIN_ABI,
          .size = sizeof(ph_plugin),
          .name = {"Foreign", 7},
          .reads_of_pod = 0,
          .reads_of_node = 0,
          .flags = 0,
          .create = create,
          .destroy = destroy,
          .filter = filter,
          .score = score};
}

// -- What is taken

std::string refusal(const ph_plugin& table) {
  try {
    ForeignPlugin(&table, "x.so");
  } catch (const ForeignPluginError& error) {
    return error.what();
  }
  return "";
}

TEST(ForeignPlugin, Refusals) {
  struct Case {
    const char* name;
    std::function<void(ph_plugin&)> change;
    const char* refusal;
  };
  const Case kCases[] = {
      {"nothing wrong", [](ph_plugin&) {}, ""},
      {"only filters", [](ph_plugin& t) { t.score = nullptr; }, ""},
      {"only scores", [](ph_plugin& t) { t.filter = nullptr; }, ""},
      {"nothing to make", [](ph_plugin& t) { t.create = nullptr, t.destroy = nullptr; }, ""},
      {"a later version", [](ph_plugin& t) { t.abi = 2; },
       "x.so: it is made for version 2 of the plugin interface, and this is version 1"},
      {"another size", [](ph_plugin& t) { t.size = 8; }, "x.so: its table has 8 bytes, where version 1 has 72"},
      {"no name", [](ph_plugin& t) { t.name = {}; }, "x.so: its plugin has no name"},
      {"a bad name", [](ph_plugin& t) { t.name = {"a\nb", 3}; },
       "x.so: the name of its plugin is not made of 1 to 63 letters and digits"},
      {"a plugin's name", [](ph_plugin& t) { t.name = {"NodeName", 8}; },
       "x.so: its plugin is called \"NodeName\", as one that the scheduler has"},
      {"a name of upstream's", [](ph_plugin& t) { t.name = {"PodGroupPodsCount", 17}; },
       "x.so: its plugin is called \"PodGroupPodsCount\", as one that the scheduler has"},
      {"reads the unknown of pods", [](ph_plugin& t) { t.reads_of_pod = 1U << 20; },
       "x.so: plugin \"Foreign\" declares what version 1 of the plugin interface does not know"},
      {"reads the unknown of nodes", [](ph_plugin& t) { t.reads_of_node = 1U << 20; },
       "x.so: plugin \"Foreign\" declares what version 1 of the plugin interface does not know"},
      {"an unknown flag", [](ph_plugin& t) { t.flags = 1U << 20; },
       "x.so: plugin \"Foreign\" declares what version 1 of the plugin interface does not know"},
      {"scaled twice", [](ph_plugin& t) { t.flags = PH_PLUGIN_SCORES_SCALED | PH_PLUGIN_SCORES_REVERSED; },
       "x.so: plugin \"Foreign\" wants its scores scaled in two ways"},
      {"does nothing", [](ph_plugin& t) { t.filter = nullptr, t.score = nullptr; },
       "x.so: plugin \"Foreign\" neither filters nor scores"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    ph_plugin one = table();
    c.change(one);
    EXPECT_EQ(refusal(one), c.refusal);
  }
  EXPECT_THROW(ForeignPlugin(nullptr, "x.so"), ForeignPluginError);
}

// -- Across the border

// A plugin of a table on one node with a pod.
class Foreign {
 public:
  explicit Foreign(ph_plugin table) : table_(table), foreign_(&table_, "x.so"), plugin_(foreign_.entry().make({}, {})) {
    cluster_.node(
        MakeNode("n1").label("zone", "a").taint("t", "v", "NoSchedule").has("cpu", "4").has("memory", "1Ki").has("pods", "9"));
    cluster_.pod(
        pod_from("{metadata: {name: o}, spec: {nodeName: n1, containers: [{name: c, resources: {requests: {cpu: 1500m}}}]}}"));
  }
  Plugin& plugin() { return *plugin_; }
  Verdict filter(const Pod& pod) {
    return dynamic_cast<FilterPlugin&>(*plugin_).filter(CycleState(make_pod_info(pod)), pod, *cluster_.take().find("n1"));
  }
  Score score(const Pod& pod) {
    return dynamic_cast<ScorePlugin&>(*plugin_).score(CycleState(make_pod_info(pod)), pod, *cluster_.take().find("n1"));
  }

 private:
  const ph_plugin table_;
  const ForeignPlugin foreign_;
  std::unique_ptr<Plugin> plugin_;
  Cluster cluster_;
};

Pod some_pod() {
  return pod_from(R"({metadata: {name: p, labels: {b: "2", a: "1"}}, spec: {priority: 7, nodeSelector: {zone: a},
                     containers: [{name: c, resources: {requests: {cpu: 100m, example.com/gpu: "2"}}}]}})");
}

TEST(ForeignPlugin, IsShownWhatItReadsAndNothingElse) {
  Foreign nothing(table());
  EXPECT_TRUE(nothing.filter(some_pod()).success());
  EXPECT_THAT(orders.shown, ElementsAre("/  0 [] [] []", "n1 [] [] [] 0 [] [] 0/0"));

  ph_plugin all = table();
  all.reads_of_pod = 63;
  all.reads_of_node = 31;
  Foreign everything(all);
  EXPECT_TRUE(everything.filter(some_pod()).success());
  EXPECT_THAT(orders.shown, ElementsAre("default/p uid-p 7 [a=1 b=2 ] [zone=a ] [cpu:100 example.com/gpu:2 ]",
                                        "n1 [zone=a ] [] [t=v:NoSchedule ] 0 [cpu:4000 memory:1024 ] [cpu:1500 ] 1/9"));
  // The next pod is another one.
  EXPECT_TRUE(everything.filter(pod_from("{metadata: {name: q}}")).success());
  EXPECT_EQ(orders.shown.front(), "default/q uid-q 0 [] [] []");
}

TEST(ForeignPlugin, Verdicts) {
  struct Case {
    const char* name;
    std::function<void(Orders&)> orders;
    Code code;
    std::string text;
  };
  const Case kCases[] = {
      {"yes", [](Orders&) {}, Code::Success, ""},
      {"no", [](Orders& o) { o.filter = PH_NO, o.words = "node(s) were busy"; }, Code::Unschedulable, "node(s) were busy"},
      {"never", [](Orders& o) { o.filter = PH_NEVER, o.words = "x"; }, Code::UnschedulableAndUnresolvable, "x"},
      {"without a word", [](Orders& o) { o.filter = PH_NO; }, Code::Unschedulable, "node(s) didn't satisfy plugin Foreign"},
      {"more words than there is room", [](Orders& o) { o.filter = PH_NO, o.words = std::string(9999, 'x'); },
       Code::Unschedulable, std::string(512, 'x')},
      {"no UTF-8", [](Orders& o) { o.filter = PH_NO, o.words = "a\xff"; }, Code::Unschedulable, "a?"},
      {"a failure", [](Orders& o) { o.filter = PH_FAILED, o.words = "out of luck"; }, Code::Error,
       "running \"Foreign\" filter plugin: out of luck"},
      {"a failure without a word", [](Orders& o) { o.filter = PH_FAILED; }, Code::Error,
       "running \"Foreign\" filter plugin: it does not say why"},
      {"no answer that there is", [](Orders& o) { o.filter = 17; }, Code::Error,
       "running \"Foreign\" filter plugin: it answered 17, which means nothing here"},
      {"an exception", [](Orders& o) { o.throws = "oh"; }, Code::Error,
       "running \"Foreign\" filter plugin: an exception has left it: oh"},
      {"any exception", [](Orders& o) { o.throws_something = true; }, Code::Error,
       "running \"Foreign\" filter plugin: an exception has left it"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Foreign foreign(table());
    c.orders(orders);
    const Verdict verdict = foreign.filter(some_pod());
    EXPECT_EQ(verdict.code(), c.code);
    EXPECT_EQ(verdict.message(), c.text);
  }
}

TEST(ForeignPlugin, Scores) {
  const auto normalized = [](std::uint32_t flags, std::vector<Score> raw) {
    ph_plugin one = table();
    one.flags = flags;
    Foreign foreign(one);
    std::vector<NodeScore> nodes;
    for (const Score score : raw) nodes.push_back({nullptr, score});
    const Pod pod = some_pod();
    dynamic_cast<ScorePlugin&>(foreign.plugin()).normalize(nodes);
    std::vector<Score> out;
    for (const NodeScore& node : nodes) out.push_back(node.score);
    return out;
  };
  EXPECT_THAT(normalized(0, {0, 3, 12}), ElementsAre(0, 3, 12));
  EXPECT_THAT(normalized(PH_PLUGIN_SCORES_SCALED, {0, 3, 12}), ElementsAre(0, 25, 100));
  EXPECT_THAT(normalized(PH_PLUGIN_SCORES_REVERSED, {0, 3, 12}), ElementsAre(100, 75, 0));

  Foreign foreign(table());
  orders.points = 42;
  EXPECT_EQ(foreign.score(some_pod()), 42);
  const auto failure = [&]() -> std::string {
    try {
      foreign.score(some_pod());
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  orders.points = -PH_SCORE_MOST;
  EXPECT_EQ(failure(), "");
  orders.points = INT64_MIN;
  EXPECT_EQ(failure(), "plugin \"Foreign\" failed with: its score -9223372036854775808 is beyond 1000000000000000");
  orders.score = PH_FAILED;
  orders.words = "out of luck";
  EXPECT_EQ(failure(), "plugin \"Foreign\" failed with: out of luck");
}

TEST(ForeignPlugin, IsMadeOnceAProfileAndEnded) {
  {
    Foreign foreign(table());
  }
  EXPECT_EQ(orders.made, 1);
  EXPECT_EQ(orders.ended, 1);

  const ph_plugin one = table();
  const ForeignPlugin foreign(&one, "x.so");
  orders.create = PH_FAILED;
  orders.words = "no such arguments";
  try {
    foreign.entry().make({}, {});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "initializing plugin \"Foreign\": no such arguments");
  }
  EXPECT_EQ(orders.ended, 0);  // there is nothing to end
}

// -- What may be kept

TEST(ForeignPlugin, PodsAreEqualForItThatAreInAllThatItReads) {
  const auto key = [](std::uint32_t reads, const char* yaml, std::uint32_t flags = PH_PLUGIN_KEEPABLE) {
    ph_plugin one = table();
    one.reads_of_pod = reads;
    one.flags = flags;
    Foreign foreign(one);
    const Pod pod = pod_from(yaml);
    ClassKey out;
    return foreign.plugin().class_key(pod, *make_pod_info(pod), out) ? out : std::string("none");
  };
  const char *a = "{metadata: {name: a, labels: {x: v}}, spec: {priority: 1}}",
             *b = "{metadata: {name: b, labels: {x: w}}, spec: {priority: 1}}";
  EXPECT_EQ(key(0, a), key(0, b));
  EXPECT_EQ(key(PH_POD_PRIORITY, a), key(PH_POD_PRIORITY, b));
  EXPECT_NE(key(PH_POD_LABELS, a), key(PH_POD_LABELS, b));
  EXPECT_NE(key(PH_POD_LABELS, a), "none");
  EXPECT_EQ(key(PH_POD_NAME, a), "none");
  EXPECT_EQ(key(0, a, 0), "none");
  EXPECT_NE(key(PH_POD_REQUESTS, "{spec: {containers: [{name: c, resources: {requests: {cpu: 1}}}]}}"), key(PH_POD_REQUESTS, a));
  EXPECT_NE(key(PH_POD_NODE_SELECTOR, "{spec: {nodeSelector: {x: v}}}"), key(PH_POD_NODE_SELECTOR, a));
  EXPECT_NE(key(PH_POD_NAMESPACE, "{metadata: {namespace: other}}"), key(PH_POD_NAMESPACE, a));
}

TEST(ForeignPlugin, WhatItReadsOfNodesWakesAndOutdates) {
  using enum ClusterEvent;
  const auto with = [](std::uint32_t of_pod, std::uint32_t of_node) {
    ph_plugin one = table();
    one.reads_of_pod = of_pod;
    one.reads_of_node = of_node;
    one.flags = PH_PLUGIN_KEEPABLE;
    return one;
  };
  EXPECT_EQ(Foreign(table()).plugin().retry_on(), ClusterEvents::all());
  EXPECT_EQ(Foreign(with(0, 0)).plugin().retry_on(), ClusterEvents({NodeAdded}));
  EXPECT_EQ(Foreign(with(PH_POD_LABELS, PH_NODE_LABELS | PH_NODE_TAINTS)).plugin().retry_on(),
            ClusterEvents({NodeAdded, NodeLabelsChanged, NodeTaintsChanged, PodLabelsChanged}));
  EXPECT_EQ(Foreign(with(PH_POD_REQUESTS, PH_NODE_ALLOCATABLE | PH_NODE_REQUESTED)).plugin().retry_on(),
            ClusterEvents(
                {NodeAdded, NodeAllocatableChanged, AssignedPodAdded, AssignedPodDeleted, AssignedPodScaledDown, PodScaledDown}));

  const PodRef info = make_pod_info(some_pod());
  const Node node = labelled_node("n1");
  const StateChange pod_came{.pod_added = info.get()}, node_changed{.node_before = &node, .node_after = &node};
  EXPECT_EQ(Foreign(with(0, PH_NODE_LABELS)).plugin().outdated_by(pod_came, some_pod()).reach, Outdated::Nothing);
  EXPECT_EQ(Foreign(with(0, PH_NODE_REQUESTED)).plugin().outdated_by(pod_came, some_pod()).reach, Outdated::Node);
  EXPECT_EQ(Foreign(with(0, PH_NODE_LABELS)).plugin().outdated_by(node_changed, some_pod()).reach, Outdated::Node);
}

// -- In configurations

TEST(ForeignPlugin, StandsInProfilesThatNameIt) {
  const ph_plugin both = table();
  ph_plugin scores = table();
  scores.name = {"Scoring", 7};
  scores.filter = nullptr;
  scores.create = nullptr, scores.destroy = nullptr;
  const ForeignPlugin first(&both, "x.so"), second(&scores, "y.so");
  const std::vector<PluginEntry> more{first.entry(), second.entry()};
  const auto parse = [&](const std::string& profiles) {
    return Configuration::parse(
        "{apiVersion: kubescheduler.config.k8s.io/v1, kind: KubeSchedulerConfiguration, profiles: [" + profiles + "]}", more);
  };
  const Configuration c = parse(R"({schedulerName: without}, {schedulerName: with, plugins: {multiPoint: {enabled: [
      {name: Foreign, weight: 3}, {name: Scoring}]}}, pluginConfig: [{name: Foreign, args: {a: [1]}}]},
      {schedulerName: filters, plugins: {filter: {enabled: [{name: Foreign}]}}})");
  const auto has = [](const ProfileSpec& profile, Point point, const char* name) {
    return std::ranges::count(profile.points.at(point), name) == 1;
  };
  for (const Point point : {Point::Filter, Point::Score}) EXPECT_FALSE(has(c.profiles[0], point, "Foreign"));
  for (const Point point : {Point::Filter, Point::Score}) EXPECT_TRUE(has(c.profiles[1], point, "Foreign"));
  EXPECT_FALSE(has(c.profiles[1], Point::Filter, "Scoring"));
  EXPECT_EQ(c.profiles[1].weights.at("Foreign"), 3);
  EXPECT_EQ(c.profiles[1].weights.at("Scoring"), 1);
  EXPECT_TRUE(has(c.profiles[2], Point::Filter, "Foreign"));
  EXPECT_FALSE(has(c.profiles[2], Point::Score, "Foreign"));
  orders.made = 0;
  const Snapshot empty;
  const Profile profile(c.profiles[1], {.snapshot = &empty}, more);
  EXPECT_EQ(orders.arguments, R"({"a":[1]})");
  const auto refusal = [&](const std::string& profiles) -> std::string {
    try {
      parse(profiles);
    } catch (const ConfigurationError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal("{plugins: {filter: {enabled: [{name: Scoring}]}}}"),
              HasSubstr("plugin \"Scoring\" does not extend FilterPlugin plugin"));
  EXPECT_THAT(refusal("{plugins: {filter: {enabled: [{name: Nobody}]}}}"), HasSubstr("FilterPlugin \"Nobody\" does not exist"));
}

}  // namespace
}  // namespace ph::scheduler::test
