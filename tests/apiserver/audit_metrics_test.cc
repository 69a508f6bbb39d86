// What auditing counts.
#include <gmock/gmock.h>

#include "apiserver/audit/auditor.h"
#include "apiserver/audit/batching.h"
#include "apiserver/audit/webhook_backend.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::audit {
namespace {

using apiserver::testing::Reply;
using apiserver::testing::StandardWorld;
using ::testing::HasSubstr;
using ::testing::Not;

class Full final : public Lines {
 public:
  void write(std::string_view) override {
    if (full) throw std::runtime_error("no space left on device");
  }
  bool full = false;
};

Policy policy() {
  std::vector<std::string> complaints;
  return read_policy(R"(
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  nonResourceURLs: ["/version"]
- level: Request
  verbs: [create]
- level: Metadata
)",
                     complaints);
}

EventRef event(const std::string& id) {
  auto out = std::make_shared<Event>();
  out->level = Level::Metadata;
  out->id = id;
  return out;
}

TEST(AuditMetrics, OfRequests) {
  Metrics metrics;
  const auto lines = std::make_shared<Full>();
  std::vector<std::unique_ptr<Backend>> backends;
  backends.push_back(log_backend(lines, {.strict = true, .errors = errors_of(&metrics, "log")}, Log()));
  const Auditor auditor(policy(), std::move(backends), &metrics);
  StandardWorld world({}, [&auditor](Extensions& extensions) { extensions.auditor = &auditor; });
  const std::string maps = "/api/v1/namespaces/default/configmaps";
  ASSERT_EQ(world.post(maps, R"({"metadata":{"name":"a"}})").status, 201);
  ASSERT_EQ(world.get(maps + "/a").status, 200);
  ASSERT_EQ(world.get(maps + "/b").status, 404);
  ASSERT_EQ(world.get("/version").status, 200);
  std::string text = metrics.render();
  EXPECT_THAT(text, HasSubstr("apiserver_audit_event_total 6\n")) << "two each";
  EXPECT_THAT(text, HasSubstr("apiserver_audit_level_total{level=\"None\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("apiserver_audit_level_total{level=\"Metadata\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("apiserver_audit_level_total{level=\"Request\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("apiserver_audit_error_total{plugin=\"log\"} 1\n")));
  lines->full = true;
  EXPECT_EQ(world.get(maps).status, 500);
  text = metrics.render();
  EXPECT_THAT(text, HasSubstr("apiserver_audit_requests_rejected_total 1\n"));
  EXPECT_THAT(text, HasSubstr("apiserver_audit_error_total{plugin=\"log\"} 2\n")) << "that it came, and how it ended";
}

TEST(AuditMetrics, OfWhatIsLost) {
  Metrics metrics;
  sim::SimExecutor executor;
  const auto full = batching(
      executor, {.buffer = 2, .wait_max = 1h, .throttled = false, .errors = errors_of(&metrics, "buffered<log>")},
      [](Events) -> Task<void> { co_return; }, nullptr, false, Log());
  for (int i = 0; i < 5; ++i) full->take(event("e"));
  EXPECT_THAT(metrics.render(), HasSubstr("apiserver_audit_error_total{plugin=\"buffered<log>\"} 3\n"));

  class Refusing final : public Transport {
   public:
    Task<HttpResponse> send(HttpRequest, bool) override { co_return HttpResponse{.status = 400}; }
  };
  SeededRng rng(1);
  WebhookOptions options{.host = "audit.example.com", .target = "/"};
  options.batch.wait_max = 0s;
  options.errors = errors_of(&metrics, "webhook");
  const auto webhook = webhook_backend(executor, rng, std::make_shared<Refusing>(), std::move(options), Log());
  webhook->take(event("one"));
  executor.advance(1min);
  EXPECT_THAT(metrics.render(), HasSubstr("apiserver_audit_error_total{plugin=\"webhook\"} 1\n"));
}

}  // namespace
}  // namespace ph::apiserver::audit
