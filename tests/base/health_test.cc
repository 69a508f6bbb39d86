#include "base/health.h"

#include <gtest/gtest.h>

namespace ph {
namespace {

std::optional<std::string> fine() { return std::nullopt; }
std::optional<std::string> broken() { return "it broke"; }

const std::vector<HealthCheck> kWell{{"ping", fine}, {"a/b", fine}, {.name = "ready", .problem = fine, .ready_only = true}};
const std::vector<HealthCheck> kIll{{"ping", fine}, {"a/b", broken}};

struct Case {
  const char* name;
  const std::vector<HealthCheck>& checks;
  const char* target;
  int status;  // 0: not answered
  const char* body;
};

const Case kCases[] = {
    {"all is well", kWell, "/healthz", 200, "ok"},
    {"verbose", kWell, "/livez?verbose", 200, "[+]ping ok\n[+]a/b ok\nlivez check passed\n"},
    {"readyz asks more", kWell, "/readyz?verbose=true", 200, "[+]ping ok\n[+]a/b ok\n[+]ready ok\nreadyz check passed\n"},
    {"a single check", kWell, "/livez/a/b", 200, "ok"},
    {"a check of another endpoint", kWell, "/livez/ready", 0, ""},
    {"an unknown check", kWell, "/livez/nonsense", 0, ""},
    {"another path", kWell, "/health", 0, ""},
    {"one fails", kIll, "/readyz", 500, "[+]ping ok\n[-]a/b failed: reason withheld\nreadyz check failed\n"},
    {"the failing one is left out", kIll, "/readyz?exclude=a%2Fb", 200, "ok"},
    {"the failing one alone", kIll, "/readyz/a/b", 500, "internal server error: it broke\n"},
};

TEST(Health, Checks) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const auto answer = answer_health(c.checks, {.method = "GET", .target = c.target});
    ASSERT_EQ(answer ? answer->status : 0, c.status);
    if (answer) EXPECT_EQ(*answer->body.at(0), c.body);
  }
}

TEST(Health, AnswersAreCounted) {
  Metrics metrics;
  const HealthMetrics counted{&metrics};
  bool well = true;
  const std::vector<HealthCheck> checks{healthy("ping"), {"disk", [&]() -> std::optional<std::string> {
                                                            if (well) return std::nullopt;
                                                            return "full";
                                                          }}};
  const auto ask = [&](std::string target) {
    HttpRequest request;
    request.method = "GET";
    request.target = std::move(target);
    answer_health(checks, request, &counted);
  };
  ask("/readyz");
  well = false;
  ask("/readyz");
  ask("/livez/ping");
  const std::string text = metrics.render();
  for (const char* line :
       {"kubernetes_healthcheck{name=\"disk\",type=\"readyz\"} 0\n", "kubernetes_healthcheck{name=\"ping\",type=\"readyz\"} 1\n",
        "kubernetes_healthchecks_total{name=\"disk\",status=\"error\",type=\"readyz\"} 1\n",
        "kubernetes_healthchecks_total{name=\"disk\",status=\"success\",type=\"readyz\"} 1\n",
        "kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"livez\"} 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace ph
