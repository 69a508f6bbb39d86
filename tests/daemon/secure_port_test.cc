// What a secure port shows, without its socket: health, /metrics/slis, and the pages in the forms that clients ask for.
#include "daemon/secure_port.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "base/sync.h"
#include "tests/sim/executor.h"

namespace ph::daemon {
namespace {

using nlohmann::json;
using testing::HasSubstr;

struct Reply {
  int status = 0;
  Headers headers;
  std::string body;
};

struct World {
  sim::SimExecutor executor;
  ServingOptions options;
  DelegatedAccess access{options, nullptr, executor.clock(), Log()};
  bool well = true;
  PortHandler handler{
      access,
      {healthy("ping"), {.name = "lease", .problem = [this] { return well ? std::optional<std::string>() : "lost"; }}},
      {flagz_page("kube-thing", [] { return FlagValues{{"secure-port", "1"}, {"bind-address", "::1"}}; }),
       statusz_page("kube-thing", "v1.36.2+pilothouse", executor.clock(), {"/metrics", "/flagz"}),
       {.path = "/debug/ask", .answer = [](const HttpRequest& request) { return echoed(request); }, .posts = true}},
      {}};
  static Task<HttpResponse> echoed(const HttpRequest& request) {
    co_return text_response(200, "text/plain", request.method + " " + std::string(request.query()) + " " + request.body);
  }

  Reply get(std::string target, std::string accept = {}, std::string method = "GET", std::string body = {}) {
    HttpRequest request{
        .method = std::move(method), .target = std::move(target), .headers = {}, .body = std::move(body), .peer = {}};
    if (!accept.empty()) request.headers.add("Accept", std::move(accept));
    request.peer.identity = Identity{.name = "root", .uid = {}, .groups = {"system:masters"}, .extra = {}};
    Reply reply;
    Scope scope(executor);
    scope.spawn([](PortHandler& handler, HttpRequest request, Reply& reply) -> Task<void> {
      HttpResponse response = co_await handler.handle(std::move(request));
      reply.status = response.status;
      reply.headers = response.headers;
      for (const SharedBytes& piece : response.body) reply.body += *piece;
    }(handler, std::move(request), reply));
    executor.drain();
    return reply;
  }
};

TEST(SecurePort, SlisShowWhatHealthChecksAnswered) {
  World world;
  EXPECT_THAT(world.get("/metrics/slis").body, testing::Not(HasSubstr("kubernetes_healthcheck{")));
  EXPECT_EQ(world.get("/healthz").status, 200);
  world.well = false;
  EXPECT_EQ(world.get("/healthz").status, 500);
  EXPECT_EQ(world.get("/readyz/ping").status, 200);
  const Reply slis = world.get("/metrics/slis");
  EXPECT_EQ(slis.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line :
       {"# HELP kubernetes_healthcheck [STABLE] ", "# TYPE kubernetes_healthcheck gauge\n",
        "kubernetes_healthcheck{name=\"ping\",type=\"healthz\"} 1\n",
        "kubernetes_healthcheck{name=\"lease\",type=\"healthz\"} 0\n",
        "kubernetes_healthcheck{name=\"ping\",type=\"readyz\"} 1\n", "# TYPE kubernetes_healthchecks_total counter\n",
        "kubernetes_healthchecks_total{name=\"lease\",status=\"error\",type=\"healthz\"} 1\n",
        "kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"healthz\"} 2\n"}) {
    EXPECT_THAT(slis.body, HasSubstr(line));
  }
}

TEST(SecurePort, OnlyPagesThatTakeThemArePostedTo) {
  World world;
  EXPECT_EQ(world.get("/debug/ask?a=b", {}, "POST", "a question").body, "POST a=b a question");
  EXPECT_EQ(world.get("/debug/ask", {}, "GET").body, "GET  ");
  EXPECT_EQ(world.get("/debug/ask", {}, "PUT").status, 405);
  EXPECT_EQ(world.get("/flagz", {}, "POST").status, 405);
  EXPECT_EQ(world.get("/healthz", {}, "POST").status, 405);
  EXPECT_EQ(world.get("/none", {}, "POST").status, 405);
}

TEST(SecurePort, PagesHaveTheFormThatIsAskedFor) {
  struct Case {
    const char* name;
    std::string accept;
    std::string form;  // the Content-Type, or 406
    const char* version = "";
    bool deprecated = false;
  };
  const std::string text = "text/plain; charset=utf-8", js = "application/json", yaml = "application/yaml";
  const auto as = [](const std::string& type, const char* version) {
    return type + ";v=" + version + ";g=config.k8s.io;as=KIND";
  };
  const Case cases[] = {
      {"nothing", "", text},
      {"text", "text/plain", text},
      {"anything", "*/*", text},
      {"any text", "text/*", text},
      {"json", as(js, "v1beta1"), js, "v1beta1"},
      {"yaml", as(yaml, "v1beta1"), yaml, "v1beta1"},
      {"an old version", as(js, "v1alpha1"), js, "v1alpha1", true},
      {"the old version first", as(js, "v1alpha1") + "," + as(js, "v1beta1"), js, "v1alpha1", true},
      {"the new version first", as(js, "v1beta1") + "," + as(js, "v1alpha1"), js, "v1beta1"},
      {"an unknown version, then anything", as(js, "foo") + ",*/*", text},
      {"an unknown version", as(js, "foo"), "406"},
      {"json of no kind", js, "406"},
      {"json without as", js + ";v=v1beta1;g=config.k8s.io", "406"},
      {"another kind", js + ";v=v1beta1;g=config.k8s.io;as=Table", "406"},
      {"protobuf", as("application/vnd.kubernetes.protobuf", "v1beta1"), "406"},
      {"xml", "application/xml", "406"},
  };
  for (const auto& [path, kind] : {std::pair("/flagz", "Flagz"), std::pair("/statusz", "Statusz")}) {
    for (const Case& c : cases) {
      SCOPED_TRACE(std::string(path) + ": " + c.name);
      World world;
      std::string accept = c.accept;
      for (std::size_t at; (at = accept.find("KIND")) != std::string::npos;) accept.replace(at, 4, kind);
      const Reply reply = world.get(path, accept);
      if (c.form == "406") {
        EXPECT_EQ(reply.status, 406);
        EXPECT_EQ(json::parse(reply.body)["message"],
                  "only the following media types are accepted: application/json, application/yaml, "
                  "application/vnd.kubernetes.protobuf, text/plain");
        continue;
      }
      EXPECT_EQ(reply.status, 200);
      EXPECT_EQ(reply.headers.get("content-type"), c.form);
      EXPECT_EQ(reply.headers.has("Warning"), c.deprecated);
      if (c.form == js) EXPECT_EQ(json::parse(reply.body)["apiVersion"], std::string("config.k8s.io/") + c.version);
      if (c.form == yaml) EXPECT_THAT(reply.body, HasSubstr(std::string("kind: ") + kind + "\n"));
      if (c.form == text)
        EXPECT_TRUE(reply.body.starts_with("\nkube-thing " + std::string(path).substr(1) +
                                           "\nWarning: This endpoint is not meant to be machine parseable"))
            << reply.body;
    }
  }
}

TEST(SecurePort, Flagz) {
  World world;
  const Reply text = world.get("/flagz");
  EXPECT_THAT(text.body, HasSubstr("purposes only.\n\nbind-address=::1\nsecure-port=1\n"));
  EXPECT_EQ(json::parse(world.get("/flagz", "application/json;v=v1beta1;g=config.k8s.io;as=Flagz").body),
            json::parse(R"({"kind": "Flagz", "apiVersion": "config.k8s.io/v1beta1", "metadata": {"name": "kube-thing"},
                            "flags": {"bind-address": "::1", "secure-port": "1"}})"));
  EXPECT_EQ(world.get("/flagz", {}, "POST").status, 405);
}

TEST(SecurePort, Statusz) {
  World world;
  const std::string started = world.get("/statusz").body;
  world.executor.advance(3725s);
  const std::string later = world.get("/statusz").body;
  EXPECT_THAT(
      started,
      HasSubstr(
          "\nUp: 0 hr 00 min 00 sec\nBinary version: 1.36.2+pilothouse\nEmulation version: 1.36\nPaths: /flagz /metrics\n"));
  EXPECT_THAT(later, HasSubstr("\nUp: 1 hr 02 min 05 sec\n"));
  EXPECT_THAT(later, testing::ContainsRegex("\nStarted: [A-Z][a-z][a-z] [A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]+ UTC [0-9]+\n"));
  const json status = json::parse(world.get("/statusz", "application/json;v=v1beta1;g=config.k8s.io;as=Statusz").body);
  EXPECT_EQ(status["kind"], "Statusz");
  EXPECT_EQ(status["uptimeSeconds"], 3725);
  EXPECT_EQ(status["binaryVersion"], "1.36.2+pilothouse");
  EXPECT_EQ(status["emulationVersion"], "1.36");
  EXPECT_EQ(status["paths"], json::parse(R"(["/flagz", "/metrics"])"));
}

}  // namespace
}  // namespace ph::daemon
