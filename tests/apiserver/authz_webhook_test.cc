// The webhook authorizer in a server: what it is asked, what its answers do, how long they are kept, and what happens without one.
#include <gtest/gtest.h>

#include "tests/apiserver/scripted_webhooks.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;
using Type = AuthorizerConfig::Type;

constexpr const char* kUrl = "https://authz.example.com:443";

HookReply said(const json& status) {
  return {.body = json{{"kind", "SubjectAccessReview"}, {"apiVersion", "authorization.k8s.io/v1"}, {"status", status}}.dump()};
}

// Asks a webhook and then RBAC.
struct Asking {
  explicit Asking(ScriptedWebhooks::Answer answer, AuthorizationWebhook webhook = {}, AuthorizerConfigs others = {Type::Rbac}) {
    script.at(kUrl, std::move(answer));
    options.authorization = {{Type::Webhook, "w", std::move(webhook)}};
    for (AuthorizerConfig& other : others) options.authorization.push_back(std::move(other));
    options.authorization_services = [this](const AuthorizationWebhook&) {
      return AuthorizationService{.transport = script.transports()(WebhookAddress{.url = kUrl}), .path = "/authorize"};
    };
    options.change_authorization = change;
    world.emplace(options);
    script.reviews.clear(), script.targets.clear();
  }
  int get(const std::string& target, const char* who = "joe") {
    last = world->get(target, StandardWorld::user(who));
    return last.status;
  }

  ScriptedWebhooks script;
  StandardOptions options;
  std::shared_ptr<std::function<void(AuthorizerConfigs)>> change = std::make_shared<std::function<void(AuthorizerConfigs)>>();
  std::optional<StandardWorld> world;
  Reply last;
};

TEST(WebhookAuthorizer, WhatItsAnswersDo) {
  struct Case {
    const char* name;
    json status;
    bool deny_on_failure;
    int http;
    int nodes, version;  // what is answered to one who may nothing, and to what everybody may see
    const char* message;
  };
  const std::string no = "nodes is forbidden: User \"joe\" cannot list resource \"nodes\" in API group \"\" at the cluster scope";
  const Case cases[] = {
      {"allowed", {{"allowed", true}}, false, 200, 200, 200, ""},
      {"no opinion", {{"allowed", false}}, false, 200, 403, 200, ""},
      {"denied", {{"allowed", false}, {"denied", true}, {"reason", "not today"}}, false, 200, 403, 403, ": not today"},
      {"both", {{"allowed", true}, {"denied", true}}, false, 200, 500, 500, nullptr},
      {"an error", json(), false, 400, 500, 200, nullptr},
      {"an error, and then nobody may", json(), true, 400, 500, 500, nullptr},
      {"no words", "nonsense", false, 200, 500, 200, nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Asking asking(
        [&](const json&) {
          HookReply reply = said(c.status);
          reply.status = c.http;
          return reply;
        },
        {.deny_on_failure = c.deny_on_failure});
    EXPECT_EQ(asking.get("/api/v1/nodes"), c.nodes) << asking.last.body;
    if (c.nodes == 403) EXPECT_EQ(asking.last.message(), no + c.message);
    EXPECT_EQ(asking.get("/version"), c.version);
  }
}

TEST(WebhookAuthorizer, WhatItIsAsked) {
  for (const std::string version : {"v1", "v1beta1"}) {
    Asking asking([](const json&) { return said({{"allowed", true}}); }, {.review_version = version});
    asking.get(
        "/api/v1/namespaces/a/pods?labelSelector=app%3Dx,tier!%3Dweb,y&fieldSelector=spec.nodeName%3Dn,metadata.name!%3Dz");
    asking.get("/healthz");
    ASSERT_EQ(asking.script.reviews.size(), 2u);
    EXPECT_EQ(asking.script.targets[0], "/authorize?timeout=30s");
    const json groups = {"system:authenticated"};
    EXPECT_EQ(asking.script.reviews[0]["apiVersion"], "authorization.k8s.io/" + version);
    EXPECT_EQ(asking.script.reviews[0]["kind"], "SubjectAccessReview");
    json spec = asking.script.reviews[0]["spec"];
    EXPECT_EQ(spec["user"], "joe");
    EXPECT_EQ(spec[version == "v1" ? "groups" : "group"], groups);
    EXPECT_EQ(spec["resourceAttributes"], json::parse(R"({"namespace": "a", "verb": "list", "version": "v1", "resource": "pods",
        "fieldSelector": {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n"]},
                                           {"key": "metadata.name", "operator": "NotIn", "values": ["z"]}]},
        "labelSelector": {"requirements": [{"key": "app", "operator": "In", "values": ["x"]},
                                           {"key": "tier", "operator": "NotIn", "values": ["web"]},
                                           {"key": "y", "operator": "Exists"}]}})"));
    EXPECT_EQ(asking.script.reviews[1]["spec"]["nonResourceAttributes"], json::parse(R"({"path": "/healthz", "verb": "get"})"));
  }
}

TEST(WebhookAuthorizer, AnswersAreKeptForTheirTime) {
  bool allowed = true;
  Asking asking([&](const json&) { return said({{"allowed", allowed}}); }, {.authorized_ttl = 60s, .unauthorized_ttl = 10s});
  const auto asked = [&] { return asking.script.reviews.size(); };
  EXPECT_EQ(asking.get("/api/v1/nodes"), 200);
  EXPECT_EQ(asking.get("/api/v1/nodes"), 200);
  EXPECT_EQ(asked(), 1u);
  EXPECT_EQ(asking.get("/api/v1/nodes?limit=1"), 200);
  EXPECT_EQ(asked(), 1u) << "the same question";
  EXPECT_EQ(asking.get("/api/v1/nodes", "jane"), 200);
  EXPECT_EQ(asked(), 2u) << "somebody else";
  allowed = false;
  EXPECT_EQ(asking.get("/api/v1/nodes"), 200) << "what was said counts";
  asking.world->executor.advance(61s);
  EXPECT_EQ(asking.get("/api/v1/nodes"), 403);
  EXPECT_EQ(asked(), 3u);
  EXPECT_EQ(asking.get("/api/v1/nodes"), 403);
  EXPECT_EQ(asked(), 3u);
  asking.world->executor.advance(11s);
  allowed = true;
  EXPECT_EQ(asking.get("/api/v1/nodes"), 200);
  EXPECT_EQ(asked(), 4u);
}

TEST(WebhookAuthorizer, WhatIsNotKept) {
  Asking neither([](const json&) { return said({{"allowed", true}}); }, {.keep_allowed = false});
  neither.get("/api/v1/nodes"), neither.get("/api/v1/nodes");
  EXPECT_EQ(neither.script.reviews.size(), 2u);
  Asking large([](const json&) { return said({{"allowed", true}}); });
  const std::string path = "/" + std::string(10'000, 'x');
  large.get(path), large.get(path);
  EXPECT_EQ(large.script.reviews.size(), 2u) << "a question as large as that";
  Asking failing([](const json&) { return HookReply{.status = 400}; });
  failing.get("/api/v1/nodes"), failing.get("/api/v1/nodes");
  EXPECT_EQ(failing.script.reviews.size(), 2u) << "what is no answer";
}

TEST(WebhookAuthorizer, OneThatFailsIsAskedAgain) {
  int asked = 0;
  Asking asking([&](const json&) { return ++asked < 3 ? HookReply{.status = 500} : said({{"allowed", true}}); });
  EXPECT_EQ(asking.get("/api/v1/nodes"), 200);
  EXPECT_EQ(asked, 3);
}

TEST(WebhookAuthorizer, OneThatSaysNothingIsNotWaitedForLong) {
  Asking asking([](const json&) { return HookReply{.after = 1h}; }, {.timeout = 3s});
  EXPECT_EQ(asking.get("/version"), 200) << "others are asked then";
  EXPECT_EQ(asking.get("/api/v1/nodes"), 500);
  EXPECT_EQ(asking.last.message(),
            "Internal error occurred: Internal Server Error: \"/api/v1/nodes\": Post \"/authorize\": context deadline exceeded");
}

TEST(WebhookAuthorizer, Conditions) {
  struct Case {
    const char* name;
    std::vector<std::string> conditions;
    bool deny_on_failure, asked;
    int status;
  };
  const Case cases[] = {
      {"none", {}, false, true, 200},
      {"of the user", {"request.user == 'joe'"}, false, true, 200},
      {"of another", {"request.user == 'jane'"}, false, false, 403},
      {"both must hold", {"request.user == 'joe'", "request.resourceAttributes.verb == 'get'"}, false, false, 403},
      {"of a resource", {"has(request.resourceAttributes)", "request.resourceAttributes.resource == 'nodes'"}, false, true, 200},
      {"members that say nothing are there",
       {"request.resourceAttributes.subresource == '' && request.uid == ''"},
       false,
       true,
       200},
      {"groups", {"'system:authenticated' in request.groups"}, false, true, 200},
      {"a selector is not there", {"has(request.resourceAttributes.fieldSelector)"}, false, false, 403},
      {"what is not there, without an opinion", {"request.nonResourceAttributes.path == '/'"}, false, false, 500},
      {"what is not there, denied", {"request.nonResourceAttributes.path == '/'"}, true, false, 500},
      {"one that does not hold decides",
       {"request.nonResourceAttributes.path == '/'", "request.user == 'jane'"},
       true,
       false,
       403},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Asking asking([](const json&) { return said({{"allowed", true}}); },
                  {.deny_on_failure = c.deny_on_failure, .match_conditions = c.conditions});
    EXPECT_EQ(asking.get("/api/v1/nodes"), c.status) << asking.last.body;
    EXPECT_EQ(!asking.script.reviews.empty(), c.asked);
  }
}

// The order counts, and masters need nobody.
TEST(AuthorizerChain, Order) {
  int asked = 0;
  const auto deny = [&](const json&) {
    ++asked;
    return said({{"allowed", false}, {"denied", true}});
  };
  Asking first(deny);
  EXPECT_EQ(first.get("/version"), 403);
  EXPECT_EQ(first.world->get("/version").status, 200) << "a master";
  EXPECT_EQ(asked, 1);
  (*first.change)({Type::Rbac, {Type::Webhook, "w"}});
  EXPECT_EQ(first.get("/version"), 200) << "RBAC is asked first now";
  EXPECT_EQ(first.get("/api/v1/nodes"), 403);
}

TEST(AuthorizerChain, AWebhookThatStaysKeepsWhatItKnows) {
  Asking asking([](const json&) { return said({{"allowed", true}}); });
  EXPECT_EQ(asking.get("/api/v1/nodes"), 200);
  (*asking.change)({Type::Rbac, {Type::Webhook, "w"}});
  EXPECT_EQ(asking.get("/api/v1/nodes"), 200);
  EXPECT_EQ(asking.script.reviews.size(), 1u);
  (*asking.change)({Type::Rbac, {Type::Webhook, "w", {.timeout = 1s}}});
  EXPECT_EQ(asking.get("/api/v1/nodes"), 200);
  EXPECT_EQ(asking.script.reviews.size(), 2u) << "another one";
}

// Who waits for a chain's answer gets it, whatever becomes of the chain.
TEST(AuthorizerChain, IsReplacedWhileSomebodyWaits) {
  Asking asking([](const json&) {
    HookReply reply = said({{"allowed", true}});
    reply.after = 2s;
    return reply;
  });
  const auto reply = asking.world->start(StandardWorld::request("GET", "/api/v1/nodes", {}, StandardWorld::user("joe")));
  EXPECT_FALSE(*reply);
  (*asking.change)({Type::Rbac});
  asking.world->executor.advance(3s);
  ASSERT_TRUE(*reply);
  EXPECT_EQ((*reply)->status, 200);
  EXPECT_EQ(asking.get("/api/v1/nodes"), 403);
}

TEST(AuthorizerChain, OneThatCannotBeMadeChangesNothing) {
  Asking asking([](const json&) { return said({{"allowed", true}}); });
  asking.script.reviews.clear();
  StandardOptions options;
  options.authorization = {{Type::Webhook, "w"}};
  EXPECT_THROW(StandardWorld world(options), std::runtime_error) << "no way to a service";
}

TEST(AuthorizerChain, Modes) {
  struct Case {
    const char* name;
    AuthorizerConfigs configs;
    int version, nodes;
    const char* message;
  };
  const std::string no = "nodes is forbidden: User \"joe\" cannot list resource \"nodes\" in API group \"\" at the cluster scope";
  const Case cases[] = {
      {"AlwaysAllow", {Type::AlwaysAllow}, 200, 200, ""},
      {"AlwaysDeny", {Type::AlwaysDeny}, 403, 403, ": Everything is forbidden."},
      {"AlwaysDeny has no opinion", {Type::AlwaysDeny, Type::AlwaysAllow}, 200, 200, ""},
      {"RBAC", {Type::Rbac}, 200, 403, ""},
      {"ABAC", {Type::Abac}, 403, 200, ""},
      {"ABAC and RBAC", {Type::Abac, Type::Rbac}, 200, 200, ""},
      {"what none allows says all reasons", {Type::AlwaysDeny, Type::Node, Type::Rbac}, 200, 403, ": Everything is forbidden."},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    StandardOptions options;
    options.authorization = c.configs;
    options.abac_policies = R"({"user":"joe","resource":"nodes"})";
    StandardWorld world(options);
    EXPECT_EQ(world.get("/version", StandardWorld::user("joe")).status, c.version);
    const Reply reply = world.get("/api/v1/nodes", StandardWorld::user("joe"));
    EXPECT_EQ(reply.status, c.nodes);
    if (c.nodes == 403) EXPECT_EQ(reply.message(), no + c.message);
  }
}

TEST(AuthorizerChain, RulesReview) {
  Asking asking([](const json&) { return said({{"allowed", false}}); }, {}, {Type::AlwaysAllow, Type::Node});
  const auto ask = [&](const Identity& who) {
    return asking.world
        ->post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
               R"({"kind":"SelfSubjectRulesReview","apiVersion":"authorization.k8s.io/v1","spec":{"namespace":"default"}})", who)
        .json()["status"];
  };
  const json joes = ask(StandardWorld::user("joe"));
  EXPECT_EQ(joes["incomplete"], true);
  EXPECT_EQ(joes["evaluationError"], "webhook authorizer does not support user rule resolution");
  EXPECT_EQ(joes["resourceRules"], json::parse(R"([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}])"));
  const json nodes = ask(StandardWorld::user("system:node:n", {"system:nodes"}));
  EXPECT_EQ(nodes["evaluationError"],
            "[webhook authorizer does not support user rule resolution, node authorizer does not support user rule resolution]");
}

// What is missing is told to those who ask for it, beside the refusal, which stays what it is.
TEST(Refusals, NameWhatIsMissing) {
  StandardWorld world;
  const auto warning = [&](const std::string& target, bool asked) {
    HttpRequest request = StandardWorld::request("GET", target, {}, StandardWorld::user("joe", {"dev"}));
    if (asked) request.headers.add("Pilothouse-Explain", "true");
    const Reply reply = world.send(std::move(request));
    return std::string(reply.headers.get("Warning"));
  };
  struct Case {
    const char* target;
    const char* warning;
  };
  const Case cases[] = {
      {"/api/v1/nodes",
       R"(missing: a rule {APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"list\"]} of a ClusterRole, bound to User \"joe\" or to one of the groups [\"dev\" \"system:authenticated\"] by a ClusterRoleBinding)"},
      {"/api/v1/namespaces/a/pods/p/log",
       R"(missing: a rule {APIGroups:[\"\"], Resources:[\"pods/log\"], ResourceNames:[\"p\"] or none, Verbs:[\"get\"]} of a Role in namespace \"a\" or of a ClusterRole, bound to User \"joe\" or to one of the groups [\"dev\" \"system:authenticated\"] there)"},
      {"/metrics",
       R"(missing: a rule {NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]} of a ClusterRole, bound to User \"joe\" or to one of the groups [\"dev\" \"system:authenticated\"] by a ClusterRoleBinding)"},
      {"/version", nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.target);
    EXPECT_EQ(warning(c.target, false), "");
    EXPECT_EQ(warning(c.target, true), c.warning ? "299 - \"" + std::string(c.warning) + "\"" : "");
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
