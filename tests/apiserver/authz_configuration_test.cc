// AuthorizationConfiguration files: what is wrong with one, by upstream's paths and words, and what a good one says.
#include <gtest/gtest.h>

#include "apiserver/authz/configuration.h"

namespace ph::apiserver {
namespace {

using Type = AuthorizerConfig::Type;

std::string file(const std::string& authorizers) {
  return "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:" + authorizers;
}

// One webhook with these lines in the place of those that say the same, or besides them.
std::string webhook(const std::string& replaced, const std::string& by) {
  std::string text = R"(
- type: Webhook
  name: w
  webhook:
    timeout: 3s
    subjectAccessReviewVersion: v1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: Deny
    connectionInfo:
      type: KubeConfigFile
      kubeConfigFile: /w.kubeconfig
)";
  if (replaced.empty()) text += by;
  else text.replace(text.find(replaced), replaced.size(), by);
  return file(text);
}

std::string problem(const std::string& text) {
  try {
    parse_authorization_config(text);
    return {};
  } catch (const AuthorizationConfigError& error) {
    return error.what();
  }
}

std::string conditions(const std::string& expression) {
  return webhook("", "    matchConditions:\n    - expression: \"" + expression + "\"\n");
}

TEST(AuthorizationConfig, WhatIsWrong) {
  struct Case {
    const char* name;
    std::string text;
    const char* problem;
  };
  const std::string rbac = "\n- {type: RBAC, name: rbac}";
  std::string many = "    matchConditions:\n";
  for (int i = 0; i < 65; ++i) many += "    - expression: request.user == '" + std::to_string(i) + "'\n";
  const Case cases[] = {
      {"good", file(rbac + "\n- {type: Node, name: node}\n- {type: AlwaysDeny, name: a}"), ""},
      {"a good webhook", webhook("", ""), ""},
      {"an older version", "apiVersion: apiserver.config.k8s.io/v1beta1\nkind: AuthorizationConfiguration\nauthorizers:" + rbac,
       ""},
      {"another version", "apiVersion: apiserver.config.k8s.io/v9\nkind: AuthorizationConfiguration\n",
       "no kind \"AuthorizationConfiguration\" is registered for version \"apiserver.config.k8s.io/v9\""},
      {"another kind", "apiVersion: apiserver.config.k8s.io/v1\nkind: Other\n", "expected AuthorizationConfiguration, got Other"},
      {"nobody", file(" []"), "authorizers: Required value: at least one authorization mode must be defined"},
      {"no type", file("\n- {name: a}"), "authorizers[0].type: Required value"},
      {"an unknown type", file("\n- {type: Foo, name: a}"),
       "authorizers[0].type: Unsupported value: \"Foo\": supported values: \"ABAC\", \"AlwaysAllow\", \"AlwaysDeny\", \"Node\", "
       "\"RBAC\", \"Webhook\""},
      {"twice the same", file(rbac + "\n- {type: RBAC, name: again}"), "authorizers[1].type: Duplicate value: \"RBAC\""},
      {"no name", file("\n- {type: RBAC}"), "authorizers[0].name: Required value"},
      {"a name twice", file(rbac + "\n- {type: Node, name: rbac}"), "authorizers[1].name: Duplicate value: \"rbac\""},
      {"a webhook of another type", file("\n- {type: RBAC, name: a, webhook: {}}"),
       "authorizers[0].webhook: Invalid value: \"non-null\": may only be specified when type=Webhook"},
      {"no webhook", file("\n- {type: Webhook, name: a}"), "authorizers[0].webhook: Required value: required when type=Webhook"},
      {"two things", file("\n- {type: RBAC}\n- {type: Node}"),
       "[authorizers[0].name: Required value, authorizers[1].name: Required value]"},
      {"an unknown member", file("\n- {type: RBAC, name: a, nmae: b}"),
       "strict decoding error: unknown field \"authorizers[0].nmae\""},
      {"an unknown member of a webhook", webhook("timeout", "timeuot"),
       "strict decoding error: unknown field \"authorizers[0].webhook.timeuot\""},
      {"no timeout", webhook("    timeout: 3s\n", ""), "authorizers[0].timeout: Required value"},
      {"a long timeout", webhook("3s", "31s"), "authorizers[0].timeout: Invalid value: \"31s\": must be > 0s and <= 30s"},
      {"a negative timeout", webhook("3s", "-1s"), "authorizers[0].timeout: Invalid value: \"-1s\": must be > 0s and <= 30s"},
      {"a negative TTL", webhook("", "    authorizedTTL: -1s\n"),
       "authorizers[0].authorizedTTL: Invalid value: \"-1s\": must be > 0s"},
      {"no duration", webhook("3s", "soon"), "time: invalid duration \"soon\""},
      {"no version of reviews", webhook("    subjectAccessReviewVersion: v1\n", ""),
       "authorizers[0].subjectAccessReviewVersion: Required value"},
      {"an unknown version of reviews", webhook("    subjectAccessReviewVersion: v1\n", "    subjectAccessReviewVersion: v2\n"),
       "authorizers[0].subjectAccessReviewVersion: Unsupported value: \"v2\": supported values: \"v1\", \"v1beta1\""},
      {"no failure policy", webhook("    failurePolicy: Deny\n", ""), "authorizers[0].failurePolicy: Required value"},
      {"an unknown failure policy", webhook("Deny", "Allow"),
       "authorizers[0].failurePolicy: Unsupported value: \"Allow\": supported values: \"NoOpinion\", \"Deny\""},
      {"no connection", webhook("type: KubeConfigFile\n      kubeConfigFile: /w.kubeconfig", "{}"),
       "authorizers[0].connectionInfo.type: Required value"},
      {"an unknown connection", webhook("type: KubeConfigFile", "type: Pigeon"),
       "authorizers[0].connectionInfo.type: Unsupported value: \"Pigeon\": supported values: \"InClusterConfig\", "
       "\"KubeConfigFile\""},
      {"no kubeconfig", webhook("kubeConfigFile: /w.kubeconfig", ""),
       "authorizers[0].connectionInfo.kubeConfigFile: Required value"},
      {"a relative kubeconfig", webhook("/w.kubeconfig", "w.kubeconfig"),
       "authorizers[0].connectionInfo.kubeConfigFile: Invalid value: \"w.kubeconfig\": must be an absolute path"},
      {"a kubeconfig in a cluster", webhook("type: KubeConfigFile", "type: InClusterConfig"),
       "authorizers[0].connectionInfo.kubeConfigFile: Invalid value: \"/w.kubeconfig\": can only be set when "
       "type=KubeConfigFile"},
      {"conditions without a version",
       webhook("    matchConditionSubjectAccessReviewVersion: v1\n",
               "    matchConditions:\n    - expression: request.user == 'a'\n"),
       "authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified"},
      {"a good condition", conditions("has(request.resourceAttributes) && request.resourceAttributes.namespace == 'x'"), ""},
      {"a condition on groups", conditions("!('system:nodes' in request.groups)"), ""},
      {"a blank condition", conditions("  "), "authorizers[0].matchConditions[0].expression: Required value"},
      {"an unknown member of a condition", conditions("request.usre == 'a'"),
       "authorizers[0].matchConditions[0].expression: Invalid value: \"request.usre == 'a'\": compilation failed: undefined "
       "field "
       "'usre'"},
      {"an unknown member of a member", conditions("request.resourceAttributes.kind == 'a'"),
       "authorizers[0].matchConditions[0].expression: Invalid value: \"request.resourceAttributes.kind == 'a'\": compilation "
       "failed: undefined field 'kind'"},
      {"no boolean", conditions("1"),
       "authorizers[0].matchConditions[0].expression: Invalid value: \"1\": must evaluate to bool but got int"},
      {"too many conditions", webhook("", many), "authorizers[0].matchConditions: Too many: 65: must have at most 64 items"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(problem(c.text), c.problem);
  }
  EXPECT_TRUE(
      problem(conditions("request.user =="))
          .starts_with("authorizers[0].matchConditions[0].expression: Invalid value: \"request.user ==\": compilation failed: "));
  EXPECT_TRUE(problem(conditions("authorizer.group('')")).find("compilation failed: ") != std::string::npos);
}

TEST(AuthorizationConfig, WhatIsSaid) {
  const AuthorizerConfigs read =
      parse_authorization_config(webhook("",
                                         "    cacheAuthorizedRequests: false\n    unauthorizedTTL: 10s\n    matchConditions:\n"
                                         "    - expression: request.user != 'a'\n") +
                                 "- {type: Node, name: node}\n- {type: RBAC, name: rbac}\n");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].type, Type::Webhook);
  EXPECT_EQ(read[0].name, "w");
  const AuthorizationWebhook& said = read[0].webhook;
  EXPECT_EQ(said.authorized_ttl, 5min);
  EXPECT_EQ(said.unauthorized_ttl, 10s);
  EXPECT_FALSE(said.keep_allowed);
  EXPECT_TRUE(said.keep_others);
  EXPECT_EQ(said.timeout, 3s);
  EXPECT_TRUE(said.deny_on_failure);
  EXPECT_EQ(said.kubeconfig, "/w.kubeconfig");
  EXPECT_EQ(said.match_conditions, std::vector<std::string>{"request.user != 'a'"});
  EXPECT_EQ(read[1], AuthorizerConfig(Type::Node, "node"));
  EXPECT_EQ(read[2], AuthorizerConfig(Type::Rbac, "rbac"));
}

TEST(AuthorizationConfig, WhatMayChangeWhileItRuns) {
  const AuthorizerConfig node(Type::Node), rbac(Type::Rbac), w(Type::Webhook, "w"), v(Type::Webhook, "v");
  struct Case {
    const char* name;
    AuthorizerConfigs next;
    const char* problem;
  };
  const Case cases[] = {
      {"another order", {rbac, node}, ""},
      {"webhooks come", {w, node, v, rbac}, ""},
      {"one goes", {node}, "authorizers of type RBAC cannot be removed while the server runs"},
      {"one comes", {node, rbac, Type::AlwaysAllow}, "authorizers of type AlwaysAllow cannot be added while the server runs"},
  };
  for (const Case& c : cases) EXPECT_EQ(reload_problem({node, rbac, w}, c.next), c.problem) << c.name;
}

}  // namespace
}  // namespace ph::apiserver
