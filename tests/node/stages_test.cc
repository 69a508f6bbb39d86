// Stages: what is read of a file, what is wrong with it, and whom it is for.
#include "node/stages.h"

#include <gmock/gmock.h>

#include "informers/metadata_view.h"

namespace ph::node {
namespace {

using testing::ElementsAre;

constexpr const char* kHead = "apiVersion: hollow.pilothouse.dev/v1alpha1\nkind: Stages\n";

std::string problems(const std::string& text) {
  try {
    Stages::parse(text);
  } catch (const StagesError& error) {
    return error.what();
  }
  return "none";
}

HollowPod pod(std::vector<std::pair<const char*, const char*>> labels,
              std::vector<std::pair<const char*, const char*>> asks = {}) {
  HollowPod out;
  out.namespace_name = "shop";
  out.name = "p";
  for (const auto& [key, value] : labels) out.labels.emplace_back(key, value);
  for (const auto& [key, value] : asks) out.asks.emplace_back(key, value);
  informers::sort_labels(out.labels);
  informers::sort_labels(out.asks);
  out.containers = {{.name = "c", .image = "img:1", .run = {}}};
  return out;
}

TEST(Usage, IsTheSameOrASine) {
  const Usage constant = Usage::parse("200m");
  EXPECT_DOUBLE_EQ(constant.at(Time(0s)), 0.2);
  EXPECT_DOUBLE_EQ(constant.at(Time(77s)), 0.2);
  const Usage sine = Usage::parse("sine(1, 3, 40s)");
  EXPECT_NEAR(sine.at(Time(0s)), 2, 1e-9);
  EXPECT_NEAR(sine.at(Time(10s)), 3, 1e-9);
  EXPECT_NEAR(sine.at(Time(30s)), 1, 1e-9);
  EXPECT_NEAR(sine.at(Time(50s)), 3, 1e-9) << "a period later";
  EXPECT_FALSE(sine.shared);
  EXPECT_TRUE(Usage::parse("total sine(1, 3, 40s)").shared);
  EXPECT_DOUBLE_EQ(Usage::parse("64Mi").at(Time()), 64.0 * (1 << 20));
}

TEST(Usage, OthersAreRefused) {
  for (const char* text : {"", "many", "-1", "sine", "sine()", "sine(1,2)", "sine(2,1,10s)", "sine(1,2,10ms)", "sine(1,2,3s,4)",
                           "sine(1,2,10s", "total"}) {
    EXPECT_THROW(Usage::parse(text), AskError) << text;
  }
}

TEST(Problems, AreReadByTheirNames) {
  EXPECT_EQ(parse_problems(""), 0u);
  EXPECT_EQ(parse_problems("silent"), Problems{kSilent});
  EXPECT_EQ(parse_problems("not-ready, disk-pressure"), Problems{kNotReady | kDiskPressure});
  EXPECT_EQ(parse_problems("network-unavailable,memory-pressure,pid-pressure"),
            Problems{kNetworkUnavailable | kMemoryPressure | kPidPressure});
  EXPECT_THROW(parse_problems("sick"), AskError);
}

TEST(Stages, AreReadWhole) {
  const Stages stages = Stages::parse(std::string(kHead) + R"yaml(
pods:
- name: crashers
  namespaces: [shop]
  selector: {matchLabels: {app: web}}
  does: {runsFor: 5s, exitCode: 3, restarts: 4, readyAfter: 2s, endsAfter: 1s, pullTakes: 3s, pullFailures: always,
         pullError: no such image, cpu: "sine(100m, 900m, 10m)", memory: 64Mi}
nodes:
- name: lost
  selector: {}
  problem: silent
  after: 5m
  lasts: 90s
  devices:
  - {driver: gpu.example.com, name: gpu, count: 2, device: {attributes: {model: {string: a}}}}
)yaml");
  ASSERT_EQ(stages.pods().size(), 1u);
  const Behaviour& does = stages.pods()[0].does;
  EXPECT_EQ(does.runs_for, Duration(5s));
  EXPECT_EQ(does.exit_code, 3);
  EXPECT_EQ(does.restarts, 4);
  EXPECT_EQ(does.ready_after, Duration(2s));
  EXPECT_EQ(does.ends_after, Duration(1s));
  EXPECT_EQ(does.pull_takes, Duration(3s));
  EXPECT_EQ(does.pull_failures, Behaviour::kAlways);
  EXPECT_EQ(does.pull_error, "no such image");
  EXPECT_EQ(does.cpu, Usage::parse("sine(100m, 900m, 10m)"));
  ASSERT_EQ(stages.nodes().size(), 1u);
  const NodeStage& node = stages.nodes()[0];
  EXPECT_EQ(node.problems, Problems{kSilent});
  EXPECT_EQ(node.after, Duration(5min));
  EXPECT_EQ(node.lasts, Duration(90s));
  ASSERT_EQ(node.devices.size(), 1u);
  EXPECT_EQ(node.devices[0].count, 2);
  EXPECT_EQ(node.devices[0].device.attributes().at("model").string(), "a");
}

TEST(Stages, SayWhatIsWrongAndWhere) {
  const std::string head = kHead;
  const std::pair<std::string, const char*> cases[] = {
      {head, "none"},
      {"kind: Stages\n", "apiVersion: must be hollow.pilothouse.dev/v1alpha1"},
      {"[]", "stages: must be an object"},
      {head + "pots: []\n", "stages.pots: unknown member"},
      {head + "pods: {}\n", "pods: must be a list"},
      {head + "pods: [{name: a}]\n", "pods[0].does: is missing"},
      {head + "pods: [{does: {exitCode: 1}}]\n", "pods[0]: is for nobody: it has neither a name, nor namespaces, nor a selector"},
      {head + "pods: [{name: a, does: {exitCode: 256, runsfor: 1s, readyAfter: soon}}]\n",
       "pods[0].does.exitCode: must be a whole number between 0 and 255\n"
       "pods[0].does.readyAfter: must be a time as 1m30s, at least 0s and at most a year\n"
       "pods[0].does.runsfor: unknown member"},
      {head + "pods: [{name: a, does: {}}, {name: a, does: {}}]\n", "pods[1].name: \"a\" is the name of another stage"},
      {head + "nodes: [{selector: {}}]\n", "nodes[0]: asks for nothing: it has neither a problem nor devices"},
      {head + "nodes: [{problem: silent}]\n", "nodes[0].selector: is missing; {} is for all nodes"},
      {head + "nodes: [{selector: {}, problem: sick}]\n",
       "nodes[0].problem: \"sick\" is none of silent, not-ready, network-unavailable, memory-pressure, disk-pressure, "
       "pid-pressure\nnodes[0]: asks for nothing: it has neither a problem nor devices"},
      {head + "nodes: [{selector: {}, devices: [{count: 0}]}]\n",
       "nodes[0].devices[0].driver: is missing\nnodes[0].devices[0].count: must be between 1 and 128"},
  };
  for (const auto& [text, wanted] : cases) {
    SCOPED_TRACE(text);
    EXPECT_EQ(problems(text), wanted);
  }
  EXPECT_NE(problems(head + "pods: [{name: a, selector: {matchLabel: {}}, does: {}}]\n").find("pods[0].selector: "),
            std::string::npos);
  EXPECT_NE(problems("a: [").find("yaml"), std::string::npos);
}

TEST(Stages, AreForWhomTheySay) {
  const Stages stages = Stages::parse(std::string(kHead) + R"(
pods:
- {name: web, selector: {matchLabels: {app: web}}, does: {runsFor: 5s, exitCode: 1}}
- {name: elsewhere, namespaces: [other], does: {exitCode: 9}}
- {name: slow, does: {readyAfter: 7s}}
- {name: all, selector: {}, does: {endsAfter: 3s}}
)");
  const Behaviour plain = stages.behaviour_of(pod({}));
  EXPECT_EQ(plain.ends_after, Duration(3s));
  EXPECT_EQ(plain.runs_for, std::nullopt);
  EXPECT_EQ(plain.ready_after, std::nullopt) << "a stage without a selector is for those who name it";
  const Behaviour web = stages.behaviour_of(pod({{"app", "web"}}, {{"stage", "slow"}, {"exit-code", "4"}}));
  EXPECT_EQ(web.runs_for, Duration(5s));
  EXPECT_EQ(web.exit_code, 4) << "what the pod itself says counts";
  EXPECT_EQ(web.ready_after, Duration(7s));
}

TEST(Stages, WhatCannotBeReadOfAPodIsTold) {
  std::vector<std::string> wrong;
  const HollowPod asking = pod({}, {{"stage", "none"}, {"runs-for", "long"}, {"colour", "red"}, {"restarts", "2"}});
  EXPECT_EQ(Stages().behaviour_of(asking, &wrong).restarts, 2);
  EXPECT_THAT(wrong, ElementsAre("hollow.pilothouse.dev/stage: there is no stage \"none\"",
                                 "hollow.pilothouse.dev/colour: there is nothing of that name to ask for",
                                 "hollow.pilothouse.dev/runs-for: must be a time as 1m30s, at least 0s and at most a year"));
}

TEST(Stages, APodOfWhichNothingIsSaidIsItself) {
  const auto plain = std::make_shared<const HollowPod>(pod({}));
  EXPECT_EQ(Stages().shaped(plain), plain);
  const auto asking = std::make_shared<const HollowPod>(pod({}, {{"runs-for", "5s"}, {"pull-failures", "2"}}));
  const auto shaped = Stages().shaped(asking);
  EXPECT_EQ(shaped->containers[0].run.takes, Duration(5s));
  EXPECT_EQ(shaped->containers[0].run.exit_code, 0);
  ASSERT_TRUE(shaped->containers[0].pull);
  EXPECT_EQ(shaped->containers[0].pull->failures, 2);
}

TEST(Stages, NodesAreChosenByTheirLabels) {
  const Stages stages = Stages::parse(std::string(kHead) + R"(
nodes:
- {name: a, selector: {matchLabels: {zone: a}}, problem: not-ready}
- {name: b, selector: {}, problem: silent}
)");
  google::protobuf::Map<std::string, std::string> labels;
  EXPECT_EQ(stages.of_node(labels).size(), 1u);
  labels["zone"] = "a";
  EXPECT_EQ(stages.of_node(labels).size(), 2u);
}

}  // namespace
}  // namespace ph::node
