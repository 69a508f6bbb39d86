// The admission plugin ResourceQuota: what is made is charged with it, and many at once never get more than there is.
#include <gtest/gtest.h>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "tests/apiserver/harness.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

const std::string kSpace = "/api/v1/namespaces/default/";

struct QuotaAdmission : ::testing::Test {
  StandardWorld world{[] {
    StandardOptions options;
    options.disable_admission = {"ServiceAccount"};
    return options;
  }()};

  Reply send(const std::string& method, const std::string& target, const json& body = {}, const char* type = "application/json") {
    HttpRequest request = StandardWorld::request(method, target, body.is_null() ? std::string() : body.dump());
    request.headers.set("Content-Type", type);
    return world.send(std::move(request));
  }
  Reply patch(const std::string& target, const json& body) { return send("PATCH", target, body, "application/merge-patch+json"); }
  // As its loop would have left it.
  void quota(const std::string& name, const json& hard, const json& used, const json& spec = json::object()) {
    json object = {{"metadata", {{"name", name}}}, {"spec", {{"hard", hard}}}};
    object["spec"].update(spec);
    ASSERT_EQ(send("POST", kSpace + "resourcequotas", object).status, 201);
    ASSERT_EQ(patch(kSpace + "resourcequotas/" + name + "/status", {{"status", {{"hard", hard}, {"used", used}}}}).status, 200);
  }
  json used(const std::string& name) { return world.get(kSpace + "resourcequotas/" + name).json()["status"]["used"]; }
  static json pod(const std::string& name, const json& requests = json::object()) {
    return {{"metadata", {{"name", name}}},
            {"spec", {{"containers", {{{"name", "c"}, {"image", "i"}, {"resources", {{"requests", requests}}}}}}}}};
  }
  static json map(const std::string& name) { return {{"metadata", {{"name", name}}}}; }
};

TEST_F(QuotaAdmission, ChargesWhatFitsAndSaysWhatDoesNot) {
  quota("q", {{"pods", "2"}, {"requests.cpu", "1"}}, {{"pods", "0"}, {"requests.cpu", "0"}});
  EXPECT_EQ(send("POST", kSpace + "pods", pod("a", {{"cpu", "400m"}})).status, 201);
  EXPECT_EQ(used("q"), json({{"pods", "1"}, {"requests.cpu", "400m"}}));
  const Reply refused = send("POST", kSpace + "pods", pod("b", {{"cpu", "700m"}}));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(),
            "pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=700m, used: requests.cpu=400m, limited: "
            "requests.cpu=1");
  const Reply silent = send("POST", kSpace + "pods", pod("c"));
  EXPECT_EQ(silent.message(), "pods \"c\" is forbidden: failed quota: q: must specify requests.cpu for: c");
  EXPECT_EQ(send("POST", kSpace + "pods?dryRun=All", pod("d", {{"cpu", "1m"}})).status, 201);
  EXPECT_EQ(used("q")["pods"], "1") << "a dry run uses nothing";
  EXPECT_EQ(send("POST", kSpace + "pods", pod("e", {{"cpu", "600m"}})).status, 201);
  EXPECT_EQ(used("q"), json({{"pods", "2"}, {"requests.cpu", "1"}}));
  const json managers = world.get(kSpace + "resourcequotas/q").json()["metadata"]["managedFields"];
  EXPECT_TRUE(std::any_of(managers.begin(), managers.end(), [](const json& each) {
    return each["manager"] == "kube-apiserver" && each["subresource"] == "status" && each["operation"] == "Update";
  }));
}

TEST_F(QuotaAdmission, WhatIsNotKnownYetIsRefused) {
  quota("q", {{"configmaps", "5"}, {"secrets", "5"}}, {{"secrets", "0"}});
  EXPECT_EQ(send("POST", kSpace + "configmaps", map("a")).message(),
            "configmaps \"a\" is forbidden: status unknown for quota: q, resources: configmaps");
  EXPECT_EQ(send("POST", kSpace + "secrets", map("a")).status, 201);
  EXPECT_EQ(send("POST", kSpace + "services", {{"metadata", {{"name", "s"}}}, {"spec", {{"ports", {{{"port", 1}}}}}}}).status,
            201);
}

TEST_F(QuotaAdmission, AQuotaWithoutAStatusHoldsNobodyUp) {
  ASSERT_EQ(send("POST", kSpace + "resourcequotas", {{"metadata", {{"name", "q"}}}, {"spec", {{"hard", {{"configmaps", "0"}}}}}})
                .status,
            201);
  EXPECT_EQ(send("POST", kSpace + "configmaps", map("a")).status, 201);
}

TEST_F(QuotaAdmission, AllQuotasAreCharged) {
  quota("a", {{"pods", "9"}}, {{"pods", "0"}});
  quota("b", {{"pods", "9"}}, {{"pods", "0"}}, {{"scopes", {"BestEffort"}}});
  quota("c", {{"pods", "9"}}, {{"pods", "0"}}, {{"scopes", {"NotBestEffort"}}});
  EXPECT_EQ(send("POST", kSpace + "pods", pod("p")).status, 201);
  EXPECT_EQ(used("a")["pods"], "1");
  EXPECT_EQ(used("b")["pods"], "1");
  EXPECT_EQ(used("c")["pods"], "0");
  quota("d", {{"resourcequotas", "9"}, {"count/resourcequotas", "9"}}, {{"resourcequotas", "4"}, {"count/resourcequotas", "4"}});
  ASSERT_EQ(
      send("POST", kSpace + "resourcequotas", {{"metadata", {{"name", "e"}}}, {"spec", {{"hard", {{"pods", "1"}}}}}}).status,
      201);
  EXPECT_EQ(used("d"), json({{"resourcequotas", "5"}, {"count/resourcequotas", "5"}}));
}

TEST_F(QuotaAdmission, UpdatesAreChargedForWhatGrows) {
  quota("q", {{"services.nodeports", "1"}, {"requests.storage", "5Gi"}},
        {{"services.nodeports", "0"}, {"requests.storage", "0"}});
  ASSERT_EQ(send("POST", kSpace + "services", {{"metadata", {{"name", "s"}}}, {"spec", {{"ports", {{{"port", 1}}}}}}}).status,
            201);
  EXPECT_EQ(used("q")["services.nodeports"], "0");
  EXPECT_EQ(patch(kSpace + "services/s", {{"spec", {{"type", "NodePort"}}}}).status, 200);
  EXPECT_EQ(used("q")["services.nodeports"], "1");
  EXPECT_EQ(patch(kSpace + "services/s", {{"metadata", {{"labels", {{"a", "b"}}}}}}).status, 200);
  EXPECT_EQ(used("q")["services.nodeports"], "1");
  EXPECT_EQ(
      patch(kSpace + "services/s", {{"spec", {{"ports", {{{"port", 1}, {"name", "a"}}, {{"port", 2}, {"name", "b"}}}}}}}).status,
      403);
  EXPECT_EQ(patch(kSpace + "services/s", {{"spec", {{"type", "ClusterIP"}}}}).status, 200);
  EXPECT_EQ(used("q")["services.nodeports"], "0");
}

TEST_F(QuotaAdmission, ThoseOfOtherNamespacesDoNotMatter) {
  ASSERT_EQ(send("POST", "/api/v1/namespaces", map("default-too")).status, 201);
  quota("q", {{"configmaps", "0"}}, {{"configmaps", "0"}});
  EXPECT_EQ(send("POST", "/api/v1/namespaces/default-too/configmaps", map("a")).status, 201);
  EXPECT_EQ(send("POST", kSpace + "configmaps", map("a")).status, 403);
}

// -- Many at once

// On a disk whose every answer takes another time.
struct QuotaForMany : ::testing::TestWithParam<std::uint64_t> {
  static constexpr int kMany = 64;
  SeededRng times{GetParam()};
  std::unique_ptr<Harness> api;

  QuotaForMany() {
    MemoryOptions memory;
    memory.fault = [this](const Transaction&, MemoryOptions::Moment) { return wait(&times); };
    const auto entry = std::ranges::find(admission_entries(), "ResourceQuota", &AdmissionEntry::name);
    Extensions extensions;
    extensions.admission.push_back(entry->make({nobody, times, clock, everybody}));
    api = std::make_unique<Harness>(quiet_options(), std::move(extensions), std::move(memory));
  }
  static Task<void> wait(SeededRng* rng) { co_await sleep_for(Duration(rng->below(Duration(5ms).count()))); }
  void quota(const std::string& name, const json& hard) {
    json used = hard;
    for (json& each : used) each = "0";
    ASSERT_EQ(
        api->post(kSpace + "resourcequotas", json({{"metadata", {{"name", name}}}, {"spec", {{"hard", hard}}}}).dump()).status,
        201);
    ASSERT_EQ(
        api->patch(kSpace + "resourcequotas/" + name + "/status", json({{"status", {{"hard", hard}, {"used", used}}}}).dump())
            .status,
        200);
  }
  std::map<int, int> create_many() {
    std::vector<std::shared_ptr<std::optional<Answer>>> answers;
    for (int i = 0; i < kMany; ++i) {
      const json map = {{"metadata", {{"name", "m" + std::to_string(i)}}}};
      answers.push_back(api->start(Harness::request("POST", kSpace + "configmaps", map.dump(), "application/json")));
      if (i % 8 == 7) api->executor.advance(2ms);
    }
    for (int i = 0; i < 1000 && !std::ranges::all_of(answers, [](const auto& answer) { return answer->has_value(); }); ++i) {
      api->executor.advance(10ms);
    }
    std::map<int, int> out;
    for (const auto& answer : answers) ++out[answer->value_or(Answer{}).status];
    return out;
  }
  std::string used(const std::string& name) {
    return api->get(kSpace + "resourcequotas/" + name).json()["status"]["used"]["configmaps"];
  }

 private:
  // The plugin reads by the write's reader.
  struct Nobody final : ObjectReader {
    const api::Scheme& scheme() const override { return api::Scheme::builtin(); }
    const api::Resource* resource(const api::Schema&) const override { return nullptr; }
    WatchCache* cache(const api::Resource&) override { return nullptr; }
    api::Object read(const api::Resource&, const ObjectKey&) override { return {}; }
  } nobody;
  struct : Authorizer {
    Decision authorize(const Attributes&) override { return {.kind = Decision::Kind::Allow}; }
  } everybody;
  SystemClock clock;
};

TEST_P(QuotaForMany, AllThatFitAreMadeAndNotOneMore) {
  quota("q", {{"configmaps", "40"}});
  EXPECT_EQ(create_many(), (std::map<int, int>{{201, 40}, {403, 24}}));
  EXPECT_EQ(used("q"), "40");
  EXPECT_EQ(api->names(kSpace + "configmaps").size(), 40u);
}

TEST_P(QuotaForMany, OfTwoQuotasTheSmallerDecidesAndBothAreRight) {
  quota("a", {{"configmaps", "50"}});
  quota("b", {{"configmaps", "30"}});
  EXPECT_EQ(create_many(), (std::map<int, int>{{201, 30}, {403, 34}}));
  EXPECT_EQ(used("a"), "30");
  EXPECT_EQ(used("b"), "30");
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuotaForMany, ::testing::Range<std::uint64_t>(1, 6));

}  // namespace
}  // namespace ph::apiserver::testing
