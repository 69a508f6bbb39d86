// Questions as they are asked, explanations as they are told: JSON both ways, and lines for a terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/errors.h"
#include "scheduler/why/json.h"
#include "scheduler/why/question.h"
#include "scheduler/why/text.h"

namespace ph::scheduler::why {
namespace {

using testing::HasSubstr;

Explanation pending() {
  Explanation out;
  out.pod = {.namespace_name = "default",
             .name = "web",
             .uid = "u",
             .scheduler_name = "default-scheduler",
             .priority = 10,
             .node = "",
             .nominated_node = "",
             .deleting = false,
             .imagined = false};
  out.state = "unschedulable";
  out.message = "0/8 nodes are available: 1 node(s) were unschedulable, 7 Insufficient cpu.";
  out.changes = {"node n7 labelled a=b"};
  out.notes = {"extenders have a say"};
  out.nodes = 8;
  out.refused = {{{{"NodeResourcesFit", {"Insufficient cpu"}, "Unschedulable"}}, 7, {"n0", "n1", "n2", "n3", "n4", "n5", "n6"}},
                 {{{"NodeUnschedulable", {"node(s) were unschedulable"}, "UnschedulableAndUnresolvable"},
                   {"NodeResourcesFit", {"Insufficient cpu"}, "Unschedulable"}},
                  1,
                  {"n7"}}};
  out.nearest = {{"n3", {{"NodeResourcesFit", {{"500m more cpu: the pod asks for 2, 1500m of 4 are free", "cpu", "500m"}}}}}};
  out.preemption = {{"", 7, 7, {{"n1", {{"default/low", 0}, {"default/lower", -1}}, 1}, {"n2", {{"default/x", 5}}, 0}}, {}}};
  out.waiting = {{"backoff", 3, "1.5s", {"NodeResourcesFit"}}};
  out.last_attempt = {{"2026-11-30T02:00:00Z", "0/8 nodes are available: 8 Insufficient cpu."}};
  return out;
}

Explanation placed() {
  Explanation out;
  out.pod.namespace_name = "default";
  out.pod.name = "idea";
  out.pod.imagined = true;
  out.state = "fits";
  out.message = "2/2 nodes fit, n1 would be taken: the highest score, 290";
  out.nodes = out.fitting = 2;
  out.chosen = "n1";
  out.fits = {"n0", "n1"};
  out.nearest = {{"n9", {{"TaintToleration", {{"a toleration"}}}}}};
  out.scores = {{{{"TaintToleration", 3}, {"ImageLocality", 1}},
                 {{"n1", 290, {{1, 90, 270}, {20, 20, 20}}}, {"n0", 0, {{0, 0, 0}, {0, 0, 0}}}}}};
  return out;
}

TEST(WhyText, APodThatWaits) {
  EXPECT_EQ(to_text(pending()), R"(default/web: unschedulable
  0/8 nodes are available: 1 node(s) were unschedulable, 7 Insufficient cpu.
  what if: node n7 labelled a=b
  note: extenders have a say

Queue: backoff, 3 attempts so far, the next one in 1.5s
  brought back by what may help with NodeResourcesFit
  the last one, 2026-11-30T02:00:00Z: 0/8 nodes are available: 8 Insufficient cpu.

Nodes: 8, of which 0 fit
      7  NodeResourcesFit: Insufficient cpu
         on n0, n1, n2, n3, n4, … (2 more)
      1  NodeUnschedulable: node(s) were unschedulable (preemption does not help)
         and NodeResourcesFit: Insufficient cpu
         on n7

Nearest misses: what would have to change
  n3
    NodeResourcesFit: 500m more cpu: the pod asks for 2, 1500m of 4 are free

Preemption: would make room (7 of 7 promising nodes looked at)
  on n1 if default/low (priority 0), default/lower (priority -1) went, against 1 disruption budget(s): the least loss
  or n2 if default/x (priority 5) went
)");
  EXPECT_THAT(to_text(pending(), {.all_nodes = true}), HasSubstr("on n0, n1, n2, n3, n4, n5, n6\n"));
}

TEST(WhyText, APodThatFits) {
  EXPECT_EQ(to_text(placed()), R"(default/idea (imagined): fits
  2/2 nodes fit, n1 would be taken: the highest score, 290

Nodes: 2, of which 2 fit
      2  fit: n0, n1

Scores (0 to 100, times the plugin's weight)
                             n1 *          n0
  TaintToleration ×3     90 → 270       0 → 0
  ImageLocality ×1        20 → 20       0 → 0
  total                       290           0
)");
}

TEST(WhyText, WhyPreemptionDoesNot) {
  Explanation told = pending();
  told.preemption = {
      {"on the 7 node(s) where it could help no pod has a lower priority than 10", 7, 7, {}, {{"No preemption victims", 7}}}};
  EXPECT_THAT(to_text(told),
              HasSubstr("\nPreemption: no: on the 7 node(s) where it could help no pod has a lower priority than 10\n"
                        "      7  No preemption victims\n"));
}

TEST(WhyJson, BothWays) {
  for (const Explanation& told : {pending(), placed(), Explanation()}) {
    const std::string text = to_json(told);
    EXPECT_EQ(to_json(from_json(text)), text);
    EXPECT_EQ(to_text(from_json(text)), to_text(told));
  }
  const auto json = nlohmann::json::parse(to_json(pending()));
  EXPECT_EQ(json["refused"][1]["verdicts"][0]["plugin"], "NodeUnschedulable");
  EXPECT_EQ(json["nearest"][0]["lacking"][0]["needs"][0]["missing"], "500m");
  EXPECT_EQ(json["preemption"]["nodes"][0]["victims"][1]["priority"], -1);
  EXPECT_FALSE(json.contains("scores"));
}

TEST(WhyJson, WhatIsNoExplanation) {
  for (const char* text : {"", "[]", "{", R"({"nodes":"many"})", R"({"pod":7})", R"({"refused":{"a":1}})"}) {
    EXPECT_THROW(from_json(text), api::DecodeError) << text;
  }
  EXPECT_EQ(from_json(R"({"state":"fits","later":{"a":1}})").state, "fits");
}

TEST(WhyQuestion, AsItIsAsked) {
  const Question asked = question_of(
      "pod=web%2Fapi&addNodes=3:n0&drain=n1&drain=n2&uncordon=n3&label=n4:a.b%2Fc=d&label=n4:e-&taint=n5:k=v:NoSchedule&taint=n5:"
      "k-&"
      "taint=n5:k:NoExecute-&runnersUp=7&nearest=0",
      "");
  EXPECT_EQ(asked.pod.text(), "web/api");
  EXPECT_EQ(asked.given, nullptr);
  ASSERT_EQ(asked.edits.added.size(), 1u);
  EXPECT_EQ(asked.edits.added[0].count, 3);
  EXPECT_EQ(asked.edits.added[0].like, "n0");
  EXPECT_THAT(asked.edits.drained, testing::ElementsAre("n1", "n2"));
  EXPECT_THAT(asked.edits.uncordoned, testing::ElementsAre("n3"));
  ASSERT_EQ(asked.edits.labels.size(), 2u);
  EXPECT_EQ(asked.edits.labels[0].key, "a.b/c");
  EXPECT_EQ(asked.edits.labels[0].value, "d");
  EXPECT_EQ(asked.edits.labels[1].key, "e");
  EXPECT_EQ(asked.edits.labels[1].value, std::nullopt);
  ASSERT_EQ(asked.edits.taints.size(), 3u);
  EXPECT_EQ(asked.edits.taints[0].taint.value(), "v");
  EXPECT_EQ(asked.edits.taints[0].taint.effect(), "NoSchedule");
  EXPECT_FALSE(asked.edits.taints[0].away);
  EXPECT_TRUE(asked.edits.taints[1].away);
  EXPECT_EQ(asked.edits.taints[1].taint.effect(), "");
  EXPECT_TRUE(asked.edits.taints[2].away);
  EXPECT_EQ(asked.edits.taints[2].taint.effect(), "NoExecute");
  EXPECT_EQ(asked.runners_up, 7u);
  EXPECT_EQ(asked.nearest, 0u);
}

TEST(WhyQuestion, WithABody) {
  Question asked = question_of("", R"(
kind: List
items:
- {kind: Pod, metadata: {name: p, namespace: shop}, spec: {containers: [{name: c, image: i}]}}
- {kind: Node, metadata: {name: big}, status: {capacity: {cpu: 64}}}
)");
  ASSERT_NE(asked.given, nullptr);
  EXPECT_EQ(asked.pod.text(), "shop/p");
  complete(asked);
  EXPECT_EQ(asked.given->spec().scheduler_name(), "default-scheduler");
  ASSERT_EQ(asked.edits.nodes.size(), 1u);
  EXPECT_EQ(asked.edits.nodes[0].status().allocatable().at("cpu").string(), "64") << "defaulted";
}

TEST(WhyQuestion, WhatMeansNothing) {
  const std::string kPod = "{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}";
  struct Case {
    std::string query, body;
    int code;
    std::string text;
  };
  const Case kCases[] = {
      {"", "", 400, "which pod?"},
      {"pod=web", "", 400, "is not NAMESPACE/NAME"},
      {"pod=a/", "", 400, "is not NAMESPACE/NAME"},
      {"pod=a/b&colour=red", "", 400, "no parameter \"colour\""},
      {"pod=a/b&addNodes=3", "", 400, "is not COUNT:NODE"},
      {"pod=a/b&addNodes=-1:n", "", 400, "no number from 0 to 1000"},
      {"pod=a/b&addNodes=1001:n", "", 400, "no number from 0 to 1000"},
      {"pod=a/b&addNodes=3x:n", "", 400, "no number from 0 to 1000"},
      {"pod=a/b&drain=", "", 400, "which node?"},
      {"pod=a/b&label=n", "", 400, "is not NODE:KEY=VALUE"},
      {"pod=a/b&label=n:key", "", 400, "is not NODE:KEY=VALUE"},
      {"pod=a/b&label=n:-", "", 400, "is not NODE:KEY=VALUE"},
      {"pod=a/b&taint=n:k=v", "", 400, "is not NODE:KEY[=VALUE]:EFFECT"},
      {"pod=a/b&taint=n:k=v:Never", "", 400, "is not NODE:KEY[=VALUE]:EFFECT"},
      {"pod=a/b&nearest=many", "", 400, "no number"},
      {"pod=a/b", kPod, 400, "which is meant?"},
      {"", "{kind: Service}", 400, "a Pod, a Node or a List"},
      {"", "[1]", 400, "a Pod, a Node or a List"},
      {"", "{", 400, ""},
      {"", "{kind: List, items: [" + kPod + ", " + kPod + "]}", 400, "more than one pod"},
      {"", "{kind: List, items: [{kind: List}]}", 400, "a List in a List"},
      {"", "{kind: List, items: [7]}", 400, ""},
      {"", "{kind: Pod, spec: {containers: 7}}", 400, ""},
      {"", "{kind: Pod, metadata: {name: p}, spec: {}}", 422, "spec.containers: Required value"},
      {"", "{kind: Pod, metadata: {name: p}, spec: {priorityClassName: high, containers: [{name: c, image: i}]}}", 400,
       "no priority"},
      {"", "{kind: List, items: [{kind: Node}]}", 400, "has no name"},
  };
  for (const Case& c : kCases) {
    try {
      Question question = question_of(c.query, c.body);
      complete(question);
      ADD_FAILURE() << c.query << " " << c.body;
    } catch (const api::ApiError& error) {
      EXPECT_EQ(error.code(), c.code) << c.query << " " << c.body << ": " << error.what();
      EXPECT_THAT(error.what(), HasSubstr(c.text));
    }
  }
}

}  // namespace
}  // namespace ph::scheduler::why
