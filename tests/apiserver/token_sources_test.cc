// Who asks, by each of the ways to say it, and by none of those that are not his.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/times.h"
#include "apiserver/authn/webhook_tokens.h"
#include "apiserver/bootstrap/authentication_trust.h"
#include "base/hmac.h"
#include "net/encoding.h"
#include "net/front_proxy.h"
#include "net/pki.h"
#include "tests/apiserver/scripted_webhooks.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

constexpr const char* kWho = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
constexpr const char* kWhoBody = R"({"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"})";

json who(StandardWorld& world, const std::string& token) {
  HttpRequest request = StandardWorld::request("POST", kWho, kWhoBody, std::nullopt);
  request.headers.add("Authorization", "Bearer " + token);
  return world.send(std::move(request)).json()["status"]["userInfo"];
}

// -- The front proxy

net::FrontProxyOptions proxy() {
  return {.ca_pem = "authority",
          .allowed_names = {"proxy"},
          .username_headers = {"X-Remote-User", "X-Other-User"},
          .uid_headers = {"X-Remote-Uid"},
          .group_headers = {"X-Remote-Group"},
          .extra_prefixes = {"X-Remote-Extra-"}};
}

TEST(FrontProxy, SaysWhoAsks) {
  HttpRequest request;
  request.peer.proxy = "proxy";
  request.headers = {{"x-remote-user", "jane"},      {"X-Remote-Uid", "7"},
                     {"X-Remote-Group", "devs"},     {"x-remote-GROUP", "ops"},
                     {"X-Remote-Group", ""},         {"X-Remote-Extra-Scopes", "a"},
                     {"X-Remote-Extra-scopes", "b"}, {"X-Remote-Extra-Acme.com%2fProject", "p"}};
  const auto user = net::proxied_user(request, proxy());
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "jane");
  EXPECT_EQ(user->uid, "7");
  EXPECT_EQ(user->groups, (std::vector<std::string>{"devs", "ops"}));
  ASSERT_EQ(user->extra.size(), 2u);
  EXPECT_EQ(user->extra[0].first, "scopes");
  EXPECT_EQ(user->extra[0].second, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(user->extra[1].first, "acme.com/project");
}

TEST(FrontProxy, Spoofing) {
  struct Case {
    const char* name;
    std::optional<std::string> proxy;
    const char* header;
    net::FrontProxyOptions options;
    bool believed;
  };
  net::FrontProxyOptions any = proxy(), none = proxy();
  any.allowed_names.clear();
  none.ca_pem.clear();
  const Case cases[] = {
      {"the proxy", "proxy", "X-Remote-User", proxy(), true},
      {"by its second header", "proxy", "X-Other-User", proxy(), true},
      {"anybody without a certificate", std::nullopt, "X-Remote-User", proxy(), false},
      {"another name of its authority", "kubelet", "X-Remote-User", proxy(), false},
      {"any name, where any is allowed", "kubelet", "X-Remote-User", any, true},
      {"a certificate without a name", "", "X-Remote-User", proxy(), false},
      {"no proxy is configured", "proxy", "X-Remote-User", none, false},
      {"a header that is not one of them", "proxy", "X-Remote-Users", proxy(), false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    HttpRequest request;
    request.peer.proxy = c.proxy;
    request.headers.add(c.header, "jane");
    EXPECT_EQ(net::proxied_user(request, c.options).has_value(), c.believed);
  }
}

TEST(FrontProxy, BeforeEverythingElse) {
  StandardOptions options;
  options.authentication.front_proxy = proxy();
  StandardWorld world(std::move(options));
  const auto ask = [&](auto change) {
    HttpRequest request = StandardWorld::request("POST", kWho, kWhoBody, std::nullopt);
    request.headers.add("X-Remote-User", "jane");
    request.headers.add("X-Remote-Group", "system:masters");
    change(request);
    return world.send(std::move(request));
  };
  const auto name = [](const Reply& reply) { return reply.json()["status"]["userInfo"].value("username", ""); };
  EXPECT_EQ(name(ask([](HttpRequest& r) { r.peer.proxy = "proxy"; })), "jane");
  EXPECT_EQ(name(ask([](HttpRequest& r) {
              r.peer.proxy = "proxy";
              r.peer.certificate_refused = true;  // by the clients' authority
            })),
            "jane");
  EXPECT_EQ(name(ask([](HttpRequest& r) { r.peer.identity = StandardWorld::user("joe"); })), "joe") << "headers say nothing";
  EXPECT_EQ(ask([](HttpRequest& r) {
              r.peer.proxy = "kubelet";
              r.peer.certificate_refused = true;
            }).status,
            401);
  HttpRequest secrets = StandardWorld::request("GET", "/api/v1/secrets", {}, std::nullopt);
  secrets.headers.add("X-Remote-User", "admin");
  secrets.headers.add("X-Remote-Group", "system:masters");
  EXPECT_EQ(world.send(secrets).status, 403) << "nobody's, whatever the headers say";
  const json published = world.get("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")
                             .json()
                             .value("data", json::object());
  EXPECT_EQ(published["requestheader-username-headers"], R"(["X-Remote-User","X-Other-User"])");
  EXPECT_EQ(published["requestheader-allowed-names"], R"(["proxy"])");
}

// -- What other servers are told

TEST(AuthenticationTrust, AuthoritiesAreJoined) {
  const SystemClock clock;
  SeededRng rng{1};
  const std::string a = net::make_ca("a", {clock, rng}).cert_pem, b = net::make_ca("b", {clock, rng}).cert_pem;
  const std::string old = net::make_ca("old", {clock, rng, -1h}).cert_pem;
  EXPECT_EQ(joined_authorities("", a, clock.now()), a);
  EXPECT_EQ(joined_authorities(a, a, clock.now()), a);
  EXPECT_EQ(joined_authorities(a, b + a, clock.now()), a + b);
  EXPECT_EQ(joined_authorities(old + a, b, clock.now()), a + b) << "without what has expired";
  EXPECT_EQ(joined_authorities("nonsense", a, clock.now()), a);
}

// -- Bootstrap tokens

std::string bootstrap_secret(const json& more) {
  json data = {{"token-id", "abcdef"},
               {"token-secret", "0123456789abcdef"},
               {"usage-bootstrap-authentication", "true"},
               {"auth-extra-groups", "system:bootstrappers:kubeadm:default-node-token"}};
  data.update(more);
  return json{{"kind", "Secret"},
              {"apiVersion", "v1"},
              {"metadata", {{"name", "bootstrap-token-abcdef"}, {"namespace", "kube-system"}}},
              {"type", "bootstrap.kubernetes.io/token"},
              {"stringData", data}}
      .dump();
}

TEST(BootstrapTokens, Table) {
  struct Case {
    const char* name;
    json data;
    const char* token;
    bool good;
  };
  constexpr const char* kToken = "abcdef.0123456789abcdef";
  const Case cases[] = {
      {"good", json::object(), kToken, true},
      {"another secret", json::object(), "abcdef.0123456789abcdee", false},
      {"another id", json::object(), "abcdee.0123456789abcdef", false},
      {"no such form", json::object(), "abcdef.0123456789ABCDEF", false},
      {"no such use", {{"usage-bootstrap-authentication", "false"}}, kToken, false},
      {"of another id inside", {{"token-id", "aaaaaa"}}, kToken, false},
      {"expired", {{"expiration", "2001-01-01T00:00:00Z"}}, kToken, false},
      {"an end that cannot be read", {{"expiration", "soon"}}, kToken, false},
      {"an end that comes", {{"expiration", "2201-01-01T00:00:00Z"}}, kToken, true},
      {"a group of others", {{"auth-extra-groups", "system:masters"}}, kToken, false},
      {"a group without an end", {{"auth-extra-groups", "system:bootstrappers:"}}, kToken, false},
      {"no more groups", {{"auth-extra-groups", ""}}, kToken, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    StandardOptions options;
    options.authentication.bootstrap_tokens = true;
    StandardWorld world(std::move(options));
    const Reply made = world.post("/api/v1/namespaces/kube-system/secrets", bootstrap_secret(c.data));
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(world.with_token("/version", c.token).status, c.good ? 200 : 401);
  }
}

TEST(BootstrapTokens, SayWhoAsks) {
  for (const bool on : {true, false}) {
    StandardOptions options;
    options.authentication.bootstrap_tokens = on;
    StandardWorld world(std::move(options));
    ASSERT_EQ(world.post("/api/v1/namespaces/kube-system/secrets", bootstrap_secret(json::object())).status, 201);
    if (!on) {
      EXPECT_EQ(world.with_token("/version", "abcdef.0123456789abcdef").status, 401);
      continue;
    }
    const json user = who(world, "abcdef.0123456789abcdef");
    EXPECT_EQ(user["username"], "system:bootstrap:abcdef");
    EXPECT_EQ(user["groups"],
              json::array({"system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token", "system:authenticated"}));
    ASSERT_EQ(
        world.send(StandardWorld::request("DELETE", "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef")).status,
        200);
    EXPECT_EQ(world.with_token("/version", "abcdef.0123456789abcdef").status, 401) << "it goes with its secret";
  }
}

// -- Tokens that Secrets hold

class SecretTokens : public ::testing::Test {
 protected:
  static constexpr const char* kSecrets = "/api/v1/namespaces/default/secrets";

  SecretTokens() : keys(make_simulated_token_keys()), world({.token_keys = keys}) {
    const Reply made = world.post("/api/v1/namespaces/default/serviceaccounts",
                                  R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"bot"}})");
    EXPECT_EQ(made.status, 201) << made.body;
    uid = made.json()["metadata"]["uid"];
  }

  json claims() const {
    return {{"iss", "kubernetes/serviceaccount"},
            {"kubernetes.io/serviceaccount/namespace", "default"},
            {"kubernetes.io/serviceaccount/secret.name", "bot-token"},
            {"kubernetes.io/serviceaccount/service-account.name", "bot"},
            {"kubernetes.io/serviceaccount/service-account.uid", uid},
            {"sub", "system:serviceaccount:default:bot"}};
  }
  // As the loop fills it in.
  void keep(const std::string& token, const json& labels = json::object()) {
    const json secret = {
        {"kind", "Secret"},
        {"apiVersion", "v1"},
        {"metadata",
         {{"name", "bot-token"}, {"labels", labels}, {"annotations", {{"kubernetes.io/service-account.name", "bot"}}}}},
        {"type", "kubernetes.io/service-account-token"},
        {"stringData", {{"token", token}}}};
    const Reply made = world.post(kSecrets, secret.dump());
    ASSERT_EQ(made.status, 201) << made.body;
  }
  int status(const std::string& token) { return world.with_token("/api", token).status; }
  json labels() { return world.get(std::string(kSecrets) + "/bot-token").json()["metadata"].value("labels", json::object()); }

  std::shared_ptr<const TokenKeys> keys;
  StandardWorld world;
  std::string uid;
};

TEST_F(SecretTokens, AreGoodAsLongAsTheSecretHoldsThem) {
  const std::string token = keys->sign(claims().dump());
  EXPECT_EQ(status(token), 401) << "there is no such secret";
  keep(token);
  const json user = who(world, token);
  EXPECT_EQ(user["username"], "system:serviceaccount:default:bot");
  EXPECT_EQ(user["uid"], uid);
  EXPECT_EQ(user["groups"], json::array({"system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"}));
  ASSERT_EQ(world.send(StandardWorld::request("DELETE", std::string(kSecrets) + "/bot-token")).status, 200);
  EXPECT_EQ(status(token), 401);
}

TEST_F(SecretTokens, Confusion) {
  const std::string token = keys->sign(claims().dump());
  keep(token);
  struct Case {
    const char* name;
    const char* claim;
    const char* value;
  };
  const Case cases[] = {
      {"another subject", "sub", "system:serviceaccount:kube-system:bot"},
      {"another issuer", "iss", "kubernetes/serviceaccounts"},
      {"another account", "kubernetes.io/serviceaccount/service-account.uid", "other"},
      {"another secret", "kubernetes.io/serviceaccount/secret.name", "other"},
      {"the same account, another text", "x", "y"},
  };
  EXPECT_EQ(status(token), 200);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    json changed = claims();
    changed[c.claim] = c.value;
    EXPECT_EQ(status(keys->sign(changed.dump())), 401) << "signed by our key, and not in the secret";
  }
  const json body = {{"kind", "TokenReview"},
                     {"apiVersion", "authentication.k8s.io/v1"},
                     {"spec", {{"token", token}, {"audiences", json::array({"vault"})}}}};
  EXPECT_FALSE(
      world.post("/apis/authentication.k8s.io/v1/tokenreviews", body.dump()).json()["status"].value("authenticated", false))
      << "it is for the API alone";
  ASSERT_EQ(world.send(StandardWorld::request("DELETE", "/api/v1/namespaces/default/serviceaccounts/bot")).status, 200);
  EXPECT_EQ(status(token), 401) << "it goes with its account";
}

TEST_F(SecretTokens, TheirUseIsNoted) {
  const std::string token = keys->sign(claims().dump());
  keep(token);
  EXPECT_FALSE(labels().contains("kubernetes.io/legacy-token-last-used"));
  EXPECT_EQ(status(token), 200);
  const std::string today = api::rfc3339(world.executor.clock().now()).substr(0, 10);
  EXPECT_EQ(labels()["kubernetes.io/legacy-token-last-used"], today);
  const std::string revision = world.get(std::string(kSecrets) + "/bot-token").json()["metadata"]["resourceVersion"];
  EXPECT_EQ(status(token), 200);
  EXPECT_EQ(world.get(std::string(kSecrets) + "/bot-token").json()["metadata"]["resourceVersion"], revision) << "once a day";
  world.executor.advance(24h);
  EXPECT_EQ(status(token), 200);
  EXPECT_NE(labels()["kubernetes.io/legacy-token-last-used"], today);
}

TEST_F(SecretTokens, MarkedInvalid) {
  const std::string token = keys->sign(claims().dump());
  keep(token, {{"kubernetes.io/legacy-token-invalid-since", "2026-01-01"}});
  EXPECT_EQ(status(token), 401);
  HttpRequest unmark = StandardWorld::request("PATCH", std::string(kSecrets) + "/bot-token",
                                              R"({"metadata":{"labels":{"kubernetes.io/legacy-token-invalid-since":null}}})");
  unmark.headers.set("Content-Type", "application/merge-patch+json");
  ASSERT_EQ(world.send(std::move(unmark)).status, 200);
  EXPECT_EQ(status(token), 200);
}

TEST(SecretTokenTracking, HasBegun) {
  StandardWorld world;
  const json map =
      world.get("/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking").json();
  EXPECT_EQ(map["data"]["since"].get<std::string>().size(), 10u);
}

// -- Somebody else who knows tokens

constexpr const char* kOurs = "https://kubernetes.default.svc.cluster.local";

class WebhookTokens : public ::testing::Test {
 protected:
  WebhookTokens() {
    hooks.at("https://tokens.example", [this](const json& review) { return answer(review); });
    StandardOptions options;
    options.webhooks = hooks.transports();
    TokenWebhook& webhook = options.authentication.webhook.emplace();
    webhook.address = {.url = "https://tokens.example", .server_name = "tokens.example"};
    webhook.host = "tokens.example";
    webhook.path = "/review";
    webhook.version = "v1";
    world.emplace(std::move(options));
  }
  static HookReply say(const json& status) {
    return {.body = json{{"kind", "TokenReview"}, {"apiVersion", "authentication.k8s.io/v1"}, {"status", status}}.dump()};
  }
  static json known() {
    return {{"authenticated", true},
            {"user",
             {{"username", "jane"}, {"uid", "7"}, {"groups", json::array({"devs"})}, {"extra", {{"a", json::array({"b"})}}}}}};
  }

  std::function<HookReply(const json&)> answer = [](const json& review) {
    return say(review["spec"]["token"] == "good" ? known() : json{{"authenticated", false}});
  };
  ScriptedWebhooks hooks;
  std::optional<StandardWorld> world;
};

TEST_F(WebhookTokens, SayWhoAsks) {
  const json user = who(*world, "good");
  EXPECT_EQ(user["username"], "jane");
  EXPECT_EQ(user["uid"], "7");
  EXPECT_EQ(user["groups"], json::array({"devs", "system:authenticated"}));
  EXPECT_EQ(user["extra"]["a"], json::array({"b"}));
  ASSERT_EQ(hooks.reviews.size(), 1u);
  EXPECT_EQ(hooks.targets[0], "/review");
  EXPECT_EQ(hooks.reviews[0]["apiVersion"], "authentication.k8s.io/v1");
  EXPECT_EQ(hooks.reviews[0]["spec"]["audiences"], json::array({kOurs}));
}

TEST_F(WebhookTokens, AnswersAreKept) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(world->with_token("/version", "good").status, 200);
    EXPECT_EQ(world->with_token("/version", "bad").status, 401);
  }
  EXPECT_EQ(hooks.reviews.size(), 2u) << "the good and the bad";
  world->executor.advance(2min + 1s);
  EXPECT_EQ(world->with_token("/version", "good").status, 200);
  EXPECT_EQ(hooks.reviews.size(), 3u);
}

TEST_F(WebhookTokens, AreAskedLast) {
  ASSERT_EQ(world
                ->post("/api/v1/namespaces/default/serviceaccounts",
                       R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"bot"}})")
                .status,
            201);
  const std::string token = world
                                ->post("/api/v1/namespaces/default/serviceaccounts/bot/token",
                                       R"({"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{}})")
                                .json()["status"]["token"];
  EXPECT_EQ(world->with_token("/api", token).status, 200);
  EXPECT_TRUE(hooks.reviews.empty()) << "nobody else is shown what is known here";
}

TEST_F(WebhookTokens, Failures) {
  int failures = 2;
  answer = [&](const json&) { return failures-- > 0 ? HookReply{.status = 500} : say(known()); };
  EXPECT_EQ(world->with_token("/version", "good").status, 200) << "it is asked again";
  EXPECT_EQ(hooks.reviews.size(), 3u);
  answer = [](const json&) { return HookReply{.status = 403}; };
  EXPECT_EQ(world->with_token("/version", "two").status, 401);
  EXPECT_EQ(hooks.reviews.size(), 4u) << "but not after it has refused";
  answer = [](const json&) { return say({{"authenticated", false}, {"error", "the database is down"}}); };
  EXPECT_EQ(world->with_token("/version", "three").status, 401);
  EXPECT_EQ(world->with_token("/version", "three").status, 401);
  EXPECT_EQ(hooks.reviews.size(), 6u) << "what went wrong there is not kept";
}

TEST(WebhookAnswers, Table) {
  const auto of = [](const std::string& status, const char* version = "v1") {
    return fmt::format(R"({{"kind":"TokenReview","apiVersion":"authentication.k8s.io/{}","status":{}}})", version, status);
  };
  struct Case {
    const char* name;
    std::string body;
    Audiences wanted;
    bool good = false, broken = false;
  };
  const Case cases[] = {
      {"for us", of(R"({"authenticated":true,"user":{"username":"a"}})"), {"us"}, true},
      {"for others alone", of(R"({"authenticated":true,"user":{"username":"a"}})"), {"vault"}, false},
      {"for the one that was asked for",
       of(R"({"authenticated":true,"user":{"username":"a"},"audiences":["vault"]})"),
       {"vault"},
       true},
      {"for another", of(R"({"authenticated":true,"user":{"username":"a"},"audiences":["vault"]})"), {"us"}, false},
      {"not known", of(R"({"authenticated":false})"), {"us"}, false},
      {"nothing said", of("{}"), {"us"}, false},
      {"another version", of("{}", "v1beta1"), {"us"}, false, true},
      {"no review", "{}", {"us"}, false, true},
      {"no JSON", "x", {"us"}, false, true},
      {"a list", "[]", {"us"}, false, true},
      {"of the wrong types", of(R"({"authenticated":"yes"})"), {"us"}, false, true},
      {"groups that are none", of(R"({"authenticated":true,"user":{"username":"a","groups":"b"}})"), {"us"}, false, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    bool broken = false, good = false;
    try {
      good = read_token_review(c.body, "v1", c.wanted, {"us"}).user.has_value();
    } catch (const NoAnswer&) {
      broken = true;
    }
    EXPECT_EQ(good, c.good);
    EXPECT_EQ(broken, c.broken);
  }
}

// -- Tokens of service accounts that are bound to what has gone

TEST(TokenConfusion, BoundToWhatHasGone) {
  StandardWorld world;
  ASSERT_EQ(world
                .post("/api/v1/namespaces/default/serviceaccounts",
                      R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"bot"}})")
                .status,
            201);
  struct Case {
    const char *kind, *list;
    json object;
  };
  const Case cases[] = {
      {"Secret", "/api/v1/namespaces/default/secrets", {{"kind", "Secret"}, {"apiVersion", "v1"}, {"metadata", {{"name", "x"}}}}},
      {"Node", "/api/v1/nodes", {{"kind", "Node"}, {"apiVersion", "v1"}, {"metadata", {{"name", "x"}}}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.kind);
    ASSERT_EQ(world.post(c.list, c.object.dump()).status, 201);
    const json body = {{"kind", "TokenRequest"},
                       {"apiVersion", "authentication.k8s.io/v1"},
                       {"spec", {{"boundObjectRef", {{"kind", c.kind}, {"apiVersion", "v1"}, {"name", "x"}}}}}};
    const std::string token =
        world.post("/api/v1/namespaces/default/serviceaccounts/bot/token", body.dump()).json()["status"]["token"];
    EXPECT_EQ(world.with_token("/api", token).status, 200);
    ASSERT_EQ(world.send(StandardWorld::request("DELETE", std::string(c.list) + "/x")).status, 200);
    EXPECT_EQ(world.with_token("/api", token).status, 401);
    ASSERT_EQ(world.post(c.list, c.object.dump()).status, 201);
    EXPECT_EQ(world.with_token("/api", token).status, 401) << "another one of the same name";
  }
}

TEST(TokenConfusion, Algorithms) {
  const std::string pem = net::make_private_key();
  const auto keys = make_token_keys({pem});
  const std::string payload = net::base64url(R"({"iss":"x"})");
  for (const char* header : {R"({"alg":"none"})", R"({"alg":"HS256"})", R"({"alg":"RS256"})", "{}"}) {
    SCOPED_TRACE(header);
    const std::string input = net::base64url(header) + "." + payload;
    EXPECT_FALSE(keys->verify(input + "."));
    EXPECT_FALSE(keys->verify(input + "." + net::base64url(hmac_sha256(net::public_key_pem(pem), input))));
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
