#include <fmt/format.h>
#include <gtest/gtest.h>

#include "apiserver/authn/oidc/configuration.h"
#include "apiserver/authn/oidc/mapping.h"
#include "net/encoding.h"
#include "tests/apiserver/standard_world.h"
#include "tests/apiserver/test_issuer.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

constexpr const char* kHead = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
constexpr const char* kOwn = "https://kubernetes.default.svc.cluster.local";

// One issuer, whose members a case may change.
json document() {
  return json::parse(R"({"apiVersion":"apiserver.config.k8s.io/v1","kind":"AuthenticationConfiguration","jwt":[
    {"issuer":{"url":"https://issuer.example","audiences":["cluster"]},
     "claimMappings":{"username":{"claim":"sub","prefix":"ex:"},"groups":{"claim":"groups","prefix":"ex:"}}}]})");
}

// A list of one.
json one(json item) {
  json out = json::array();
  out.push_back(std::move(item));
  return out;
}

std::string problem(const std::string& text) {
  try {
    parse_authentication_configuration(text, {kOwn});
    return {};
  } catch (const AuthenticationConfigurationError& error) {
    return error.what();
  }
}

TEST(AuthenticationConfiguration, Reads) {
  const auto read = parse_authentication_configuration(std::string(kHead) + R"y(
jwt:
- issuer:
    url: https://issuer.example
    discoveryURL: https://discovery.example/x
    audiences: [a, b]
    audienceMatchPolicy: MatchAny
  claimValidationRules:
  - claim: hd
    requiredValue: example.com
  - expression: "claims.exp - claims.nbf <= 86400"
    message: too long
  claimMappings:
    username: {expression: "claims.sub"}
    groups: {claim: groups, prefix: ""}
    uid: {claim: uid}
    extra:
    - {key: example.com/tenant, valueExpression: claims.tenant}
  userValidationRules:
  - expression: "!user.username.startsWith('system:')"
    message: reserved
anonymous:
  enabled: true
  conditions:
  - path: /livez
)y",
                                                       {kOwn});
  ASSERT_EQ(read.jwt.size(), 1u);
  const JwtConfiguration& jwt = read.jwt[0];
  EXPECT_EQ(jwt.discovery_url, "https://discovery.example/x");
  EXPECT_EQ(jwt.audiences, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(jwt.claim_rules.at(1).message, "too long");
  EXPECT_EQ(jwt.groups.prefix, "");
  EXPECT_FALSE(jwt.username.prefix);
  EXPECT_EQ(jwt.extra.at(0).key, "example.com/tenant");
  EXPECT_EQ(jwt.user_rules.at(0).message, "reserved");
  ASSERT_TRUE(read.anonymous);
  EXPECT_EQ(read.anonymous->paths, std::vector<std::string>{"/livez"});
}

TEST(AuthenticationConfiguration, Problems) {
  EXPECT_EQ(problem(document().dump()), "");
  EXPECT_EQ(problem(std::string(kHead) + "jwt: []\n"), "");
  EXPECT_NE(problem(std::string(kHead) + "jwt: []\njwt: []\n").find("\"jwt\" already set"), std::string::npos);
  struct Case {
    const char* name;
    std::function<void(json&)> change;
    const char* problem;
  };
  const auto jwt = [](json& d) -> json& { return d["jwt"][0]; };
  const Case cases[] = {
      {"another kind", [](json& d) { d["kind"] = "X"; }, "no kind \"X\" is registered"},
      {"another version", [](json& d) { d["apiVersion"] = "apiserver.config.k8s.io/v9"; }, "is registered for version"},
      {"an unknown member", [&](json& d) { jwt(d)["issuer"]["uri"] = "x"; },
       "strict decoding error: unknown field \"jwt[0].issuer.uri\""},
      {"a number for a text", [&](json& d) { jwt(d)["issuer"]["url"] = 7; }, "jwt[0].issuer.url is not a string"},
      {"no URL", [&](json& d) { jwt(d)["issuer"].erase("url"); }, "jwt[0].issuer.url: Required value: URL is required"},
      {"plain HTTP", [&](json& d) { jwt(d)["issuer"]["url"] = "http://x"; },
       "jwt[0].issuer.url: Invalid value: \"http://x\": URL scheme must be https"},
      {"a password", [&](json& d) { jwt(d)["issuer"]["url"] = "https://a:b@x"; }, "URL must not contain a username or password"},
      {"a query", [&](json& d) { jwt(d)["issuer"]["url"] = "https://x?a"; }, "URL must not contain a query"},
      {"a fragment", [&](json& d) { jwt(d)["issuer"]["url"] = "https://x#a"; }, "URL must not contain a fragment"},
      {"our own issuer", [&](json& d) { jwt(d)["issuer"]["url"] = kOwn; }, "URL must not overlap with disallowed issuers"},
      {"the same discovery", [&](json& d) { jwt(d)["issuer"]["discoveryURL"] = "https://issuer.example/"; },
       "jwt[0].issuer.discoveryURL: Invalid value: \"https://issuer.example/\": discoveryURL must be different from URL"},
      {"no audience", [&](json& d) { jwt(d)["issuer"]["audiences"] = json::array(); },
       "jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required"},
      {"two audiences", [&](json& d) { jwt(d)["issuer"]["audiences"] = {"a", "b"}; },
       "jwt[0].issuer.audienceMatchPolicy: Invalid value: \"\": audienceMatchPolicy must be MatchAny for multiple audiences"},
      {"an audience twice",
       [&](json& d) { jwt(d)["issuer"].update({{"audiences", {"a", "a"}}, {"audienceMatchPolicy", "MatchAny"}}); },
       "jwt[0].issuer.audiences[1]: Duplicate value: \"a\""},
      {"a bad authority", [&](json& d) { jwt(d)["issuer"]["certificateAuthority"] = "x"; },
       "jwt[0].issuer.certificateAuthority: Invalid value: \"<omitted>\""},
      {"an egress selector", [&](json& d) { jwt(d)["issuer"]["egressSelectorType"] = "cluster"; }, "egressSelectorType"},
      {"the same issuer twice", [](json& d) { d["jwt"].push_back(d["jwt"][0]); },
       "jwt[1].issuer.url: Duplicate value: \"https://issuer.example\""},
      {"no username", [&](json& d) { jwt(d)["claimMappings"].erase("username"); },
       "jwt[0].claimMappings.username: Required value: claim or expression is required"},
      {"no prefix", [&](json& d) { jwt(d)["claimMappings"]["username"].erase("prefix"); },
       "jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty "
       "string "
       "to disable prefixing"},
      {"claim and expression", [&](json& d) { jwt(d)["claimMappings"]["uid"] = {{"claim", "a"}, {"expression", "claims.a"}}; },
       "jwt[0].claimMappings.uid: Invalid value: \"\": claim and expression can't both be set"},
      {"expression and prefix",
       [&](json& d) { jwt(d)["claimMappings"]["groups"] = {{"prefix", "a"}, {"expression", "claims.a"}}; },
       "jwt[0].claimMappings.groups.prefix: Invalid value: \"a\": prefix can't be set when expression is set"},
      {"an expression that cannot be read", [&](json& d) { jwt(d)["claimMappings"]["uid"] = {{"expression", "claims."}}; },
       "jwt[0].claimMappings.uid.expression: Invalid value: \"claims.\": compilation failed"},
      {"of another variable", [&](json& d) { jwt(d)["claimMappings"]["uid"] = {{"expression", "user.uid"}}; },
       "compilation failed"},
      {"a duration that is none",
       [&](json& d) { jwt(d)["claimValidationRules"] = one({{"expression", "duration('1 day') < duration('2s')"}}); },
       "invalid duration argument"},
      {"an address that nobody has verified",
       [&](json& d) { jwt(d)["claimMappings"]["username"] = {{"expression", "claims.email"}}; },
       "claims.email_verified must be used in"},
      {"an extra key with capitals",
       [&](json& d) { jwt(d)["claimMappings"]["extra"] = one({{"key", "example.com/A"}, {"valueExpression", "claims.a"}}); },
       "key must be lowercase"},
      {"a reserved extra key",
       [&](json& d) { jwt(d)["claimMappings"]["extra"] = one({{"key", "x.kubernetes.io/a"}, {"valueExpression", "claims.a"}}); },
       "are reserved for Kubernetes use"},
      {"an extra key without a domain",
       [&](json& d) { jwt(d)["claimMappings"]["extra"] = one({{"key", "a"}, {"valueExpression", "claims.a"}}); },
       "must be a domain-prefixed path"},
      {"a rule of nothing", [&](json& d) { jwt(d)["claimValidationRules"] = one({{"message", "m"}}); },
       "jwt[0].claimValidationRules[0]: Required value: claim or expression is required"},
      {"a value with an expression",
       [&](json& d) { jwt(d)["claimValidationRules"] = one({{"expression", "true"}, {"requiredValue", "x"}}); },
       "requiredValue can't be set when expression is set"},
      {"a message with a claim", [&](json& d) { jwt(d)["claimValidationRules"] = one({{"claim", "a"}, {"message", "x"}}); },
       "message can't be set when claim is set"},
      {"a user rule of nothing", [&](json& d) { jwt(d)["userValidationRules"] = one(json::object()); },
       "jwt[0].userValidationRules[0].expression: Required value: expression is required"},
      {"paths for nobody", [](json& d) { d["anonymous"] = {{"enabled", false}, {"conditions", one({{"path", "/x"}})}}; },
       "enabled should be set to true when conditions are defined"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    json changed = document();
    c.change(changed);
    const std::string said = problem(changed.dump());
    EXPECT_NE(said.find(c.problem), std::string::npos) << said;
  }
}

// -- What claims make of their bearer

constexpr Time kNow{std::chrono::seconds(1'700'000'000)};

json claims() {
  return {{"iss", "https://issuer.example"}, {"aud", "cluster"}, {"sub", "jane"}, {"exp", 1'700'000'600},
          {"groups", {"devs", "ops"}},       {"jti", "7"}};
}

struct MappingCase {
  const char* name;
  std::function<void(json&)> configuration;  // of jwt[0]
  std::function<void(json&)> claims;
  const char* error = nullptr;  // part of it; null: it is good
  std::function<void(const Identity&)> check = {};
};

void play(const MappingCase& c) {
  SCOPED_TRACE(c.name);
  json changed = document();
  if (c.configuration) c.configuration(changed["jwt"][0]);
  const oidc::Mapping mapping(parse_authentication_configuration(changed.dump(), {}).jwt.at(0));
  json said = claims();
  if (c.claims) c.claims(said);
  const auto user = mapping.user_of(said.dump(), kNow);
  if (c.error) {
    ASSERT_FALSE(user);
    EXPECT_NE(user.error().find(c.error), std::string::npos) << user.error();
    return;
  }
  ASSERT_TRUE(user) << user.error();
  if (c.check) c.check(*user);
}

TEST(OidcMapping, Tokens) {
  const MappingCase cases[] = {
      {"good",
       {},
       {},
       nullptr,
       [](const Identity& user) {
         EXPECT_EQ(user.name, "ex:jane");
         EXPECT_EQ(user.groups, (std::vector<std::string>{"ex:devs", "ex:ops"}));
         ASSERT_EQ(user.extra.size(), 1u);
         EXPECT_EQ(user.extra[0].first, "authentication.kubernetes.io/credential-id");
         EXPECT_EQ(user.extra[0].second, std::vector<std::string>{"JTI=7"});
       }},
      {"another issuer", {}, [](json& c) { c["iss"] = "https://issuer.example/"; }, "another issuer"},
      {"another audience", {}, [](json& c) { c["aud"] = "other"; }, "expected audience in"},
      {"no audience", {}, [](json& c) { c.erase("aud"); }, "expected audience in"},
      {"one audience of several", {}, [](json& c) { c["aud"] = {"other", "cluster"}; }},
      {"expired", {}, [](json& c) { c["exp"] = 1'699'999'999; }, "token is expired"},
      {"without an end", {}, [](json& c) { c.erase("exp"); }, "token is expired"},
      {"an end that is no number", {}, [](json& c) { c["exp"] = "1800000000"; }, "not a number"},
      {"a little early", {}, [](json& c) { c["nbf"] = 1'700'000'200; }},
      {"too early", {}, [](json& c) { c["nbf"] = 1'700'000'400; }, "not valid yet"},
      {"one group",
       {},
       [](json& c) { c["groups"] = "devs"; },
       nullptr,
       [](const Identity& user) { EXPECT_EQ(user.groups, std::vector<std::string>{"ex:devs"}); }},
      {"no groups",
       {},
       [](json& c) { c.erase("groups"); },
       nullptr,
       [](const Identity& user) { EXPECT_TRUE(user.groups.empty()); }},
      {"groups that are none", {}, [](json& c) { c["groups"] = json::array({1}); }, "neither a string nor a list"},
      {"groups that are elsewhere",
       {},
       [](json& c) {
         c.erase("groups");
         c["_claim_names"] = {{"groups", "src1"}};
       },
       "distributed"},
      {"no name", {}, [](json& c) { c.erase("sub"); }, "claim sub is not present"},
      {"an empty name", {}, [](json& c) { c["sub"] = ""; }, "names nobody"},
      {"a name that is none", {}, [](json& c) { c["sub"] = 7; }, "not a string"},
  };
  for (const MappingCase& c : cases) play(c);
}

TEST(OidcMapping, Rules) {
  const auto email = [](json& jwt) { jwt["claimMappings"]["username"] = {{"claim", "email"}, {"prefix", ""}}; };
  const auto rule = [](json rule) { return [rule](json& jwt) { jwt["claimValidationRules"] = one(rule); }; };
  const auto user_rule = [](json& jwt) {
    jwt["userValidationRules"] = one({{"expression", "!user.username.startsWith('system:')"}, {"message", "reserved"}});
  };
  const auto by_expression = [](json& jwt) {
    jwt["claimMappings"] = {{"username", {{"expression", "'x/' + claims.sub"}}},
                            {"groups", {{"expression", "claims.roles.split(',')"}}},
                            {"uid", {{"expression", "claims.?id.orValue('none')"}}},
                            {"extra",
                             {{{"key", "example.com/tenant"}, {"valueExpression", "claims.tenant"}},
                              {{"key", "example.com/none"}, {"valueExpression", "''"}}}}};
  };
  const MappingCase cases[] = {
      {"an address", email, [](json& c) { c["email"] = "j@example.com"; }, nullptr,
       [](const Identity& user) { EXPECT_EQ(user.name, "j@example.com"); }},
      {"not verified", email, [](json& c) { c.update({{"email", "j@example.com"}, {"email_verified", false}}); },
       "email not verified"},
      {"required", rule({{"claim", "hd"}, {"requiredValue", "x"}}), [](json& c) { c["hd"] = "x"; }},
      {"required, and not there",
       rule({{"claim", "hd"}, {"requiredValue", "x"}}),
       {},
       "required claim hd not present in ID token"},
      {"required, and another", rule({{"claim", "hd"}, {"requiredValue", "x"}}), [](json& c) { c["hd"] = "y"; },
       "required claim hd value does not match. Got = y, want = x"},
      {"a rule holds", rule({{"expression", "claims.exp > 5"}}), {}},
      {"a rule does not",
       rule({{"expression", "claims.exp < 5"}, {"message", "too long"}}),
       {},
       "validation expression 'claims.exp < 5' failed: too long"},
      {"a rule of a claim that is not there", rule({{"expression", "claims.nothing == 'x'"}}), {}, "resulted in error"},
      {"a rule that is none", rule({{"expression", "claims.sub"}}), {}, "must evaluate to bool but got string"},
      {"expressions", by_expression, [](json& c) { c.update({{"roles", "a,,b"}, {"tenant", {"t", "u"}}}); }, nullptr,
       [](const Identity& user) {
         EXPECT_EQ(user.name, "x/jane");
         EXPECT_EQ(user.groups, (std::vector<std::string>{"a", "b"}));
         EXPECT_EQ(user.uid, "none");
         ASSERT_EQ(user.extra.size(), 2u);
         EXPECT_EQ(user.extra[0].first, "example.com/tenant");
         EXPECT_EQ(user.extra[0].second, (std::vector<std::string>{"t", "u"}));
       }},
      {"an expression of another type", by_expression, [](json& c) { c.update({{"roles", "a"}, {"tenant", 7}}); },
       "must evaluate to string but got int"},
      {"a user that holds", user_rule, {}},
      {"a user that does not",
       [&](json& jwt) {
         user_rule(jwt);
         jwt["claimMappings"]["username"]["prefix"] = "";
       },
       [](json& c) { c["sub"] = "system:masters"; }, "failed: reserved"},
  };
  for (const MappingCase& c : cases) play(c);
}

// -- A server that believes the issuer

class Oidc : public ::testing::Test {
 protected:
  Oidc() : current(std::make_shared<CurrentAuthentication>(parse_authentication_configuration(document().dump(), {kOwn}))) {
    StandardOptions options;
    options.webhooks = issuer.transports();
    options.authentication.configuration = current;
    world.emplace(std::move(options));
  }

  json good() {
    const auto now = std::chrono::floor<std::chrono::seconds>(world->executor.clock().now()).time_since_epoch().count();
    return {{"iss", issuer.url()}, {"aud", "cluster"}, {"sub", "jane"}, {"groups", json::array({"devs"})}, {"exp", now + 3600}};
  }
  std::string token(const json& more = json::object()) {
    json claims = good();
    claims.update(more);
    return issuer.sign(claims);
  }
  json who(const std::string& token) {
    HttpRequest request =
        StandardWorld::request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                               R"({"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"})", std::nullopt);
    request.headers.add("Authorization", "Bearer " + token);
    return world->send(std::move(request)).json();
  }
  int status(const std::string& token) { return world->with_token("/version", token).status; }

  TestIssuer issuer;
  const std::shared_ptr<CurrentAuthentication> current;
  std::optional<StandardWorld> world;
};

TEST_F(Oidc, ItsTokensSayWhoAsks) {
  const json user = who(token())["status"]["userInfo"];
  EXPECT_EQ(user["username"], "ex:jane");
  EXPECT_EQ(user["groups"], json::array({"ex:devs", "system:authenticated"}));
  EXPECT_EQ(issuer.asked, (std::vector<std::string>{"/.well-known/openid-configuration", "/keys"}));
  ASSERT_FALSE(issuer.addresses.empty());
  EXPECT_EQ(issuer.addresses[0].url, "https://issuer.example");
  EXPECT_EQ(issuer.addresses[0].server_name, "issuer.example");
  EXPECT_EQ(status(token()), 200);
  EXPECT_EQ(issuer.asked.size(), 2u) << "the keys are kept";
}

TEST_F(Oidc, TokenConfusion) {
  EXPECT_EQ(status(token()), 200);
  TestIssuer other;  // says that it is the same, and has other keys
  EXPECT_EQ(status(other.sign(good())), 401) << "signed by somebody else";
  EXPECT_EQ(status(token({{"aud", "other"}})), 401);
  EXPECT_EQ(status(token({{"exp", 1}})), 401);
  EXPECT_EQ(status(token({{"iss", kOwn}})), 401);
  EXPECT_EQ(status(token({{"iss", "kubernetes/serviceaccount"}})), 401);
  const std::string payload = net::base64url(good().dump());
  for (const char* header : {R"({"alg":"none"})", R"({"alg":"HS256"})", R"({})", "x"}) {
    EXPECT_EQ(status(net::base64url(header) + "." + payload + "."), 401) << header;
    EXPECT_EQ(status(net::base64url(header) + "." + payload + "." + net::base64url("signature")), 401) << header;
  }
}

TEST_F(Oidc, KeysAreTurned) {
  EXPECT_EQ(status(token()), 200);
  const std::string old = token({{"n", 1}});
  world->executor.advance(11s);
  issuer.turn_key(true);
  EXPECT_EQ(status(token({{"n", 2}})), 200) << "a key that is not known is asked for";
  EXPECT_EQ(issuer.asked.size(), 4u);
  EXPECT_EQ(status(old), 401) << "and what has gone is not believed any more";
}

TEST_F(Oidc, NobodyCanMakeUsAskAllTheTime) {
  EXPECT_EQ(status(token()), 200);
  TestIssuer other;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(status(other.sign(good())), 401);
  EXPECT_EQ(issuer.asked.size(), 2u);
}

TEST_F(Oidc, AnIssuerThatIsDown) {
  issuer.go_down();
  EXPECT_EQ(status(token()), 401);
  issuer.go_down(false);
  world->executor.advance(11s);
  EXPECT_EQ(status(token()), 200);
}

TEST_F(Oidc, AnIssuerThatSaysItIsAnother) {
  issuer.claim_to_be("https://other.example");
  EXPECT_EQ(status(token()), 401);
  EXPECT_EQ(issuer.asked.size(), 1u) << "its keys are not even looked at";
}

TEST_F(Oidc, OneQuestionForAllWhoWait) {
  issuer.answer_after(1s);
  std::vector<std::shared_ptr<std::optional<Reply>>> replies;
  for (int i = 0; i < 5; ++i) {
    HttpRequest request = StandardWorld::request("GET", "/version", {}, std::nullopt);
    request.headers.add("Authorization", "Bearer " + token({{"n", i}}));
    replies.push_back(world->start(std::move(request)));
  }
  for (int i = 0; i < 50; ++i) world->executor.advance(100ms);
  for (const auto& reply : replies) {
    ASSERT_TRUE(*reply);
    EXPECT_EQ((*reply)->status, 200);
  }
  EXPECT_EQ(issuer.asked.size(), 2u);
}

TEST_F(Oidc, TheConfigurationIsReplaced) {
  const std::string one = token();
  EXPECT_EQ(status(one), 200);
  json changed = document();
  changed["jwt"][0]["claimMappings"]["username"]["prefix"] = "other:";
  current->set(parse_authentication_configuration(changed.dump(), {kOwn}));
  EXPECT_EQ(who(one)["status"]["userInfo"]["username"], "other:jane") << "what was said before is forgotten";
  changed["jwt"] = json::array();
  current->set(parse_authentication_configuration(changed.dump(), {kOwn}));
  EXPECT_EQ(status(one), 401);
}

TEST_F(Oidc, NobodyWhereTheConfigurationSaysSo) {
  EXPECT_EQ(world->get("/version", std::nullopt).status, 200) << "as the flag says";
  json changed = document();
  changed["anonymous"] = {{"enabled", true}, {"conditions", {{{"path", "/livez"}}, {{"path", "/readyz"}}}}};
  current->set(parse_authentication_configuration(changed.dump(), {kOwn}));
  EXPECT_EQ(world->get("/livez", std::nullopt).status, 200);
  EXPECT_EQ(world->get("/livez?verbose", std::nullopt).status, 200);
  EXPECT_EQ(world->get("/livez/ping", std::nullopt).status, 401);
  EXPECT_EQ(world->get("/version", std::nullopt).status, 401);
  EXPECT_EQ(world->get("/version").status, 200);
  changed["anonymous"] = {{"enabled", false}};
  current->set(parse_authentication_configuration(changed.dump(), {kOwn}));
  EXPECT_EQ(world->get("/livez", std::nullopt).status, 401);
}

TEST_F(Oidc, TokenReviewsKnowThem) {
  const auto review = [&](const std::string& token, const json& audiences) {
    const json body = {{"kind", "TokenReview"},
                       {"apiVersion", "authentication.k8s.io/v1"},
                       {"spec", {{"token", token}, {"audiences", audiences}}}};
    return world->post("/apis/authentication.k8s.io/v1/tokenreviews", body.dump()).json()["status"];
  };
  const json good = review(token(), json::array());
  EXPECT_EQ(good["authenticated"], true);
  EXPECT_EQ(good["user"]["username"], "ex:jane");
  EXPECT_EQ(good["audiences"], json::array({kOwn}));
  EXPECT_FALSE(review(token(), json::array({"vault"})).value("authenticated", false));
  EXPECT_NE(review(token({{"exp", 1}}), json::array())["error"].get<std::string>().find("expired"), std::string::npos);
}

}  // namespace
}  // namespace ph::apiserver::testing
