// ImagePolicyWebhook: what its backend is asked, what its answers do, and what is remembered of them.
#include <gtest/gtest.h>

#include "apiserver/admission/webhook/image_review.h"
#include "apiserver/admission/webhook/review.h"
#include "tests/apiserver/opted_world.h"
#include "tests/apiserver/scripted_webhooks.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

constexpr const char* kBackend = "https://images.example.com:8443";

HookReply judged(bool allowed, const std::string& reason = {}) {
  json status = {{"allowed", allowed}};
  if (!reason.empty()) status["reason"] = reason;
  return {.body = json{{"apiVersion", "imagepolicy.k8s.io/v1alpha1"}, {"kind", "ImageReview"}, {"status", status}}.dump()};
}

class ImagePolicy : public ::testing::Test {
 protected:
  void start(const std::string& settings = "") {
    StandardOptions options = opted(
        {"ImagePolicyWebhook"}, {{"ImagePolicyWebhook", R"({"imagePolicy":{"kubeConfigFile":"images.conf")" + settings + "}}"}});
    options.webhooks = script.transports();
    options.webhook_backends = [](const std::string& kubeconfig) {
      EXPECT_EQ(kubeconfig, "images.conf");
      return WebhookBackend{
          .address = {.url = kBackend, .server_name = "images.example.com", .ca_pem = "ca"}, .path = "/policy", .token = "t"};
    };
    opted_world.emplace(std::move(options));
  }
  Reply create(const json& spec = json::object(), const json& metadata = json::object()) {
    return opted_world->post(kOptedPods, OptedWorld::pod("p", spec, metadata));
  }
  void forget() { opted_world->remove(kOptedPods + "/p?gracePeriodSeconds=0"); }

  ScriptedWebhooks script;
  std::optional<OptedWorld> opted_world;
};

TEST_F(ImagePolicy, WhatIsAsked) {
  script.at(kBackend, [](const json&) { return judged(true); });
  start();
  const json spec = json::parse(R"({"containers":[{"name":"c","image":"one"}],"initContainers":[{"name":"d","image":"two"}]})");
  EXPECT_EQ(create(spec, {{"annotations", {{"mine.image-policy.k8s.io/ticket", "7"}, {"other", "x"}}}}).status, 201);
  ASSERT_EQ(script.reviews.size(), 1u);
  EXPECT_EQ(script.reviews[0]["apiVersion"], "imagepolicy.k8s.io/v1alpha1");
  EXPECT_EQ(script.reviews[0]["kind"], "ImageReview");
  EXPECT_EQ(script.reviews[0]["spec"], json::parse(R"({"containers":[{"image":"one"},{"image":"two"}],
      "annotations":{"mine.image-policy.k8s.io/ticket":"7"},"namespace":"default"})"));
  EXPECT_EQ(script.hosts[0], "images.example.com:8443");
  EXPECT_EQ(script.targets[0], "/policy?timeout=30s");
  EXPECT_EQ(script.addresses[0].ca_pem, "ca");
}

TEST_F(ImagePolicy, WhatIsRefused) {
  script.at(kBackend, [](const json& review) {
    const std::string image = review["spec"]["containers"][0]["image"];
    return judged(false, image == "bad" ? "it is bad" : "");
  });
  start();
  const Reply bad = create(json::parse(R"({"containers":[{"name":"c","image":"bad"}]})"));
  EXPECT_EQ(bad.status, 403);
  EXPECT_EQ(bad.message(), "pods \"p\" is forbidden: image policy webhook backend denied one or more images: it is bad");
  EXPECT_EQ(create().message(), "pods \"p\" is forbidden: one or more images rejected by webhook backend");
}

TEST_F(ImagePolicy, AnswersAreRemembered) {
  bool allowed = true;
  script.at(kBackend, [&](const json&) { return judged(allowed); });
  start(R"(,"allowTTL":60,"denyTTL":10)");
  EXPECT_EQ(create().status, 201);
  forget();
  allowed = false;
  EXPECT_EQ(create().status, 201) << "what was allowed is, for a minute";
  forget();
  EXPECT_EQ(script.reviews.size(), 1u);
  opted_world->world.executor.advance(61s);
  EXPECT_EQ(create().status, 403);
  allowed = true;
  EXPECT_EQ(create().status, 403) << "what was refused is, for ten seconds";
  EXPECT_EQ(script.reviews.size(), 2u);
  opted_world->world.executor.advance(11s);
  EXPECT_EQ(create().status, 201);
}

TEST_F(ImagePolicy, NothingIsRememberedOnRequest) {
  script.at(kBackend, [](const json&) { return judged(true); });
  start(R"(,"allowTTL":-1)");
  create();
  forget();
  create();
  EXPECT_EQ(script.reviews.size(), 2u);
}

TEST_F(ImagePolicy, FailuresRefuseUnlessItIsSaidOtherwise) {
  script.at(kBackend, [](const json&) { return HookReply{.broken = "connection refused"}; });
  start();
  const Reply refused = create();
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(),
            "pods \"p\" is forbidden: Post \"https://images.example.com:8443/policy?timeout=30s\": connection refused");
  start(R"(,"defaultAllow":true)");
  EXPECT_EQ(create().status, 201);
}

TEST_F(ImagePolicy, WhatMayPassIsAskedAgain) {
  int failures = 2;
  script.at(kBackend, [&](const json&) { return failures-- > 0 ? HookReply{.status = 500} : judged(true); });
  start(R"(,"retryBackoff":100)");
  EXPECT_EQ(create().status, 201);
  EXPECT_EQ(script.reviews.size(), 3u);
  forget();
  failures = 100;
  opted_world->world.executor.advance(10min);
  EXPECT_EQ(create().status, 403);
  EXPECT_EQ(script.reviews.size(), 8u) << "five times";
}

TEST_F(ImagePolicy, AnswersThatAreNone) {
  for (const char* body : {"", "{", "[]", "{}", R"({"apiVersion":"v1","kind":"Pod"})",
                           R"({"apiVersion":"imagepolicy.k8s.io/v1alpha1","kind":"ImageReview"})",
                           R"({"apiVersion":"imagepolicy.k8s.io/v1alpha1","kind":"ImageReview","status":{"allowed":"yes"}})"}) {
    EXPECT_THROW(webhook::read_image_review(body), webhook::BadAnswer) << body;
  }
  EXPECT_THROW(webhook::read_image_review(std::string(100'000, '[')), webhook::BadAnswer);
  EXPECT_FALSE(webhook::read_image_review(judged(false, "x").body).allowed);
}

TEST_F(ImagePolicy, CVE_2023_2727_EphemeralContainersAreJudged) {
  script.at(kBackend, [](const json& review) {
    bool good = true;
    for (const json& each : review["spec"]["containers"]) good &= each["image"] != "bad";
    return judged(good);
  });
  start();
  ASSERT_EQ(create().status, 201);
  const auto join = [&](const char* image) {
    return opted_world->patch(kOptedPods + "/p/ephemeralcontainers",
                              {{"spec", {{"ephemeralContainers", {{{"name", image}, {"image", image}}}}}}});
  };
  EXPECT_EQ(join("bad").status, 403);
  EXPECT_EQ(join("good").status, 200);
  EXPECT_EQ(script.reviews.back()["spec"]["containers"], json::parse(R"([{"image":"good"}])"));
}

}  // namespace
}  // namespace ph::apiserver::testing
