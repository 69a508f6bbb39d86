// What is sent to extenders, and what is made of their answers.
#include "scheduler/extender/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "scheduler/extender/extender.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::Pair;

TEST(ExtenderWire, ArgsWithNodes) {
  ExtenderArgsWriter writer(make_pod("default/p"), false);
  writer.add(make_node("n1").label("pool", "a"));
  writer.add(make_node("n2"));
  const json args = json::parse(std::move(writer).finish());
  EXPECT_EQ(args.size(), 3u);
  EXPECT_EQ(args["Pod"]["metadata"]["name"], "p");
  EXPECT_EQ(args["Nodes"]["items"].size(), 2u);
  EXPECT_EQ(args["Nodes"]["items"][0]["metadata"]["labels"]["pool"], "a");
  EXPECT_EQ(args["Nodes"]["items"][1]["metadata"]["name"], "n2");
  EXPECT_TRUE(args["NodeNames"].is_null());
}

TEST(ExtenderWire, ArgsWithNames) {
  ExtenderArgsWriter writer(make_pod("default/p"), true);
  writer.add(make_node("n1"));
  writer.add(make_node("n2"));
  const json args = json::parse(std::move(writer).finish());
  EXPECT_TRUE(args["Nodes"].is_null());
  EXPECT_EQ(args["NodeNames"], (json{"n1", "n2"}));
}

TEST(ExtenderWire, NoNodesAreNoNodes) {
  EXPECT_EQ(json::parse(ExtenderArgsWriter(make_pod(), true).finish())["NodeNames"], json::array());
  EXPECT_EQ(json::parse(ExtenderArgsWriter(make_pod(), false).finish())["Nodes"]["items"], json::array());
}

TEST(ExtenderWire, BindingArgs) {
  EXPECT_EQ(extender_binding_args(make_pod("default/p"), "n\"1"),
            R"({"PodName":"p","PodNamespace":"default","PodUID":"uid-p","Node":"n\"1"})");
}

TEST(ExtenderWire, FilterResult) {
  const auto by_name = read_extender_filter_result(
      R"({"NodeNames":["b","a"],"FailedNodes":{"c.example.com":"too far"},"FailedAndUnresolvableNodes":{"D":"broken"},"Error":""})");
  EXPECT_THAT(*by_name.node_names, ElementsAre("b", "a"));
  EXPECT_FALSE(by_name.nodes);
  EXPECT_THAT(by_name.failed_nodes, ElementsAre(Pair("c.example.com", "too far")));
  EXPECT_THAT(by_name.failed_and_unresolvable_nodes, ElementsAre(Pair("D", "broken")));
  EXPECT_EQ(by_name.error, "");

  const auto by_node = read_extender_filter_result(
      R"({"nodes":{"items":[{"metadata":{"name":"a","labels":{"name":"x"}},"spec":{"name":7}},{"metadata":{}}]},"error":"no"} rest)");
  EXPECT_THAT(*by_node.nodes, ElementsAre("a", ""));
  EXPECT_FALSE(by_node.node_names);
  EXPECT_EQ(by_node.error, "no");
}

TEST(ExtenderWire, WhatAnEmptyAnswerMeans) {
  for (const char* text : {"{}", "null", R"({"Nodes":null,"NodeNames":null,"Error":null})"}) {
    const auto result = read_extender_filter_result(text);
    EXPECT_FALSE(result.nodes || result.node_names) << text;
    EXPECT_EQ(result.error, "") << text;
  }
  EXPECT_TRUE(read_extender_filter_result(R"({"NodeNames":[]})").node_names->empty());
  EXPECT_TRUE(read_extender_filter_result(R"({"Nodes":{"items":null}})").nodes->empty());
  EXPECT_TRUE(read_host_priorities("null").empty());
  EXPECT_EQ(read_extender_binding_result("{}"), "");
}

TEST(ExtenderWire, NamesCannotPassForPaths) {
  const auto result = read_extender_filter_result(
      R"({"nodes.items[]":{"metadata":{"name":"x"}},"nodenames[]":"y","failednodes.z":"w","nodes.items[].metadata.name":"v"})");
  EXPECT_FALSE(result.nodes || result.node_names);
  EXPECT_TRUE(result.failed_nodes.empty());
}

TEST(ExtenderWire, Priorities) {
  EXPECT_THAT(read_host_priorities(R"([{"Host":"a","Score":10},{"host":"b","score":-3,"more":[{"host":"c"}]},{}])"),
              ElementsAre(HostPriority{"a", 10}, HostPriority{"b", -3}, HostPriority{"", 0}));
}

struct BadCase {
  const char* name;
  void (*read)(std::string_view);
  const char* text;
  const char* error;
};
void filter_result(std::string_view text) { read_extender_filter_result(text); }
void priorities(std::string_view text) { read_host_priorities(text); }
void binding(std::string_view text) { read_extender_binding_result(text); }

TEST(ExtenderWire, WhatIsNoAnswer) {
  const BadCase kCases[] = {
      {"nothing", filter_result, "", "EOF"},
      {"cut off", filter_result, R"({"NodeNames":["a")", "unexpected EOF"},
      {"a page", filter_result, "<html>", "invalid character '<' looking for beginning of value"},
      {"names that are none", filter_result, R"({"NodeNames":[7]})",
       "json: cannot unmarshal number into Go struct field ExtenderFilterResult.NodeNames of type string"},
      {"names in names", filter_result, R"({"NodeNames":[["a"]]})",
       "json: cannot unmarshal array into Go struct field ExtenderFilterResult.NodeNames of type string"},
      {"one name", filter_result, R"({"NodeNames":"a"})",
       "json: cannot unmarshal string into Go struct field ExtenderFilterResult.NodeNames of type []string"},
      {"nodes as a list", filter_result, R"({"Nodes":[]})",
       "json: cannot unmarshal array into Go struct field ExtenderFilterResult.Nodes of type v1.NodeList"},
      {"a list", filter_result, "[]", "json: cannot unmarshal array into Go value of type v1.ExtenderFilterResult"},
      {"an error that is none", filter_result, R"({"Error":true})",
       "json: cannot unmarshal bool into Go struct field ExtenderFilterResult.Error of type string"},
      {"a score with a fraction", priorities, R"([{"Host":"a","Score":1.5}])",
       "json: cannot unmarshal number 1.5 into Go struct field HostPriority.Score of type int64"},
      {"a score beyond int64", priorities, R"([{"Host":"a","Score":9223372036854775808}])",
       "json: cannot unmarshal number 9223372036854775808 into Go struct field HostPriority.Score of type int64"},
      {"an object of scores", priorities, R"({"a":1})",
       "json: cannot unmarshal object into Go value of type v1.HostPriorityList"},
      {"a text", binding, R"("ok")", "json: cannot unmarshal string into Go value of type v1.ExtenderBindingResult"},
  };
  for (const BadCase& c : kCases) {
    SCOPED_TRACE(c.name);
    try {
      c.read(c.text);
      ADD_FAILURE() << "accepted";
    } catch (const api::DecodeError& error) {
      EXPECT_STREQ(error.what(), c.error);
    }
  }
}

TEST(ExtenderWire, ADeepAnswerIsReadWithoutRecursion) {
  const std::string deep(1 << 20, '[');
  EXPECT_THROW(read_extender_filter_result(deep), api::DecodeError);
  EXPECT_THROW(read_extender_filter_result("{\"x\":" + deep), api::DecodeError);
}

TEST(ExtenderWire, ScoresStayInTheirRange) {
  constexpr Score most = INT64_MAX, least = INT64_MIN;
  EXPECT_EQ(multiply_scores(7, -3), -21);
  EXPECT_EQ(multiply_scores(most, 10), most);
  EXPECT_EQ(multiply_scores(most, -10), least);
  EXPECT_EQ(multiply_scores(least, 10), least);
  EXPECT_EQ(add_scores(2, 3), 5);
  EXPECT_EQ(add_scores(most, 1), most);
  EXPECT_EQ(add_scores(least, -1), least);
}

}  // namespace
}  // namespace ph::scheduler::test
