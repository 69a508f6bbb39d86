#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/times.h"
#include "apiserver/authn/claims.h"
#include "apiserver/authn/openid.h"
#include "apiserver/authn/static_tokens.h"
#include "apiserver/authn/token_keys.h"
#include "net/encoding.h"
#include "net/jwt.h"
#include "net/pki.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

constexpr const char* kPods = "/api/v1/namespaces/default/pods";
constexpr const char* kAccounts = "/api/v1/namespaces/default/serviceaccounts";
constexpr const char* kToken = "/api/v1/namespaces/default/serviceaccounts/bot/token";
constexpr const char* kReview = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr const char* kWho = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

std::string account(const char* name) {
  return std::string(R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":")") + name + R"("}})";
}
std::string token_request(const std::string& spec) {
  return R"({"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":)" + spec + "}";
}
json review(StandardWorld& world, const std::string& token, const json& audiences = json::array()) {
  const json body = {{"kind", "TokenReview"},
                     {"apiVersion", "authentication.k8s.io/v1"},
                     {"spec", {{"token", token}, {"audiences", audiences}}}};
  return world.post(kReview, body.dump()).json()["status"];
}
json payload(const std::string& token) {
  const auto dot = token.find('.');
  return json::parse(*net::decode_base64url(std::string_view(token).substr(dot + 1, token.rfind('.') - dot - 1)));
}

class Tokens : public ::testing::Test {
 protected:
  Tokens() { EXPECT_EQ(world.post(kAccounts, account("bot")).status, 201); }
  std::string issue(const std::string& spec = "{}") {
    const Reply reply = world.post(kToken, token_request(spec));
    EXPECT_EQ(reply.status, 201) << reply.body;
    return reply.json()["status"]["token"];
  }
  StandardWorld world;
};

TEST_F(Tokens, Claims) {
  const json claims = payload(issue());
  EXPECT_EQ(claims["iss"], "https://kubernetes.default.svc.cluster.local");
  EXPECT_EQ(claims["sub"], "system:serviceaccount:default:bot");
  EXPECT_EQ(claims["aud"], json::array({"https://kubernetes.default.svc.cluster.local"}));
  EXPECT_EQ(claims["exp"].get<int>() - claims["iat"].get<int>(), 3600);
  EXPECT_EQ(claims["kubernetes.io"]["namespace"], "default");
  EXPECT_EQ(claims["kubernetes.io"]["serviceaccount"]["name"], "bot");
  EXPECT_FALSE(claims["jti"].get<std::string>().empty());
}

TEST_F(Tokens, AuthenticateTheirBearer) {
  HttpRequest request = StandardWorld::request(
      "POST", kWho, R"({"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"})", std::nullopt);
  request.headers.add("Authorization", "Bearer " + issue());
  const json user = world.send(std::move(request)).json()["status"]["userInfo"];
  EXPECT_EQ(user["username"], "system:serviceaccount:default:bot");
  EXPECT_EQ(user["groups"], json::array({"system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"}));
  EXPECT_TRUE(user["extra"].contains("authentication.kubernetes.io/credential-id"));
}

TEST_F(Tokens, Refused) {
  const std::string good = issue();
  struct Case {
    const char* name;
    std::string token;
  };
  std::string tampered = good;
  tampered[tampered.find('.') + 5] ^= 1;
  const Case kCases[] = {
      {"nonsense", "nonsense"}, {"tampered with", tampered}, {"no signature", good.substr(0, good.rfind('.') + 1)}};
  EXPECT_EQ(world.with_token("/api", good).status, 200);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(world.with_token("/api", c.token).status, 401);
  }
}

TEST_F(Tokens, Expire) {
  const std::string token = issue(R"({"expirationSeconds":600})");
  EXPECT_EQ(world.with_token("/api", token).status, 200);
  world.executor.advance(10min + 30s);
  EXPECT_EQ(world.with_token("/api", token).status, 200) << "within the leeway";
  world.executor.advance(1min);
  EXPECT_EQ(world.with_token("/api", token).status, 401);
}

TEST_F(Tokens, GoWithTheirAccount) {
  const std::string token = issue();
  ASSERT_EQ(world.send(StandardWorld::request("DELETE", std::string(kAccounts) + "/bot")).status, 200);
  EXPECT_EQ(world.with_token("/api", token).status, 401);
  ASSERT_EQ(world.post(kAccounts, account("bot")).status, 201);
  EXPECT_EQ(world.with_token("/api", token).status, 401) << "another account of the same name";
}

TEST_F(Tokens, BoundToAPod) {
  ASSERT_EQ(world
                .post(kPods, R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"serviceAccountName":"bot",
                                 "terminationGracePeriodSeconds":0,"containers":[{"name":"c","image":"i"}]}})")
                .status,
            201);
  const std::string token = issue(R"({"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}})");
  EXPECT_EQ(payload(token)["kubernetes.io"]["pod"]["name"], "p");
  EXPECT_EQ(review(world, token)["user"]["extra"]["authentication.kubernetes.io/pod-name"], json::array({"p"}));
  ASSERT_EQ(world.send(StandardWorld::request("DELETE", std::string(kPods) + "/p")).status, 200);
  EXPECT_EQ(world.with_token("/api", token).status, 401);
  EXPECT_EQ(world.post(kToken, token_request(R"({"boundObjectRef":{"kind":"Pod","name":"p"}})")).status, 404);
}

TEST_F(Tokens, BoundToNothingElse) {
  const auto refusal = [&](const char* version, const char* kind) {
    return world
        .post(kToken,
              token_request(fmt::format(R"({{"boundObjectRef":{{"apiVersion":"{}","kind":"{}","name":"x"}}}})", version, kind)))
        .message();
  };
  EXPECT_EQ(refusal("v1", "ConfigMap"), "cannot bind token to object of type /v1, Kind=ConfigMap");
  EXPECT_EQ(refusal("apps/v1", "Pod"), "cannot bind token to object of type apps/v1, Kind=Pod");
  EXPECT_EQ(refusal("a/b/c", "ConfigMap"), "cannot bind token to object of type /, Kind=ConfigMap");
  EXPECT_EQ(refusal("v2", "Pod"), "pods \"x\" not found") << "one is as good as the other";
}

TEST_F(Tokens, ExtendedForKubelets) {
  const Reply reply = world.post(kToken, token_request(R"({"expirationSeconds":3607})"));
  const json claims = payload(reply.json()["status"]["token"]);
  EXPECT_EQ(claims["exp"].get<long>() - claims["iat"].get<long>(), 365 * 24 * 3600);
  EXPECT_EQ(claims["kubernetes.io"]["warnafter"].get<long>() - claims["iat"].get<long>(), 3607);
  const auto told = api::parse_rfc3339(reply.json()["status"]["expirationTimestamp"].get<std::string>());
  EXPECT_EQ(told->time_since_epoch(), std::chrono::seconds(claims["iat"].get<long>() + 3607))
      << "the client is told the shorter life";
}

TEST_F(Tokens, UsesOfExtendedTokensAreCounted) {
  const std::string token = issue(R"({"expirationSeconds":3607})");
  const auto counted = [&](const char* name) { return world.metrics.render().find(name) != std::string::npos; };
  EXPECT_EQ(world.with_token("/api", token).status, 200);
  EXPECT_TRUE(counted("\nserviceaccount_valid_tokens_total 1\n")) << world.metrics.render();
  world.executor.advance(2h);
  EXPECT_EQ(world.with_token("/api", token).status, 200);
  EXPECT_TRUE(counted("\nserviceaccount_stale_tokens_total 1\n"));
  EXPECT_TRUE(counted("\nserviceaccount_valid_tokens_total 1\n"));
}

TEST_F(Tokens, BadRequests) {
  EXPECT_EQ(world.post(kToken, token_request(R"({"expirationSeconds":10})")).status, 422);
  EXPECT_EQ(world.post("/api/v1/namespaces/default/serviceaccounts/nobody/token", token_request("{}")).status, 404);
}

TEST_F(Tokens, Reviewed) {
  const json good = review(world, issue());
  EXPECT_EQ(good["authenticated"], true);
  EXPECT_EQ(good["user"]["username"], "system:serviceaccount:default:bot");
  EXPECT_EQ(good["audiences"], json::array({"https://kubernetes.default.svc.cluster.local"}));

  const std::string vault = issue(R"({"audiences":["vault"]})");
  EXPECT_FALSE(review(world, vault).value("authenticated", false));
  EXPECT_EQ(review(world, vault, {"vault", "other"})["audiences"], json::array({"vault"}));
  EXPECT_EQ(world.with_token("/api", vault).status, 401);

  const json bad = review(world, "nonsense");
  EXPECT_FALSE(bad.value("authenticated", false));
  EXPECT_EQ(bad["error"], "invalid bearer token");
}

TEST(Claims, ThereAndBack) {
  Claims claims;
  claims.issuer = "i";
  claims.subject = "system:serviceaccount:n:s";
  claims.id = "j";
  claims.audiences = {"a", "b"};
  claims.issued = claims.not_before = Time(100s);
  claims.expires = Time(200s);
  claims.namespace_name = "n";
  claims.service_account = {"s", "u"};
  claims.pod = ClaimedObject{"p", "pu"};
  claims.node = ClaimedObject{"o", {}};
  const auto read = parse_claims(encode_claims(claims));
  ASSERT_TRUE(read);
  EXPECT_EQ(encode_claims(*read), encode_claims(claims));
  for (const char* bad :
       {"", "1", "{}", R"({"kubernetes.io":7})", R"({"kubernetes.io":{},"aud":7})", R"({"kubernetes.io":{},"exp":"x"})"}) {
    EXPECT_FALSE(parse_claims(bad)) << bad;
  }
}

TEST(OpenId, PublishesTheKey) {
  const std::string pem = net::make_private_key();
  OpenIdHandler handler("https://issuer", "h:1", {pem});
  const auto ask = [&](const char* target) {
    sim::SimExecutor executor;
    const HttpRequest request = StandardWorld::request("GET", target);
    const Identity user;
    Outcome_<std::optional<HttpResponse>> outcome;
    Scope scope(executor);
    scope.spawn(detail::store_outcome(handler.try_handle(request, user), &outcome));
    executor.drain();
    return json::parse(*outcome.value->value().body.at(0));
  };
  const json key = ask("/openid/v1/jwks")["keys"][0];
  EXPECT_EQ(key["kid"], net::key_id(pem));
  EXPECT_EQ(net::decode_base64url(key["x"].get<std::string>())->size(), 32u);
  EXPECT_EQ(net::decode_base64url(key["y"].get<std::string>())->size(), 32u);
  EXPECT_EQ(ask("/.well-known/openid-configuration")["jwks_uri"], "https://h:1/openid/v1/jwks");
}

TEST(TokenKeys, Signed) {
  const std::string pem = net::make_private_key();
  const auto keys = make_token_keys({pem});
  const std::string token = keys->sign("{}");
  EXPECT_EQ(keys->verify(token), "{}");
  const auto others = make_token_keys({net::make_private_key()});
  EXPECT_FALSE(others->verify(token));
  const auto both = make_token_keys({net::make_private_key(), net::public_key_pem(pem)});
  EXPECT_TRUE(both->verify(token)) << "an older key";
}

// A certificate that does not verify is refused, and whoever shows it is not nobody; a good token beside it still counts.
TEST_F(Tokens, ABadCertificateIsRefusedUnlessATokenIsGood) {
  HttpRequest request = StandardWorld::request("GET", "/version", {}, std::nullopt);
  EXPECT_EQ(world.send(request).status, 200) << "nobody may see the version";
  request.peer.certificate_refused = true;
  const Reply refused = world.send(request);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.json()["reason"], "Unauthorized");
  EXPECT_EQ(refused.message(), "Unauthorized");
  request.headers.set("Authorization", "Bearer nonsense");
  EXPECT_EQ(world.send(request).status, 401);
  request.headers.set("Authorization", "Bearer " + issue());
  EXPECT_EQ(world.send(request).status, 200);
}

// Who may do everything must be somebody.
TEST(Authenticator, NobodyIsLetInWhereEverythingIsAllowed) {
  struct Case {
    bool anonymous, always_allow;
    int status, warnings;
  };
  for (const Case& c :
       {Case{true, false, 200, 0}, Case{false, false, 401, 0}, Case{true, true, 401, 1}, Case{false, true, 401, 0}}) {
    SCOPED_TRACE(std::string(c.anonymous ? "anonymous" : "no anonymous") + (c.always_allow ? ", AlwaysAllow" : ""));
    std::vector<std::string> said;
    const Log log([&](const LogLine& line) { said.emplace_back(line.text); }, LogLevel::Warning);
    using Authorization = StandardOptions::Authorization;
    AuthorizerConfigs modes{Authorization::Node, Authorization::Rbac};
    if (c.always_allow) modes.push_back(Authorization::AlwaysAllow);
    StandardWorld world({.anonymous = c.anonymous, .authorization = std::move(modes), .log = log});
    EXPECT_EQ(world.get("/version", std::nullopt).status, c.status);
    EXPECT_EQ(world.get("/api/v1/secrets", StandardWorld::user("joe")).status, c.always_allow ? 200 : 403);
    ASSERT_EQ(said.size(), static_cast<std::size_t>(c.warnings));
    if (c.warnings > 0)
      EXPECT_TRUE(said[0].starts_with("AnonymousAuth is not allowed with the AlwaysAllow authorizer.")) << said[0];
  }
}

TEST(Authenticator, WithoutAnonymous) {
  StandardWorld world({.anonymous = false});
  EXPECT_EQ(world.get("/version", std::nullopt).status, 401);
  EXPECT_EQ(world.get("/version").status, 200);
}

TEST(StaticTokens, Lines) {
  struct Case {
    const char* name;
    const char* text;
    const char* token;
    const char* user;  // nothing: nobody's
    std::vector<std::string> groups;
  };
  const Case cases[] = {
      {"the least", "t,u,1", "t", "u", {}},
      {"groups", "t,u,1,\"a,b\"\n", "t", "u", {"a", "b"}},
      {"one group without quotes", "t,u,1,a\n", "t", "u", {"a"}},
      {"among others", "s,v,2\n\nt,u,1\r\n", "t", "u", {}},
      {"the last of two", "t,v,2\nt,u,1\n", "t", "u", {}},
      {"a quote in quotes", "t,\"u \"\"x\"\"\",1\n", "t", "u \"x\"", {}},
      {"another token", "t,u,1", "s", "", {}},
      {"none", ",u,1", "", "", {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto tokens = StaticTokens::parse(c.text);
    ASSERT_TRUE(tokens) << tokens.error();
    const Identity* user = tokens->find(c.token);
    ASSERT_EQ(user != nullptr, *c.user != 0);
    if (!user) continue;
    EXPECT_EQ(user->name, c.user);
    EXPECT_EQ(user->groups, c.groups);
  }
  EXPECT_EQ(StaticTokens::parse("t,u\n").error(), "line 1: must have at least 3 columns (token, user name, user uid), found 2");
  EXPECT_EQ(StaticTokens::parse("t,u,1\nt,\"u,1\n").error(), "line 2: a quote is left open");
}

TEST(StaticTokens, SayWhoAsks) {
  StandardWorld world({.static_tokens = "t,joe,7,\"devs\"\n"});
  HttpRequest request =
      StandardWorld::request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                             R"({"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"})", std::nullopt);
  request.headers.add("Authorization", "Bearer t");
  const nlohmann::json user = world.send(std::move(request)).json()["status"]["userInfo"];
  EXPECT_EQ(user["username"], "joe");
  EXPECT_EQ(user["uid"], "7");
  EXPECT_EQ(user["groups"], (std::vector<std::string>{"devs", "system:authenticated"}));
  EXPECT_EQ(world.with_token("/api/v1", "other").status, 401);
  for (const auto& [audience, good] :
       {std::pair{"", true}, {R"("https://kubernetes.default.svc.cluster.local")", true}, {R"("x")", false}}) {
    SCOPED_TRACE(audience);
    const nlohmann::json status =
        world
            .post("/apis/authentication.k8s.io/v1/tokenreviews",
                  std::string(
                      R"({"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{"token":"t","audiences":[)") +
                      audience + "]}}")
            .json()["status"];
    EXPECT_EQ(status.value("authenticated", false), good);
    if (!good) EXPECT_EQ(status["error"], "invalid bearer token");
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
