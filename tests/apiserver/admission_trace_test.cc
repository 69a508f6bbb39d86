// Requests that ask which plugin or webhook changes what of their object.
#include "apiserver/admission/trace.h"

#include <gtest/gtest.h>

#include "tests/apiserver/opted_world.h"
#include "tests/apiserver/scripted_webhooks.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

std::vector<json> traced(const Reply& reply) {
  std::vector<json> out;
  for (const auto& [name, value] : reply.headers) {
    if (name == kAdmissionTraceHeader) out.push_back(json::parse(value));
  }
  return out;
}

bool has(const std::vector<json>& lines, const json& wanted) {
  return std::find(lines.begin(), lines.end(), wanted) != lines.end();
}

class Tracing : public ::testing::Test {
 protected:
  Tracing() : opted_world(options()) {}
  StandardOptions options() {
    StandardOptions out;
    out.webhooks = script.transports();
    return out;
  }
  Reply send(const char* method, const std::string& target, const json& body, const char* header = "true",
             const char* type = "application/json") {
    HttpRequest request = StandardWorld::request(method, target, body.dump());
    request.headers.set("Content-Type", type);
    if (header) request.headers.add(kAdmissionTraceHeader, header);
    return opted_world.world.send(std::move(request));
  }

  ScriptedWebhooks script;
  OptedWorld opted_world;
};

TEST_F(Tracing, PluginsAreNamed) {
  const Reply reply = send("POST", kOptedPods + "?dryRun=All", OptedWorld::pod("p"));
  ASSERT_EQ(reply.status, 201);
  const auto lines = traced(reply);
  EXPECT_TRUE(
      has(lines, json::parse(R"({"by":"ServiceAccount","op":"add","path":"/spec/serviceAccountName","value":"default"})")));
  EXPECT_TRUE(has(lines, json::parse(R"({"by":"Priority","op":"add","path":"/spec/priority","value":0})")));
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const json& line) {
    return line["by"] == "DefaultTolerationSeconds" && line["path"] == "/spec/tolerations";
  })) << reply.headers.size();
}

TEST_F(Tracing, NobodyIsToldUnasked) {
  EXPECT_TRUE(traced(send("POST", kOptedPods + "?dryRun=All", OptedWorld::pod("p"), nullptr)).empty());
  EXPECT_TRUE(traced(send("POST", kOptedPods + "?dryRun=All", OptedWorld::pod("p"), "no")).empty());
}

TEST_F(Tracing, WebhooksAreNamed) {
  script.at("https://hook.example.com", [](const json& review) {
    return patch(review, R"([{"op":"add","path":"/metadata/labels","value":{"from":"hook"}}])");
  });
  opted_world.must(
      "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
      {{"metadata", {{"name", "m"}}},
       {"webhooks",
        {{{"name", "one.example.com"},
          {"clientConfig", {{"url", "https://hook.example.com"}}},
          {"rules", {{{"operations", {"CREATE"}}, {"apiGroups", {""}}, {"apiVersions", {"v1"}}, {"resources", {"configmaps"}}}}},
          {"sideEffects", "None"},
          {"admissionReviewVersions", {"v1"}}}}}});
  const Reply reply = send("POST", "/api/v1/namespaces/default/configmaps", {{"metadata", {{"name", "c"}}}});
  ASSERT_EQ(reply.status, 201);
  EXPECT_TRUE(has(
      traced(reply),
      json::parse(
          R"({"by":"MutatingAdmissionWebhook: m/one.example.com","op":"add","path":"/metadata/labels","value":{"from":"hook"}})")));
}

TEST_F(Tracing, RefusalsTellWhatWasChangedBefore) {
  opted_world.must("/api/v1/namespaces",
                   {{"metadata", {{"name", "strict"}, {"labels", {{"pod-security.kubernetes.io/enforce", "restricted"}}}}}});
  opted_world.must("/api/v1/namespaces/strict/serviceaccounts", {{"metadata", {{"name", "default"}}}});
  const Reply reply = send("POST", "/api/v1/namespaces/strict/pods", OptedWorld::pod("p"));
  ASSERT_EQ(reply.status, 403);
  EXPECT_FALSE(traced(reply).empty());
}

TEST_F(Tracing, UpdatesTellOfTheirLastAttempt) {
  opted_world.must(kOptedPods, OptedWorld::pod("p"));
  const Reply reply =
      send("PATCH", kOptedPods + "/p", {{"metadata", {{"labels", {{"a", "b"}}}}}}, "true", "application/merge-patch+json");
  ASSERT_EQ(reply.status, 200);
  EXPECT_TRUE(traced(reply).empty()) << "admission changes nothing of it";
}

// -- Bounds

api::Object config_map(const std::string& value, int keys) {
  auto map = std::make_unique<core::v1::ConfigMap>();
  for (int i = 0; i < keys; ++i) (*map->mutable_data())[std::to_string(i)] = value;
  return map;
}

TEST(AdmissionTrace, HasBounds) {
  AdmissionTrace many;
  many.begin(config_map("", 0));
  many.note("a", config_map("v", 1));
  many.note("b", config_map("w", 200));
  ASSERT_EQ(many.lines().size(), 65u);
  EXPECT_EQ(json::parse(many.lines().back())["op"], "none");

  AdmissionTrace long_ones;
  long_ones.begin(config_map("", 0));
  long_ones.note(std::string(300, 'w'), config_map("v", 1));
  long_ones.note(std::string(300, 'w'), config_map(std::string(200, 'x'), 60));
  std::size_t bytes = 0;
  for (const std::string& line : long_ones.lines()) bytes += line.size();
  EXPECT_LT(long_ones.lines().size(), 60u);
  EXPECT_LT(bytes, 17u << 10);
  EXPECT_EQ(json::parse(long_ones.lines().back())["op"], "none");

  AdmissionTrace large;
  large.begin(config_map(std::string(70'000, 'x'), 1));
  ASSERT_EQ(large.lines().size(), 1u);
  large.note("a", config_map("v", 1));
  EXPECT_EQ(large.lines().size(), 1u);

  AdmissionTrace grows;
  grows.begin(config_map("v", 1));
  grows.note("a", config_map(std::string(70'000, 'x'), 1));
  ASSERT_EQ(grows.lines().size(), 1u);
  EXPECT_FALSE(json::parse(grows.lines()[0]).contains("value")) << "it is too long";
  grows.note("b", config_map("v", 1));
  EXPECT_EQ(grows.lines().size(), 1u);
  grows.begin(config_map("v", 1));
  EXPECT_TRUE(grows.lines().empty());
}

TEST(AdmissionTrace, IsAscii) {
  AdmissionTrace trace;
  trace.begin(config_map("", 0));
  trace.note("a", config_map("gr\u00fc\u00dfe\r\n", 1));
  for (const std::string& line : trace.lines()) {
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c < 127) << line;
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
