// `kubectl why` before it asks: what words and flags become, and which pod a file holds.
#include "pilothouse/kubectl_why.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace ph::pilothouse {
namespace {

using daemon::FlagError;
using nlohmann::json;

std::string name_of(const std::vector<std::string>& words) {
  try {
    return pod_name(words);
  } catch (const FlagError&) {
    return "refused";
  }
}

TEST(KubectlWhy, Words) {
  EXPECT_EQ(name_of({}), "");
  EXPECT_EQ(name_of({"web-0"}), "web-0");
  EXPECT_EQ(name_of({"pod", "web-0"}), "web-0");
  EXPECT_EQ(name_of({"po", "web-0"}), "web-0");
  EXPECT_EQ(name_of({"pods/web-0"}), "web-0");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"pod"}, {"pod/"}, {"node/a"}, {"node", "a"}, {"pod", "a", "b"}, {"pod", "a/b"}, {"pod", ""}}) {
    EXPECT_EQ(name_of(words), "refused") << json(words).dump();
  }
}

std::string target_of(std::vector<std::string> args) {
  WhyOptions options;
  daemon::FlagSet flags("kubectl-why");
  add_flags(flags, options);
  flags.parse(args);
  return why_target(options, "ns", pod_name(options.words));
}

TEST(KubectlWhy, Targets) {
  EXPECT_EQ(target_of({"-n", "x", "pod", "a"}), "/debug/why?runnersUp=3&nearest=5&pod=ns/a");
  EXPECT_EQ(target_of({"pod", "a", "--add-nodes", "3", "--like=n0", "--runners-up=1", "--nearest", "2"}),
            "/debug/why?runnersUp=1&nearest=2&pod=ns/a&addNodes=3:n0");
  EXPECT_EQ(target_of({"-f", "-", "--add-nodes=1:a", "--add-nodes=2:b", "--drain=n1", "--uncordon=n2"}),
            "/debug/why?runnersUp=3&nearest=5&addNodes=1:a&addNodes=2:b&drain=n1&uncordon=n2");
  EXPECT_EQ(target_of({"a", "--label=n0:x/y=a b", "--taint", "n0:k=v:NoSchedule", "--taint", "n0:k&-"}),
            "/debug/why?runnersUp=3&nearest=5&pod=ns/a&label=n0:x/y%3Da%20b&taint=n0:k%3Dv:NoSchedule&taint=n0:k%26-");
  EXPECT_THROW(target_of({"a", "--add-nodes=3"}), FlagError);
  EXPECT_THROW(target_of({"a", "--like=n0"}), FlagError);
  EXPECT_THROW(target_of({"a", "--nonsense"}), FlagError);
}

TEST(KubectlWhy, Documents) {
  EXPECT_TRUE(documents("").empty());
  EXPECT_TRUE(documents("---\n\n--- \n").empty());
  const auto two = documents("# first\nkind: Pod\nspec: {a: '---'}\n---\nkind: Node\n");
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0]["kind"], "Pod");
  EXPECT_EQ(two[0]["spec"]["a"], "---");
  EXPECT_EQ(two[1]["kind"], "Node");
  EXPECT_EQ(documents(R"({"kind": "Pod"})").size(), 1u);
}

TEST(KubectlWhy, PodsOfTemplates) {
  const json pod = json::parse(R"({"kind":"Pod","metadata":{"name":"p"}})");
  EXPECT_EQ(pod_of(pod), pod);
  const json web = pod_of(json::parse(
      R"({"kind":"Deployment","metadata":{"name":"web","namespace":"n","labels":{"not":"these"}},"spec":{"template":{"metadata":{"labels":{"app":"web"}},"spec":{"a":1}}}})"));
  EXPECT_EQ(
      web,
      json::parse(
          R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"n","labels":{"app":"web"}},"spec":{"a":1}})"));
  const json job = pod_of(json::parse(
      R"({"kind":"CronJob","metadata":{"name":"tick"},"spec":{"jobTemplate":{"spec":{"template":{"spec":{"a":1}}}}}})"));
  EXPECT_EQ(job["spec"]["a"], 1);
  EXPECT_EQ(job["metadata"]["name"], "tick");
  for (const char* text : {R"({"kind":"Node"})", R"({"kind":"Service","spec":{}})", R"({"spec":{"template":7}})", "[]", "7"}) {
    EXPECT_TRUE(pod_of(json::parse(text)).is_null()) << text;
  }
}

}  // namespace
}  // namespace ph::pilothouse
