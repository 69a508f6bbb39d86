// Auditing at a whole server: which events there are of a request, what they say, and what they never say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include <fmt/format.h>

#include "apiserver/audit/auditor.h"
#include "apiserver/audit/batching.h"
#include "apiserver/audit/webhook_backend.h"
#include "tests/apiserver/scripted_webhooks.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using namespace audit;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

struct Kept final : Lines {
  void write(std::string_view line) override {
    if (broken) throw std::runtime_error("no space left on device");
    lines.emplace_back(line);
  }
  std::vector<std::string> lines;
  bool broken = false;
};

class AuditedWorld {
 public:
  explicit AuditedWorld(const std::string& rules, LogOptions options = {}, const StandardOptions& standard = {})
      : auditor_(read("apiVersion: audit.k8s.io/v1\nkind: Policy\n" + rules), backends(options)),
        world(standard, [this](Extensions& extensions) { extensions.auditor = &auditor_; }) {
    kept->lines.clear();  // what the server does by itself passes no door
  }

  std::vector<json> events() const {
    std::vector<json> out;
    for (const std::string& line : kept->lines) out.push_back(json::parse(line));
    return out;
  }
  // "stage code" of each.
  std::vector<std::string> outline() const {
    std::vector<std::string> out;
    for (const json& event : events()) {
      const int code = event.contains("responseStatus") ? event["responseStatus"].value("code", 0) : 0;
      out.push_back(fmt::format("{} {}", event["stage"].get<std::string>(), code));
    }
    return out;
  }

  std::shared_ptr<Kept> kept = std::make_shared<Kept>();

 private:
  static Policy read(const std::string& text) {
    std::vector<std::string> complaints;
    Policy policy = read_policy(text, complaints);
    EXPECT_THAT(complaints, ElementsAre());
    return policy;
  }
  std::vector<std::unique_ptr<Backend>> backends(LogOptions options) {
    std::vector<std::unique_ptr<Backend>> out;
    out.push_back(log_backend(kept, options, Log()));
    return out;
  }
  const Auditor auditor_;

 public:
  StandardWorld world;
};

HttpRequest of_day(std::string method, std::string target, std::string body = {},
                   std::optional<Identity> who = StandardWorld::admin()) {
  HttpRequest out = StandardWorld::request(std::move(method), std::move(target), std::move(body), std::move(who));
  out.headers.add("User-Agent", "day/1.0");
  out.peer.address = "192.0.2.7:4711";
  return out;
}

void play_day(StandardWorld& world) {
  const Identity jane = StandardWorld::user("jane");
  EXPECT_EQ(world.send(of_day("POST", kMaps, R"({"metadata":{"name":"a"},"data":{"k":"v"}})")).status, 201);
  EXPECT_EQ(world.send(of_day("GET", kMaps + "/a", {}, jane)).status, 403);
  HttpRequest patch = of_day("PATCH", kMaps + "/a", R"({"metadata":{"labels":{"l":"1"}}})");
  patch.headers.set("Content-Type", "application/merge-patch+json");
  EXPECT_EQ(world.send(std::move(patch)).status, 200);
  EXPECT_EQ(world.send(of_day("GET", kMaps)).status, 200);
  EXPECT_EQ(world.send(of_day("GET", kMaps + "?watch=1&timeoutSeconds=1")).status, 200);
  EXPECT_EQ(world
                .send(of_day("POST", "/api/v1/namespaces/default/secrets",
                             R"({"metadata":{"name":"s"},"stringData":{"password":"hunter2"}})"))
                .status,
            201);
  HttpRequest as_jane = of_day("GET", kMaps + "/a");
  as_jane.headers.add("Impersonate-User", "jane");
  EXPECT_EQ(world.send(std::move(as_jane)).status, 403);
  EXPECT_EQ(world.send(of_day("DELETE", kMaps + "/a", R"({"propagationPolicy":"Background"})")).status, 200);
  EXPECT_EQ(world.send(of_day("GET", "/healthz")).status, 200);
  EXPECT_EQ(world.send(of_day("GET", "/version")).status, 200);
  HttpRequest stranger = of_day("GET", kMaps, {}, std::nullopt);
  stranger.headers.add("Authorization", "Bearer nonsense-of-a-token");
  EXPECT_EQ(world.send(std::move(stranger)).status, 401);
}

// What is not the same twice.
std::string normal(std::string line) {
  static const std::regex kUid("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  static const std::regex kTime("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z");
  static const std::regex kRevision(R"("resourceVersion":"[0-9]+")");
  line = std::regex_replace(line, kUid, "UID");
  line = std::regex_replace(line, kTime, "TIME");
  return std::regex_replace(line, kRevision, R"("resourceVersion":"N")");
}

// What a level wants is in tests/data/audit/LEVEL.jsonl.
class AuditDay : public ::testing::TestWithParam<const char*> {};

TEST_P(AuditDay, IsAsItWasWrittenDown) {
  const std::string level = GetParam();
  AuditedWorld audited(fmt::format(R"(omitManagedFields: true
rules:
- level: None
  nonResourceURLs: ["/healthz*"]
- level: {}
  resources: [{{resources: [secrets]}}]
- level: {}
)",
                                   level == "None" ? "None" : "Metadata", level));
  play_day(audited.world);
  std::vector<json> expected;
  if (std::ifstream file("tests/data/audit/" + level + ".jsonl"); file) {
    for (std::string line; std::getline(file, line);) expected.push_back(json::parse(line));
  } else {
    ASSERT_EQ(level, "None") << "run from the top of the tree";
  }
  const std::vector<std::string>& lines = audited.kept->lines;
  ASSERT_EQ(lines.size(), expected.size());
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(json::parse(normal(lines[i])), expected[i]) << i << ": " << lines[i];
  for (const std::string& line : lines) {
    EXPECT_THAT(line, Not(HasSubstr("hunter2")));
    EXPECT_THAT(line, Not(HasSubstr("nonsense-of-a-token")));
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, AuditDay, ::testing::Values("None", "Metadata", "Request", "RequestResponse"));

TEST(Audit, AnEventAsText) {
  AuditedWorld audited("rules: [{level: Metadata}]\nomitStages: [RequestReceived]\n");
  HttpRequest request = of_day("GET", kMaps + "/a");
  request.headers.add("Audit-ID", "mine");
  request.headers.add("X-Forwarded-For", "203.0.113.1, nonsense,2001:db8::1");
  const Reply reply = audited.world.send(std::move(request));
  EXPECT_EQ(reply.headers.get("Audit-Id"), "mine");
  ASSERT_EQ(audited.kept->lines.size(), 1);
  static const std::regex kTime("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z");
  EXPECT_EQ(std::regex_replace(audited.kept->lines[0], kTime, "TIME"),
            R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"mine","stage":"ResponseComplete",)"
            R"("requestURI":"/api/v1/namespaces/default/configmaps/a","verb":"get","user":{"username":"admin",)"
            R"("groups":["system:masters","system:authenticated"]},"sourceIPs":["203.0.113.1","2001:db8::1","192.0.2.7"],)"
            R"("userAgent":"day/1.0","objectRef":{"resource":"configmaps","namespace":"default","name":"a","apiVersion":"v1"},)"
            R"("responseStatus":{"metadata":{},"status":"Failure","message":"configmaps \"a\" not found","reason":"NotFound",)"
            R"("details":{"name":"a","kind":"configmaps"},"code":404},"requestReceivedTimestamp":"TIME","stageTimestamp":"TIME",)"
            R"("annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}})"
            "\n");
}

TEST(Audit, TheLegacyFormatIsWords) {
  AuditedWorld audited("rules: [{level: Metadata}]\nomitStages: [RequestReceived]\n", {.legacy = true});
  HttpRequest request = of_day("GET", kMaps);
  request.headers.add("Audit-ID", "mine");
  audited.world.send(std::move(request));
  ASSERT_EQ(audited.kept->lines.size(), 1);
  EXPECT_THAT(
      audited.kept->lines[0],
      HasSubstr(R"( AUDIT: id="mine" stage="ResponseComplete" ip="192.0.2.7" method="list" user="admin" )"
                R"(groups="system:masters","system:authenticated" as="<self>" asgroups="<lookup>" )"
                R"(user-agent="day/1.0" namespace="default" uri="/api/v1/namespaces/default/configmaps" response="200")"));
}

TEST(Audit, ARequestThatCannotBeWrittenDownIsRefusedIfThatIsAsked) {
  for (const bool strict : {false, true}) {
    AuditedWorld audited("rules: [{level: Metadata}]\n", {.strict = strict});
    audited.kept->broken = true;
    const Reply reply = audited.world.send(of_day("POST", kMaps, R"({"metadata":{"name":"a"}})"));
    EXPECT_EQ(reply.status, strict ? 500 : 201);
    if (strict) EXPECT_THAT(reply.message(), HasSubstr("failed to store audit event"));
    audited.kept->broken = false;
    EXPECT_EQ(audited.world.get(kMaps + "/a").status, strict ? 404 : 200);
  }
}

TEST(Audit, AHeadThatIsRefusedIsAWholeRequestAndOneThatIsNotIsNone) {
  AuditedWorld audited("rules: [{level: Metadata}]\n");
  HttpRequest head = of_day("POST", kMaps, {}, StandardWorld::user("jane"));
  {
    HeadVerdict verdict = audited.world.judge_head(head);
    ASSERT_TRUE(verdict.refusal);
    (void)body_text(*verdict.refusal);
  }
  EXPECT_THAT(audited.outline(), ElementsAre("RequestReceived 0", "ResponseComplete 403"));
  audited.kept->lines.clear();
  EXPECT_FALSE(audited.world.judge_head(of_day("POST", kMaps)).refusal);
  EXPECT_THAT(audited.outline(), ElementsAre());
}

TEST(Audit, ALargeListIsShownWholeWhateverItsForm) {
  AuditedWorld audited("rules: [{level: RequestResponse, verbs: [list]}]\nomitStages: [RequestReceived]\n");
  const std::string much(1000, 'x');
  for (int i = 0; i < 40; ++i) {
    audited.world.post(kMaps, fmt::format(R"({{"metadata":{{"name":"m{}"}},"data":{{"k":"{}"}}}})", i, much));
  }
  for (const char* form : {"application/json", "application/vnd.kubernetes.protobuf", "application/yaml"}) {
    audited.kept->lines.clear();
    EXPECT_EQ(audited.world.get_as(kMaps, form).status, 200);
    const std::vector<json> events = audited.events();
    ASSERT_EQ(events.size(), 1) << form;
    EXPECT_EQ(events[0]["responseObject"]["kind"], "ConfigMapList") << form;
    EXPECT_EQ(events[0]["responseObject"]["items"].size(), 40) << form;
  }
}

TEST(Audit, ProtobufIsShownAsJson) {
  AuditedWorld audited("rules: [{level: RequestResponse}]\nomitStages: [RequestReceived]\n");
  EXPECT_EQ(audited.world.get_as(kMaps + "/a", "application/vnd.kubernetes.protobuf").status, 404);
  EXPECT_EQ(audited.events().at(0)["responseObject"]["reason"], "NotFound");
  EXPECT_EQ(audited.events().at(0)["responseStatus"]["reason"], "NotFound");
}

TEST(Audit, WhatIsTooLargeLosesItsObjectsOrIsLeftOut) {
  LogOptions options;
  options.truncation = {.enabled = true, .event_bytes = 1500};
  AuditedWorld audited("rules: [{level: Request}]\nomitStages: [RequestReceived]\n", options);
  audited.world.post(kMaps, fmt::format(R"({{"metadata":{{"name":"a"}},"data":{{"k":"{}"}}}})", std::string(3000, 'x')));
  ASSERT_EQ(audited.kept->lines.size(), 1);
  EXPECT_FALSE(audited.events()[0].contains("requestObject"));
  EXPECT_EQ(audited.events()[0]["annotations"]["audit.k8s.io/truncated"], "true");
  audited.world.get(kMaps + "?fieldManager=" + std::string(3000, 'x'));
  EXPECT_EQ(audited.kept->lines.size(), 1);
}

TEST(Audit, WebhooksAddAnnotations) {
  for (const char* level : {"Metadata", "Request"}) {
    ScriptedWebhooks script;
    StandardOptions standard;
    standard.webhooks = script.transports();
    script.at("https://one", [](const json& review) {
      json more = {{"auditAnnotations", {{"seen", "yes"}}}, {"patchType", "JSONPatch"}};
      std::string patch;
      api::append_base64(R"([{"op": "add", "path": "/data", "value": {"more": "1"}}])", patch);
      more["patch"] = patch;
      return allow(review, more);
    });
    AuditedWorld audited(
        fmt::format("rules: [{{level: {}, resources: [{{resources: [configmaps]}}]}}]\nomitStages: [RequestReceived]\n", level),
        {}, standard);
    const auto hook = [](const char* name, const char* url) {
      return json{
          {"name", name},
          {"clientConfig", {{"url", url}}},
          {"failurePolicy", "Ignore"},
          {"rules", {{{"operations", {"*"}}, {"apiGroups", {""}}, {"apiVersions", {"v1"}}, {"resources", {"configmaps"}}}}},
          {"sideEffects", "None"},
          {"admissionReviewVersions", {"v1"}}};
    };
    const json configuration = {
        {"kind", "MutatingWebhookConfiguration"},
        {"apiVersion", "admissionregistration.k8s.io/v1"},
        {"metadata", {{"name", "m"}}},
        {"webhooks", {hook("one.example.com", "https://one/"), hook("two.example.com", "https://nobody/")}}};
    ASSERT_EQ(
        audited.world.post("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", configuration.dump()).status,
        201);
    ASSERT_EQ(audited.world.post(kMaps, R"({"metadata":{"name":"a"}})").status, 201);
    ASSERT_EQ(audited.events().size(), 1);
    json expected = {{"authorization.k8s.io/decision", "allow"},
                     {"authorization.k8s.io/reason", ""},
                     {"one.example.com/seen", "yes"},
                     {"mutation.webhook.admission.k8s.io/round_0_index_0",
                      R"({"configuration":"m","webhook":"one.example.com","mutated":true})"},
                     {"mutation.webhook.admission.k8s.io/round_0_index_1",
                      R"({"configuration":"m","webhook":"two.example.com","mutated":false})"},
                     {"failed-open.mutation.webhook.admission.k8s.io/round_0_index_1", "two.example.com"}};
    if (level == std::string("Request")) {
      expected["patch.webhook.admission.k8s.io/round_0_index_0"] =
          R"({"configuration":"m","webhook":"one.example.com","patch":[{"op":"add","path":"/data","value":{"more":"1"}}],)"
          R"("patchType":"JSONPatch"})";
    }
    EXPECT_EQ(audited.events()[0]["annotations"], expected) << level;
  }
}

TEST(Audit, WhoseClientHasGoneHasAnEnd) {
  const auto kept = std::make_shared<Kept>();
  std::vector<std::unique_ptr<Backend>> backends;
  backends.push_back(log_backend(kept, {}, Log()));
  const Auditor auditor({}, std::move(backends));
  const sim::SimExecutor executor;
  {
    Trail trail(auditor, {.level = Level::Metadata}, {});
  }
  EXPECT_THAT(kept->lines, ElementsAre()) << "nothing has been told of it";
  {
    Trail trail(auditor, {.level = Level::Metadata}, {});
    trail.begun(executor.clock());
    trail.answered();
  }
  EXPECT_THAT(kept->lines, ElementsAre());
  {
    Trail trail(auditor, {.level = Level::Metadata}, {});
    trail.begun(executor.clock());
  }
  ASSERT_EQ(kept->lines.size(), 1);
  const json event = json::parse(kept->lines[0]);
  EXPECT_EQ(event["stage"], "ResponseComplete");
  EXPECT_EQ(event["responseStatus"],
            (json{{"metadata", json::object()}, {"status", "Success"}, {"message", "Connection closed early"}, {"code", 200}}));
}

// -- Batches

EventRef event(const std::string& id) {
  auto out = std::make_shared<Event>();
  out->level = Level::Metadata;
  out->id = id;
  return out;
}

struct Batches {
  std::unique_ptr<Backend> make(Executor& executor, BatchOptions options) {
    return batching(
        executor, options, [this](Events events) { return take(std::move(events)); },
        [this](const Events& events) { left = events.size(); }, false, Log());
  }
  Task<void> take(Events events) {
    sizes.push_back(events.size());
    co_await sleep_for(slow);
  }
  std::vector<std::size_t> sizes;
  std::size_t left = 0;
  Duration slow{};
};

TEST(AuditBatches, GoWhenTheyAreFullOrOldEnough) {
  sim::SimExecutor executor;
  Batches batches;
  auto backend = batches.make(executor, {.buffer = 100, .batch_max = 3, .wait_max = 10s, .throttled = false});
  for (int i = 0; i < 7; ++i) backend->take(event("e"));
  executor.drain();
  EXPECT_THAT(batches.sizes, ElementsAre(3, 3));
  executor.advance(9s);
  EXPECT_THAT(batches.sizes, ElementsAre(3, 3));
  executor.advance(2s);
  EXPECT_THAT(batches.sizes, ElementsAre(3, 3, 1));
}

TEST(AuditBatches, HaveARateAndABuffer) {
  sim::SimExecutor executor;
  Batches batches;
  auto backend =
      batches.make(executor, {.buffer = 5, .batch_max = 1, .wait_max = 0s, .throttled = true, .per_second = 1, .burst = 2});
  executor.drain();
  for (int i = 0; i < 9; ++i) backend->take(event("e"));
  executor.drain();
  EXPECT_THAT(batches.sizes, ElementsAre(1, 1)) << "a burst";
  executor.advance(10s);
  EXPECT_THAT(batches.sizes, ElementsAre(1, 1, 1, 1, 1)) << "what did not fit into the buffer is lost";
}

TEST(AuditBatches, WhatIsLeftAtTheEndIsNotForgotten) {
  sim::SimExecutor executor;
  Batches batches;
  auto backend = batches.make(executor, {.buffer = 5, .batch_max = 3, .wait_max = 10s, .throttled = false});
  for (int i = 0; i < 2; ++i) backend->take(event("e"));
  executor.drain();
  backend.reset();
  EXPECT_EQ(batches.left, 2);
}

// -- The webhook

class Scripted final : public Transport {
 public:
  Task<HttpResponse> send(HttpRequest request, bool) override {
    requests.push_back(std::move(request));
    const int status = answers.empty() ? 200 : answers.front();
    if (!answers.empty()) answers.erase(answers.begin());
    if (status == 0) throw TransportError("connection refused");
    co_return HttpResponse{.status = status};
  }
  std::vector<HttpRequest> requests;
  std::vector<int> answers;  // 0: none
};

TEST(AuditWebhook, IsSentListsAndAskedAgain) {
  sim::SimExecutor executor;
  SeededRng rng(1);
  const auto transport = std::make_shared<Scripted>();
  transport->answers = {0, 500, 429, 200};
  WebhookOptions options{.host = "audit.example.com", .target = "/events", .token = "secret"};
  options.batch.wait_max = 1s;
  auto backend = webhook_backend(executor, rng, transport, options, Log());
  backend->take(event("one"));
  backend->take(event("two"));
  executor.advance(5s);
  ASSERT_EQ(transport->requests.size(), 1);
  executor.advance(10min);
  EXPECT_EQ(transport->requests.size(), 4);
  const HttpRequest& last = transport->requests.back();
  EXPECT_EQ(last.method + " " + last.target, "POST /events");
  EXPECT_EQ(last.headers.get("Authorization"), "Bearer secret");
  const json list = json::parse(last.body);
  EXPECT_EQ(list["kind"], "EventList");
  EXPECT_EQ(list["apiVersion"], "audit.k8s.io/v1");
  ASSERT_EQ(list["items"].size(), 2);
  EXPECT_EQ(list["items"][1]["auditID"], "two");
  EXPECT_FALSE(list["items"][1].contains("kind"));
}

TEST(AuditWebhook, WhatIsRefusedForGoodIsNotSentAgain) {
  sim::SimExecutor executor;
  SeededRng rng(1);
  const auto transport = std::make_shared<Scripted>();
  transport->answers = {400};
  WebhookOptions options{.host = "audit.example.com", .target = "/"};
  options.batch.wait_max = 0s;
  auto backend = webhook_backend(executor, rng, transport, options, Log());
  backend->take(event("one"));
  executor.advance(10min);
  EXPECT_EQ(transport->requests.size(), 1);
}

}  // namespace
}  // namespace ph::apiserver::testing
