// What is said of a request before its body has come: the same as would be said of it whole.
#include <gtest/gtest.h>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

const char* const kMaps = "/api/v1/namespaces/default/configmaps";

TEST(RestHead, WhoMayNotIsRefusedBeforeHisBody) {
  StandardWorld world;
  struct Case {
    const char* name;
    std::optional<Identity> who;
    const char* method;
    const char* target;
    Headers headers;
    int status;  // 0: the body is wanted
  };
  const Case kCases[] = {
      {"anonymous", std::nullopt, "POST", kMaps, {}, 403},
      {"a bad token", std::nullopt, "POST", kMaps, {{"Authorization", "Bearer nobody"}}, 401},
      {"somebody without rights", StandardWorld::user("joe"), "PUT", "/api/v1/namespaces/default/configmaps/a", {}, 403},
      {"impersonation without rights", StandardWorld::user("joe"), "POST", kMaps, {{"Impersonate-User", "admin"}}, 403},
      {"a path that is none", StandardWorld::user("joe"), "POST", "/api/v1/watch", {}, 400},
      {"a body for nothing", std::nullopt, "GET", "/api/v1/pods", {}, 403},
      {"too long by its own word", StandardWorld::admin(), "POST", kMaps, {{"Content-Length", "3145729"}}, 413},
      {"too long, of somebody without rights", StandardWorld::user("joe"), "POST", kMaps, {{"Content-Length", "3145729"}}, 403},
      {"somebody with rights", StandardWorld::admin(), "POST", kMaps, {{"Content-Length", "3145728"}}, 0},
      {"what everybody may",
       StandardWorld::user("joe", {"system:authenticated"}),
       "POST",
       "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
       {},
       0},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    HttpRequest head = StandardWorld::request(c.method, c.target, {}, c.who);
    for (const auto& [name, value] : c.headers) head.headers.add(name, value);
    HeadVerdict verdict = world.judge_head(head);
    if (c.status == 0) {
      EXPECT_FALSE(verdict.refusal);
      EXPECT_EQ(verdict.user, c.who->name);
      continue;
    }
    ASSERT_TRUE(verdict.refusal);
    EXPECT_EQ(verdict.refusal->status, c.status);
    EXPECT_TRUE(verdict.refusal->headers.has("Audit-Id"));
    std::string body;
    for (const SharedBytes& piece : verdict.refusal->body) body += *piece;
    if (c.status == 413) head.body = std::string((3 << 20) + 1, 'x');
    if (c.status != 413 || c.who->name == "admin") {
      const Reply whole = world.send(head);
      EXPECT_EQ(whole.status, c.status);
      EXPECT_EQ(whole.body, body);
    }
  }
}

TEST(RestHead, OnlyRefusalsAreCounted) {
  StandardWorld world;
  const auto counted = [&](const std::string& what) {
    const std::string text = world.get("/metrics").body;
    double sum = 0;
    for (std::size_t at = 0; (at = text.find("\n" + what, at)) != text.npos; ++at)
      sum += std::stod(text.substr(text.find("} ", at) + 2));
    return sum;
  };
  const std::string refused = R"(apiserver_request_total{code="403")";
  const double before = counted(refused), denied = counted(R"(authorization_attempts_total{result="denied")");
  world.judge_head(StandardWorld::request("POST", kMaps, {}, std::nullopt));
  EXPECT_EQ(counted(refused), before + 1);
  EXPECT_EQ(counted(R"(authorization_attempts_total{result="denied")"), denied + 1);
  const double allowed = counted(R"(authorization_attempts_total{result="allowed")");
  world.judge_head(StandardWorld::request("POST", kMaps));
  EXPECT_EQ(counted(R"(authorization_attempts_total{result="allowed")"), allowed + 1) << "that of the scrape itself";
}

}  // namespace
}  // namespace ph::apiserver::testing
