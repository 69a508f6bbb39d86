#include <gtest/gtest.h>

#include "api/codec.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

constexpr const char* kAccess = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
constexpr const char* kSelfAccess = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
constexpr const char* kLocalAccess = "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews";
constexpr const char* kRules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
constexpr const char* kSelf = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

std::string body(const char* kind, const char* group, const char* spec) {
  return std::string(R"({"kind":")") + kind + R"(","apiVersion":")" + group + R"(/v1","spec":)" + spec + "}";
}

struct Case {
  const char* name;
  const char* target;
  const char* kind;
  const char* spec;
  Identity who;
  int status;
  bool allowed;
  const char* text;  // the reason, or of an error the message
};

TEST(Reviews, Access) {
  const Identity jane = StandardWorld::user("jane");
  const Case kCases[] = {
      {"an administrator may", kSelfAccess, "SelfSubjectAccessReview",
       R"({"resourceAttributes":{"verb":"delete","resource":"nodes"}})", StandardWorld::admin(), 201, true, ""},
      {"nobody else may", kSelfAccess, "SelfSubjectAccessReview",
       R"({"resourceAttributes":{"verb":"delete","resource":"nodes"}})", jane, 201, false, ""},
      {"everybody may look around", kSelfAccess, "SelfSubjectAccessReview",
       R"({"nonResourceAttributes":{"verb":"get","path":"/api/v1"}})", jane, 201, true,
       "RBAC: allowed by ClusterRoleBinding \"system:discovery\" of ClusterRole \"system:discovery\" to Group "
       "\"system:authenticated\""},
      {"about somebody else", kAccess, "SubjectAccessReview",
       R"({"user":"system:kube-scheduler","resourceAttributes":{"verb":"create","resource":"bindings"}})", StandardWorld::admin(),
       201, true,
       "RBAC: allowed by ClusterRoleBinding \"system:kube-scheduler\" of ClusterRole \"system:kube-scheduler\" to User "
       "\"system:kube-scheduler\""},
      {"about somebody else, without the right to ask", kAccess, "SubjectAccessReview",
       R"({"user":"x","resourceAttributes":{"verb":"get","resource":"pods"}})", jane, 403, false,
       "subjectaccessreviews.authorization.k8s.io is forbidden: User \"jane\" cannot create resource \"subjectaccessreviews\" in "
       "API "
       "group \"authorization.k8s.io\" at the cluster scope"},
      {"a namespace that does not match", kLocalAccess, "LocalSubjectAccessReview",
       R"({"user":"x","resourceAttributes":{"verb":"get","resource":"pods","namespace":"other"}})", StandardWorld::admin(), 422,
       false,
       ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes.namespace: Invalid value: \"other\": must match "
       "metadata.namespace"},
      {"a namespace that matches", kLocalAccess, "LocalSubjectAccessReview",
       R"({"user":"x","resourceAttributes":{"verb":"get","resource":"pods","namespace":"default"}})", StandardWorld::admin(), 201,
       false, ""},
  };
  StandardWorld world;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Reply reply = world.post(c.target, body(c.kind, "authorization.k8s.io", c.spec), c.who);
    EXPECT_EQ(reply.status, c.status) << reply.body;
    if (c.status != 201) {
      EXPECT_EQ(reply.message(), c.text);
      continue;
    }
    EXPECT_EQ(reply.json()["status"]["allowed"], c.allowed);
    EXPECT_EQ(reply.json()["status"].value("reason", ""), c.text);
  }
}

TEST(Reviews, AccessWithoutAQuestion) {
  StandardWorld world;
  EXPECT_EQ(world.post(kSelfAccess, body("SelfSubjectAccessReview", "authorization.k8s.io", "{}")).status, 422);
  EXPECT_EQ(world
                .post(kAccess, body("SubjectAccessReview", "authorization.k8s.io",
                                    R"({"resourceAttributes":{"verb":"get","resource":"pods"}})"))
                .status,
            422);
}

TEST(Reviews, WhatIsNoQuestion) {
  struct Wrong {
    const char* name;
    const char* spec;
    const char* metadata;
    const char* why;  // nothing: it is one
  };
  const Wrong cases[] = {
      {"two questions", R"({"user":"x","resourceAttributes":{},"nonResourceAttributes":{"path":"/"}})", "{}",
       R"(spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":""}: cannot be specified in combination with resourceAttributes)"},
      {"about nobody", R"({"resourceAttributes":{}})", "{}",
       R"(spec.user: Invalid value: "": at least one of user or group must be specified)"},
      {"an empty selector", R"({"user":"x","resourceAttributes":{"fieldSelector":{}}})", "{}",
       "spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is "
       "specified, requirements or rawSelector is required"},
      {"two selectors",
       R"({"user":"x","resourceAttributes":{"labelSelector":{"rawSelector":"a=b","requirements":[{"key":"a","operator":"Exists"}]}}})",
       "{}",
       R"(spec.resourceAttributes.labelSelector.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements)"},
      {"values of what has none",
       R"({"user":"x","resourceAttributes":{"labelSelector":{"requirements":[{"key":"a","operator":"Exists","values":["b"]}]}}})",
       "{}",
       "spec.resourceAttributes.labelSelector.requirements[0].values: Forbidden: may not be specified when `operator` is "
       "'Exists' "
       "or 'DoesNotExist'"},
      {"an operator that nobody knows",
       R"({"user":"x","resourceAttributes":{"fieldSelector":{"requirements":[{"key":"a","operator":"Near","values":["b"]}]}}})",
       "{}", ""},
      {"with a name", R"({"user":"x","resourceAttributes":{}})", R"({"name":"a"})",
       R"(metadata: Invalid value: {"name":"a"}: must be empty)"},
  };
  StandardWorld world;
  for (const Wrong& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string text = std::string(R"({"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":)") +
                             c.metadata + R"(,"spec":)" + c.spec + "}";
    const Reply reply = world.post(kAccess, text);
    EXPECT_EQ(reply.status, *c.why ? 422 : 201) << reply.body;
    if (*c.why) EXPECT_EQ(reply.message(), std::string(".authorization.k8s.io \"\" is invalid: ") + c.why);
  }
}

// Go's clients write each member that is no pointer, with nothing in it: kubectl 1.33 asks `auth can-i` like this.
TEST(Reviews, EmptyMembersOfProtobufSayNothing) {
  StandardWorld world;
  const auto ask = [&](const char* name) {
    authorization::v1::SelfSubjectAccessReview review;
    for (std::string* text : {review.mutable_metadata()->mutable_generate_name(), review.mutable_metadata()->mutable_namespace_(),
                              review.mutable_metadata()->mutable_uid()})
      text->clear();
    review.mutable_metadata()->set_name(name);
    review.mutable_spec()->mutable_resource_attributes()->set_verb("list");
    review.mutable_spec()->mutable_resource_attributes()->set_resource("pods");
    HttpRequest request = StandardWorld::request("POST", kSelfAccess, api::encode_envelope(review));
    request.headers.set("Content-Type", "application/vnd.kubernetes.protobuf");
    return world.send(std::move(request));
  };
  const Reply reply = ask("");
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(ask("a").message(), R"(.authorization.k8s.io "" is invalid: metadata: Invalid value: {"name":"a"}: must be empty)");
}

TEST(Reviews, NobodyMakesTablesOfThem) {
  StandardWorld world;
  const auto ask = [&](std::string accept) {
    HttpRequest request = StandardWorld::request("POST", kSelf, body("SelfSubjectReview", "authentication.k8s.io", "{}"));
    request.headers.add("Accept", std::move(accept));
    return world.send(std::move(request));
  };
  const Reply refused = ask("application/json;as=Table;g=meta.k8s.io;v=v1");
  EXPECT_EQ(refused.status, 406);
  EXPECT_EQ(refused.json()["reason"], "NotAcceptable");
  const Reply other = ask("application/json;as=Table;g=meta.k8s.io;v=v1,application/yaml");
  EXPECT_EQ(other.status, 201);
  EXPECT_EQ(other.headers.get("Content-Type"), "application/yaml");
}

TEST(Reviews, Rules) {
  StandardWorld world;
  const json review = world
                          .post(kRules, body("SelfSubjectRulesReview", "authorization.k8s.io", R"({"namespace":"default"})"),
                                StandardWorld::user("jane"))
                          .json();
  EXPECT_EQ(review["status"]["incomplete"], false);
  EXPECT_GT(review["status"]["resourceRules"].size(), 0u);
  EXPECT_GT(review["status"]["nonResourceRules"].size(), 0u);
  EXPECT_EQ(world.post(kRules, body("SelfSubjectRulesReview", "authorization.k8s.io", "{}")).status, 400);
}

TEST(Reviews, WhoAmI) {
  StandardWorld world;
  const json review =
      world.post(kSelf, body("SelfSubjectReview", "authentication.k8s.io", "{}"), StandardWorld::user("jane", {"dev"})).json();
  EXPECT_EQ(review["status"]["userInfo"]["username"], "jane");
  EXPECT_EQ(review["status"]["userInfo"]["groups"], json::array({"dev", "system:authenticated"}));
}

TEST(Reviews, AnonymousReachesOnlyWhatIsPublic) {
  struct Case {
    const char* path;
    int status;
  };
  const Case kCases[] = {{"/healthz", 200},
                         {"/livez", 200},
                         {"/readyz", 200},
                         {"/version", 200},
                         {"/api", 403},
                         {"/apis", 403},
                         {"/", 403},
                         {"/openapi/v2", 403},
                         {"/api/v1/pods", 403},
                         {"/api/v1/namespaces/default", 403},
                         {"/metrics", 403},
                         {"/metrics/slis", 403}};
  StandardWorld world;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.path);
    EXPECT_EQ(world.get(c.path, std::nullopt).status, c.status);
  }
}

TEST(Access, OnlyTheAuthorizersOfTheFlagAreAsked) {
  using enum StandardOptions::Authorization;
  const Identity node = StandardWorld::user("system:node:n1", {"system:nodes"}),
                 manager = StandardWorld::user("system:kube-controller-manager");
  const auto may = [](AuthorizerConfigs modes, const Identity& who) {
    StandardWorld world({.authorization = std::move(modes)});
    return world.get("/api/v1/services", who).status != 403;
  };
  EXPECT_TRUE(may({Node, Rbac}, node));
  EXPECT_TRUE(may({Node, Rbac}, manager));
  EXPECT_TRUE(may({Node}, node));
  EXPECT_FALSE(may({Node}, manager));
  EXPECT_FALSE(may({Rbac}, node));
  EXPECT_TRUE(may({Rbac}, manager));
  EXPECT_TRUE(may({AlwaysAllow}, StandardWorld::user("jane")));
  EXPECT_FALSE(may({AlwaysDeny}, manager));
  EXPECT_TRUE(may({AlwaysDeny, Rbac}, manager)) << "it has no opinion of its own";
  EXPECT_TRUE(may({AlwaysDeny}, StandardWorld::admin())) << "system:masters are asked by nobody";
}

TEST(Access, MonitoringReadsMetrics) {
  StandardWorld world;
  world.get("/version");
  const auto reply = world.get("/metrics", StandardWorld::user("prometheus", {"system:monitoring"}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(reply.body.find("\n# TYPE apiserver_request_total counter\n"), std::string::npos);
  EXPECT_EQ(world.get("/metrics/slis", StandardWorld::user("prometheus", {"system:monitoring"})).status, 200);
  EXPECT_EQ(world.get("/metrics", StandardWorld::user("jane")).status, 403);
  EXPECT_EQ(world.send(StandardWorld::request("POST", "/metrics", "{}")).status, 405);
}

}  // namespace
}  // namespace ph::apiserver::testing
