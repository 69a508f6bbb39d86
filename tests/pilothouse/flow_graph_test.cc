// `pilothouse flow-graph`: from nodes and pods to a picture for GraphViz.
#include "pilothouse/flow_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "daemon/flags.h"

namespace ph::pilothouse {
namespace {

using nlohmann::json;
using testing::HasSubstr, testing::Not;

json node(const std::string& name, const std::string& cpu = "4") {
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", {{"name", name}}},
          {"status", {{"allocatable", {{"cpu", cpu}, {"memory", "8Gi"}, {"pods", "10"}}}}}};
}

json pod(const std::string& name, const json& spec, const json& labels = json::object()) {
  json out = {{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata", {{"name", name}, {"labels", labels}}},
              {"spec",
               {{"schedulerName", "flow-scheduler"},
                {"containers", json::array({{{"name", "c"}, {"resources", {{"requests", {{"cpu", "1"}}}}}}})}}}};
  out["spec"].update(spec);
  return out;
}

TEST(FlowGraph, DrawsWhoWaitsAndWhereTheyWouldGo) {
  const std::string drawn = flow_graph(
      {node("n1"), node("n2", "1"), pod("there", {{"nodeName", "n2"}}), pod("a", json::object()), pod("b", json::object())}, "",
      "");
  EXPECT_THAT(drawn, HasSubstr("digraph"));
  EXPECT_THAT(drawn, HasSubstr("label=\"a (+2)\""));
  EXPECT_THAT(drawn, HasSubstr("label=n1"));
  EXPECT_THAT(drawn, HasSubstr("label=unscheduled"));
  // No arc leads to the full node: nothing but its name is there.
  EXPECT_THAT(drawn, HasSubstr("label=n2"));
  EXPECT_THAT(drawn, HasSubstr("label=\"2/2 @"));
}

TEST(FlowGraph, PassesByWhomItIsNotAbout) {
  const std::string drawn = flow_graph({node("n1"),
                                        pod("other", {{"schedulerName", "default-scheduler"}}),
                                        pod("gated", {{"schedulingGates", json::array({{{"name", "g"}}})}}),
                                        {{"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", {{"name", "s"}}}}},
                                       "", "");
  EXPECT_THAT(drawn, Not(HasSubstr("other")));
  EXPECT_THAT(drawn, Not(HasSubstr("gated")));
  EXPECT_THAT(drawn, HasSubstr("label=sink"));
}

TEST(FlowGraph, GangsStandBeforeTheirClasses) {
  const json labels = {{"pod-group.scheduling.sigs.k8s.io/name", "g"}, {"pod-group.scheduling.sigs.k8s.io/min-available", "2"}};
  const std::string drawn = flow_graph({node("n1"), pod("a", json::object(), labels), pod("b", json::object(), labels)}, "", "");
  EXPECT_THAT(drawn, HasSubstr("label=\"a of default/g (+2)\""));
  // There is room for one of the two: for none of them.
  const std::string none =
      flow_graph({node("n1", "1"), pod("a", json::object(), labels), pod("b", json::object(), labels)}, "", "");
  EXPECT_THAT(none, HasSubstr("label=\"a of default/g\""));
}

TEST(FlowGraph, RefusesProfilesThatAreNone) {
  const std::string plain =
      "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{schedulerName: plain}]\n";
  EXPECT_THROW(flow_graph({}, plain, ""), daemon::FlagError);
  EXPECT_THROW(flow_graph({}, plain, "plain"), daemon::FlagError);
  EXPECT_THROW(flow_graph({}, "", "nobody"), daemon::FlagError);
}

}  // namespace
}  // namespace ph::pilothouse
