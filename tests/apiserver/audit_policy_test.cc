// Policies of auditing: which rule a request meets, and what is no policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "apiserver/audit/policy.h"

namespace ph::apiserver::audit {
namespace {

using ::testing::ElementsAre;

const std::string kHead = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";

Policy policy(const std::string& rest) {
  std::vector<std::string> complaints;
  return read_policy(kHead + rest, complaints);
}

RequestInfo resource(std::string verb, std::string group, std::string resource, std::string part = {},
                     std::string namespace_name = {}, std::string name = {}) {
  RequestInfo info;
  info.is_resource = true;
  info.verb = std::move(verb);
  info.group = std::move(group);
  info.version = "v1";
  info.resource = std::move(resource);
  info.subresource = std::move(part);
  info.namespace_name = std::move(namespace_name);
  info.name = std::move(name);
  return info;
}

RequestInfo path(std::string path) {
  RequestInfo info;
  info.verb = "get";
  info.path = std::move(path);
  return info;
}

TEST(AuditPolicy, RulesMatch) {
  const Identity jane{.name = "jane", .uid = {}, .groups = {"humans", "readers"}, .extra = {}};
  struct Case {
    const char* rule;  // the members besides its level
    RequestInfo request;
    bool matches;
  };
  const RequestInfo pods = resource("get", "", "pods", "", "default", "a"),
                    log = resource("get", "", "pods", "log", "default", "a");
  const RequestInfo scale = resource("update", "apps", "deployments", "scale", "default", "a");
  const RequestInfo nodes = resource("list", "", "nodes");
  const Case cases[] = {
      {"", pods, true},
      {"", path("/healthz"), true},
      {"users: [jane]", pods, true},
      {"users: [john]", pods, false},
      {"userGroups: [writers, readers]", pods, true},
      {"userGroups: [writers]", pods, false},
      {"users: [jane], userGroups: [writers]", pods, false},
      {"verbs: [list, get]", pods, true},
      {"verbs: [list]", pods, false},
      {"verbs: [get]", path("/healthz"), true},
      {"namespaces: [default]", pods, true},
      {"namespaces: [other]", pods, false},
      {"namespaces: ['']", nodes, true},
      {"namespaces: ['']", pods, false},
      {"namespaces: [default]", path("/healthz"), false},
      {"resources: [{}]", pods, true},
      {"resources: [{}]", scale, false},
      {"resources: [{group: apps}]", scale, true},
      {"resources: [{resources: [pods]}]", pods, true},
      {"resources: [{resources: [pods]}]", log, false},
      {"resources: [{resources: [pods/log]}]", log, true},
      {"resources: [{resources: [pods/log]}]", pods, false},
      {"resources: [{resources: [pods/*]}]", log, true},
      {"resources: [{resources: [pods/*]}]", pods, true},
      {"resources: [{resources: ['*']}]", log, true},
      {"resources: [{resources: ['*/log']}]", log, true},
      {"resources: [{resources: ['*/scale']}]", scale, false},
      {"resources: [{group: apps, resources: ['*/scale']}]", scale, true},
      {"resources: [{resources: [pods], resourceNames: [a, b]}]", pods, true},
      {"resources: [{resources: [pods], resourceNames: [b]}]", pods, false},
      {"resources: [{resources: [secrets]}, {resources: [pods]}]", pods, true},
      {"resources: [{}]", path("/healthz"), false},
      {"nonResourceURLs: [/healthz]", path("/healthz"), true},
      {"nonResourceURLs: [/healthz]", path("/healthz/etcd"), false},
      {"nonResourceURLs: ['/healthz*']", path("/healthz/etcd"), true},
      {"nonResourceURLs: ['*']", path("/version"), true},
      {"nonResourceURLs: ['*']", pods, false},
  };
  for (const Case& c : cases) {
    const std::string rule = fmt::format("rules: [{{level: Metadata{}{}}}]\n", *c.rule ? ", " : "", c.rule);
    const Judgement judgement = judge(policy(rule), &jane, c.request);
    EXPECT_EQ(judgement.level == Level::Metadata, c.matches) << c.rule << " " << c.request.resource << c.request.path;
  }
}

TEST(AuditPolicy, OfStrangersNoRuleForUsersSpeaks) {
  const auto level = [](const char* rule) { return judge(policy(rule), nullptr, path("/")).level; };
  EXPECT_EQ(level("rules: [{level: Metadata, users: ['']}]\n"), Level::None);
  EXPECT_EQ(level("rules: [{level: Metadata, userGroups: ['system:unauthenticated']}]\n"), Level::None);
  EXPECT_EQ(level("rules: [{level: Metadata}]\n"), Level::Metadata);
}

TEST(AuditPolicy, TheFirstRuleThatMatchesDecides) {
  const Policy rules = policy(R"(omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  verbs: [watch]
- level: Request
  verbs: [get]
  omitStages: [ResponseStarted]
  omitManagedFields: false
- level: RequestResponse
)");
  const Identity user{.name = "u", .uid = {}, .groups = {}, .extra = {}};
  EXPECT_EQ(judge(rules, &user, resource("watch", "", "pods")).level, Level::None);
  const Judgement get = judge(rules, &user, resource("get", "", "pods"));
  EXPECT_EQ(get.level, Level::Request);
  EXPECT_TRUE(get.omitted.has(Stage::RequestReceived));
  EXPECT_TRUE(get.omitted.has(Stage::ResponseStarted));
  EXPECT_FALSE(get.omitted.has(Stage::ResponseComplete));
  EXPECT_FALSE(get.omit_managed_fields);
  const Judgement list = judge(rules, &user, resource("list", "", "pods"));
  EXPECT_EQ(list.level, Level::RequestResponse);
  EXPECT_TRUE(list.omit_managed_fields);
  EXPECT_EQ(judge(policy("rules: [{level: Metadata, verbs: [get]}]\n"), &user, resource("list", "", "pods")).level, Level::None);
}

TEST(AuditPolicy, ProblemsAreToldWithTheirPlace) {
  struct Case {
    const char* text;
    const char* problem;
  };
  const Case cases[] = {
      {"rules: []\n", "loaded illegal policy with 0 rules"},
      {"rules: [{}]\n", "rules[0].level: Required value"},
      {"rules: [{level: All}]\n",
       R"(rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse")"},
      {"rules: [{level: None, omitStages: [Never]}]\n",
       R"(rules[0].omitStages[0]: Invalid value: "Never": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic)"},
      {"omitStages: [Never]\nrules: [{level: None}]\n",
       R"(omitStages[0]: Invalid value: "Never": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic)"},
      {"rules: [{level: None, nonResourceURLs: [healthz]}]\n",
       R"(rules[0].nonResourceURLs[0]: Invalid value: "healthz": non-resource URL rules must begin with a '/' character)"},
      {"rules: [{level: None, nonResourceURLs: ['/a*b']}]\n",
       R"(rules[0].nonResourceURLs[0]: Invalid value: "/a*b": non-resource URL wildcards '*' must be the final character of the rule)"},
      {"rules: [{level: None, nonResourceURLs: ['/a'], namespaces: [x]}]\n",
       R"(rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs)"},
      {"rules: [{level: None, resources: [{resourceNames: [x]}]}]\n",
       R"(rules[0].resources[0].resourceNames: Invalid value: ["x"]: using resourceNames requires at least one resource)"},
      {"rules: [{level: None, verbs: get}]\n", "rules[0].verbs: string instead of list"},
      {"rules: [{level: 1}]\n", "rules[0].level: number instead of string"},
      {"rules: [x]\n", "rules[0]: string is no object"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    try {
      policy(c.text);
      ADD_FAILURE() << "taken";
    } catch (const std::invalid_argument& error) {
      EXPECT_STREQ(error.what(), c.problem);
    }
  }
}

TEST(AuditPolicy, WhatIsUnknownIsComplainedOfAndReadOver) {
  std::vector<std::string> complaints;
  const Policy read = read_policy(kHead + "rules: [{level: Metadata, verb: [get]}]\nmore: 1\n", complaints);
  EXPECT_EQ(read.rules.size(), 1);
  EXPECT_THAT(complaints, ElementsAre("unknown field \"rules[0].verb\"", "unknown field \"more\""));
}

TEST(AuditPolicy, OtherKindsAreRefused) {
  std::vector<std::string> complaints;
  EXPECT_THROW(read_policy("apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]\n", complaints),
               std::invalid_argument);
  EXPECT_THROW(read_policy("apiVersion: audit.k8s.io/v1\nkind: Event\nrules: [{level: None}]\n", complaints),
               std::invalid_argument);
  EXPECT_THROW(read_policy("", complaints), std::invalid_argument);
  EXPECT_THROW(read_policy("{", complaints), std::invalid_argument);
}

}  // namespace
}  // namespace ph::apiserver::audit
