// Who gets past a secure port, and what the apiserver is asked on the way.
#include "daemon/delegated_access.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "authentication/v1.pb.h"
#include "authorization/v1.pb.h"
#include "base/sync.h"
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

}  // namespace
}  // namespace ph::daemon
