// Who gets past a secure port, and what the apiserver is asked on the way.
#include "daemon/delegated_access.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "authentication/v1.pb.h"
#include "authorization/v1.pb.h"
#include "base/sync.h"
#include "daemon/serving.h"
#include "tests/sim/executor.h"

namespace ph::daemon {
namespace {

// Knows one token, "good" of `alice`, and lets her read /metrics.
class Reviewer final : public Transport {
 public:
  bool away = false;
  std::vector<std::string> asked;

  Task<HttpResponse> send(HttpRequest request, bool) override {
    asked.push_back(std::string(request.path().substr(request.path().rfind('/') + 1)));
    if (away) throw TransportError("nobody there");
    HttpResponse response{.status = 201};
    if (asked.back() == "tokenreviews") {
      authentication::v1::TokenReview review;
      api::decode_envelope(request.body, review);
      const bool good = review.spec().token() == "good";
      review.mutable_status()->set_authenticated(good);
      if (good) review.mutable_status()->mutable_user()->set_username("alice");
      response.body.push_back(share(api::encode_envelope(review)));
    } else {
      authorization::v1::SubjectAccessReview review;
      api::decode_envelope(request.body, review);
      const auto& spec = review.spec();
      review.mutable_status()->set_allowed(spec.user() == "alice" && spec.non_resource_attributes().path() == "/metrics" &&
                                           spec.non_resource_attributes().verb() == "get");
      response.body.push_back(share(api::encode_envelope(review)));
    }
    co_return response;
  }
};

struct World {
  sim::SimExecutor executor;
  Reviewer reviewer;
  informers::Client client{reviewer, "test"};
  ServingOptions options;
  DelegatedAccess access{options, &client, executor.clock(), Log()};

  // 0 when let in, else the status of the refusal.
  int ask(DelegatedAccess& access, HttpRequest request, std::string path) {
    int status = -1;
    Scope scope(executor);
    scope.spawn([](DelegatedAccess& access, HttpRequest request, std::string path, int& status) -> Task<void> {
      const auto verdict =
          co_await access.admit(request, {.verb = "get", .path = path, .resource = {}, .subresource = {}, .name = {}});
      status = verdict.refusal ? verdict.refusal->status : 0;
    }(access, std::move(request), std::move(path), status));
    executor.drain();
    return status;
  }
  static HttpRequest with_token(const std::string& token) {
    return {.method = "GET", .target = "/", .headers = {{"Authorization", "Bearer " + token}}, .body = {}, .peer = {}};
  }
  static HttpRequest with_certificate(std::string name, std::vector<std::string> groups) {
    HttpRequest request{.method = "GET", .target = "/", .headers = {}, .body = {}, .peer = {}};
    request.peer.identity = Identity{.name = std::move(name), .uid = {}, .groups = std::move(groups), .extra = {}};
    return request;
  }
};

TEST(DelegatedAccess, WhoGetsIn) {
  const HttpRequest nobody{.method = "GET", .target = "/", .headers = {}, .body = {}, .peer = {}};
  HttpRequest refused = nobody;
  refused.peer.certificate_refused = true;
  HttpRequest with_both = World::with_token("good"), lower_case = nobody;
  with_both.peer.certificate_refused = true;
  lower_case.headers.add("Authorization", "bearer   good ");
  struct Case {
    const char* name;
    HttpRequest request;
    const char* path;
    int status;
    std::vector<std::string> asked;
  };
  const std::string tokens = "tokenreviews", rights = "subjectaccessreviews";
  const Case cases[] = {
      {"health is open", nobody, "/healthz", 0, {}},
      {"nobody may read metrics", nobody, "/metrics", 403, {rights}},
      {"a good token", World::with_token("good"), "/metrics", 0, {tokens, rights}},
      {"a good token, another path", World::with_token("good"), "/configz", 403, {tokens, rights}},
      {"a bad token", World::with_token("bad"), "/metrics", 401, {tokens}},
      {"a bad token is refused even where everybody may look", World::with_token("bad"), "/healthz", 401, {tokens}},
      {"a certificate", World::with_certificate("alice", {}), "/metrics", 0, {rights}},
      {"a master's certificate", World::with_certificate("root", {"system:masters"}), "/configz", 0, {}},
      {"a certificate that does not verify", refused, "/healthz", 401, {}},
      {"a certificate that does not verify, and a good token", with_both, "/metrics", 0, {tokens, rights}},
      {"the scheme in other letters", lower_case, "/metrics", 0, {tokens, rights}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    World world;
    EXPECT_EQ(world.ask(world.access, c.request, c.path), c.status);
    EXPECT_EQ(world.reviewer.asked, c.asked);
  }
}

TEST(DelegatedAccess, AnswersAreKeptForAWhile) {
  World world;
  EXPECT_EQ(world.ask(world.access, World::with_token("good"), "/metrics"), 0);
  EXPECT_EQ(world.ask(world.access, World::with_token("good"), "/metrics"), 0);
  EXPECT_EQ(world.reviewer.asked.size(), 2u);
  world.executor.advance(11s);
  EXPECT_EQ(world.ask(world.access, World::with_token("good"), "/metrics"), 0);
  EXPECT_EQ(world.reviewer.asked.size(), 4u);
}

// What was said of one is not said of another whose names and groups merely read alike.
TEST(DelegatedAccess, NobodyIsTakenForSomebodyElse) {
  const std::pair<HttpRequest, HttpRequest> alike[] = {
      {World::with_certificate("bob", {"a,b"}), World::with_certificate("bob", {"a", "b"})},
      {World::with_certificate("bob", {"a"}), World::with_certificate("bob\na", {})},
  };
  for (const auto& [one, other] : alike) {
    World world;
    world.ask(world.access, one, "/metrics");
    world.ask(world.access, other, "/metrics");
    EXPECT_EQ(world.reviewer.asked.size(), 2u);
    world.ask(world.access, other, "/metrics");
    EXPECT_EQ(world.reviewer.asked.size(), 2u);
  }
}

TEST(DelegatedAccess, AnApiserverThatIsAwayLetsNobodyIn) {
  World world;
  world.reviewer.away = true;
  EXPECT_EQ(world.ask(world.access, World::with_token("good"), "/metrics"), 500);
  EXPECT_EQ(world.ask(world.access, {.method = "GET", .target = "/", .headers = {}, .body = {}, .peer = {}}, "/healthz"), 0);
}

TEST(DelegatedAccess, WithNobodyToAskOnlyMastersGetIn) {
  World world;
  DelegatedAccess alone(world.options, nullptr, world.executor.clock(), Log());
  EXPECT_EQ(world.ask(alone, World::with_certificate("root", {"system:masters"}), "/metrics"), 0);
  EXPECT_EQ(world.ask(alone, World::with_certificate("alice", {}), "/metrics"), 403);
  EXPECT_EQ(world.ask(alone, World::with_token("good"), "/metrics"), 401);
}

// One who comes through a front proxy is who that says, if it is believed; nobody else is by such headers.
TEST(DelegatedAccess, FrontProxies) {
  const net::FrontProxyOptions believed{.ca_pem = "an authority",
                                        .allowed_names = {"front"},
                                        .username_headers = {"X-Remote-User"},
                                        .uid_headers = {"X-Remote-Uid"},
                                        .group_headers = {"X-Remote-Group"},
                                        .extra_prefixes = {"X-Remote-Extra-"}};
  net::FrontProxyOptions any = believed, none = believed;
  any.allowed_names.clear(), none.ca_pem.clear();
  struct Case {
    const char* name;
    const net::FrontProxyOptions& options;
    std::optional<std::string> proxy;  // whose certificate the connection has
    Headers headers;
    int status;
  };
  const Headers alice{{"x-remote-user", "alice"}}, root{{"X-Remote-User", "r"}, {"X-Remote-Group", "system:masters"}};
  const Case cases[] = {
      {"a user", believed, "front", alice, 0},
      {"another", believed, "front", {{"X-Remote-User", "bob"}}, 403},
      {"a group", believed, "front", root, 0},
      {"no user", believed, "front", {{"X-Remote-Group", "system:masters"}}, 401},
      {"a proxy of another name", believed, "back", alice, 401},
      {"any name", any, "back", alice, 0},
      {"nobody is believed", none, "front", alice, 401},
      {"headers alone", believed, std::nullopt, root, 403},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    World world;
    world.access.set_front_proxy(c.options);
    HttpRequest request{.method = "GET", .target = "/", .headers = c.headers, .body = {}, .peer = {}};
    request.peer.proxy = c.proxy;
    request.peer.certificate_refused = c.proxy.has_value();  // it is none of a client's
    EXPECT_EQ(world.ask(world.access, request, "/metrics"), c.status);
  }
}

TEST(FrontProxy, WhatHeadersSay) {
  const net::FrontProxyOptions options{.ca_pem = "an authority",
                                       .allowed_names = {},
                                       .username_headers = {"X-A", "X-B"},
                                       .uid_headers = {"X-Uid"},
                                       .group_headers = {"X-Group"},
                                       .extra_prefixes = {"X-Extra-"}};
  HttpRequest request{.method = "GET",
                      .target = "/",
                      .headers = {{"x-b", "bob"},
                                  {"X-UID", "7"},
                                  {"x-group", "one"},
                                  {"X-GROUP", "two"},
                                  {"X-Extra-Scopes", "a"},
                                  {"x-extra-scopes", "b"},
                                  {"X-Extra-Example.com%2fPath", "c"},
                                  {"X-Extra-%zz", "d"}},
                      .body = {},
                      .peer = {}};
  request.peer.proxy = "any";
  const auto user = net::proxied_user(request, options);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "bob");
  EXPECT_EQ(user->uid, "7");
  EXPECT_EQ(user->groups, (std::vector<std::string>{"one", "two"}));
  using Extra = std::vector<std::pair<std::string, std::vector<std::string>>>;
  EXPECT_EQ(user->extra, (Extra{{"scopes", {"a", "b"}}, {"example.com/path", {"c"}}, {"%zz", {"d"}}}));
}

TEST(PublishedTrust, OfTheConfigMap) {
  const PublishedTrust trust = read_published_trust({{"client-ca-file", "clients"},
                                                     {"requestheader-client-ca-file", "proxies"},
                                                     {"requestheader-allowed-names", R"(["front-proxy-client"])"},
                                                     {"requestheader-username-headers", R"(["X-Remote-User"])"},
                                                     {"requestheader-group-headers", R"(["X-Remote-Group"])"},
                                                     {"requestheader-extra-headers-prefix", R"(["X-Remote-Extra-"])"}});
  EXPECT_EQ(trust.client_ca, "clients");
  EXPECT_EQ(trust.proxy.ca_pem, "proxies");
  EXPECT_EQ(trust.proxy.allowed_names, std::vector<std::string>{"front-proxy-client"});
  EXPECT_EQ(trust.proxy.username_headers, std::vector<std::string>{"X-Remote-User"});
  EXPECT_TRUE(trust.proxy.uid_headers.empty());
  EXPECT_EQ(trust.proxy.extra_prefixes, std::vector<std::string>{"X-Remote-Extra-"});
  EXPECT_TRUE(read_published_trust({}).client_ca.empty());
  EXPECT_THROW(read_published_trust({{"requestheader-allowed-names", "front"}}), std::runtime_error);
  EXPECT_THROW(read_published_trust({{"requestheader-allowed-names", R"({"a":1})"}}), std::runtime_error);
}

TEST(DelegatedAccess, TokensAndRightsMayBeAskedOfTwo) {
  World world;
  Reviewer second;
  informers::Client rights{second, "test"};
  DelegatedAccess access(world.options, &world.client, &rights, world.executor.clock(), Log());
  EXPECT_EQ(world.ask(access, World::with_token("good"), "/metrics"), 0);
  EXPECT_EQ(world.reviewer.asked, std::vector<std::string>{"tokenreviews"});
  EXPECT_EQ(second.asked, std::vector<std::string>{"subjectaccessreviews"});
  DelegatedAccess no_rights(world.options, &world.client, nullptr, world.executor.clock(), Log());
  EXPECT_EQ(world.ask(no_rights, World::with_token("good"), "/metrics"), 403);
}

}  // namespace
}  // namespace ph::daemon
