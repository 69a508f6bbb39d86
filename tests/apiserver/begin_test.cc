// The first steps of requests on the threads of their connections: what is answered there is what the executor would have answered, and
// never older than what anybody has been told.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "apiserver/rest/begin.h"
#include "tests/apiserver/harness.h"
#include "tests/apiserver/standard_world.h"
#include "tests/base/blocking.h"

namespace ph::apiserver::testing {
namespace {

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

std::string map(const std::string& name, const std::string& value = "x") {
  return fmt::format(R"({{"metadata":{{"name":"{}","labels":{{"v":"{}"}}}},"data":{{"v":"{}"}}}})", name, value, value);
}

// What a thread of the connections would answer; nothing: the executor has to be asked.
template <class World>
std::optional<HttpResponse> at_once(World& world, std::string target,
                                    Identity user = {.name = "admin", .groups = {"system:masters"}}) {
  HttpRequest request = Harness::request("GET", std::move(target));
  request.peer.identity = std::move(user);
  return world.server->begin(request);
}

TEST(Begin, ReadsAreAnsweredWhenSomebodyHasAskedBefore) {
  Harness api;
  api.post(kMaps, map("a"));
  for (const std::string& target : {kMaps + "/a", kMaps}) {
    SCOPED_TRACE(target);
    const Answer asked = api.get(target);
    ASSERT_EQ(asked.status, 200);
    auto answer = at_once(api, target);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(body_text(*answer), asked.body);
  }
  auto missing = at_once(api, kMaps + "/b");
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->status, 404);
}

TEST(Begin, NeverOlderThanWhatWasAnswered) {
  Harness api;
  api.post(kMaps, map("a", "0"));
  int answered = 0;
  for (int i = 1; i < 20; ++i) {
    api.put(kMaps + "/a", map("a", std::to_string(i)));
    for (int k = 0; k < i % 3; ++k) {
      if (auto answer = at_once(api, kMaps + "/a")) {
        ++answered;
        EXPECT_EQ(Json::parse(body_text(*answer))["data"]["v"], std::to_string(i));
      }
    }
    EXPECT_EQ(api.get(kMaps + "/a").json()["data"]["v"], std::to_string(i));
  }
  EXPECT_GT(answered, 0);
  api.remove(kMaps + "/a");
  if (auto answer = at_once(api, kMaps + "/a")) EXPECT_EQ(answer->status, 404);
}

TEST(Begin, WaitsForARevisionOnTheExecutor) {
  Harness api;
  api.post(kMaps, map("a"));
  const std::string revision = api.get(kMaps + "/a").json()["metadata"]["resourceVersion"];
  ASSERT_TRUE(at_once(api, kMaps + "/a?resourceVersion=" + revision).has_value());
  EXPECT_FALSE(at_once(api, kMaps + "/a?resourceVersion=1000000").has_value());
  EXPECT_FALSE(at_once(api, kMaps + "?resourceVersion=1000000").has_value());
}

TEST(Begin, ListsThatGoOnAreTheExecutors) {
  Harness api;
  for (const char* name : {"a", "b", "c"}) api.post(kMaps, map(name));
  api.get(kMaps);
  EXPECT_TRUE(at_once(api, kMaps + "?limit=3").has_value());
  EXPECT_FALSE(at_once(api, kMaps + "?limit=2").has_value());
  const std::string token = api.get(kMaps + "?limit=2").json()["metadata"]["continue"];
  EXPECT_FALSE(at_once(api, kMaps + "?limit=2&continue=" + token).has_value());
}

// An authorizer that can be asked on the executor only: with it nobody is let in before.
class OnTheExecutor final : public Authorizer {
  Decision authorize(const Attributes&) override { return {Decision::Kind::Allow, {}}; }
};

// Each request, sent to a server that may do what it can at once, and to one that does everything on the executor.
TEST(Begin, AnswersAsTheExecutorDoes) {
  Extensions slow;
  slow.authorizer = std::make_unique<OnTheExecutor>();
  Harness quick, other(quiet_options(), std::move(slow));
  const auto compare = [&](HttpRequest request) {
    SCOPED_TRACE(request.method + " " + request.target);
    const Answer here = quick.send(request), there = other.send(std::move(request));
    EXPECT_EQ(here.status, there.status);
    EXPECT_EQ(here.body, there.body);
    std::vector<std::pair<std::string, std::string>> of_here(here.headers.begin(), here.headers.end());
    EXPECT_EQ(of_here, std::vector(there.headers.begin(), there.headers.end()));
  };
  const auto get = [](std::string target, std::string accept = {}) {
    return Harness::request("GET", std::move(target), {}, {}, std::move(accept));
  };
  const auto post = [](const std::string& target, std::string body, std::string type = "application/json") {
    return Harness::request("POST", target, std::move(body), std::move(type));
  };

  compare(post(kMaps, map("a")));
  compare(post(kMaps, map("b", "other")));
  compare(post(kMaps, map("a")));
  compare(post(kMaps, R"({"metadata":{"generateName":"g-"}})"));
  compare(post(kMaps, R"({"metadata":{"name":"c","namespace":"elsewhere"}})"));
  compare(post(kMaps, R"({"metadata":{"name":"c","resourceVersion":"7"}})"));
  compare(post(kMaps, R"({"metadata":{"name":"NOT A NAME"}})"));
  compare(post(kMaps, "{"));
  compare(post(kMaps, "x", "text/plain"));
  compare(post(kMaps + "?fieldValidation=Strict", R"({"metadata":{"name":"c"},"dota":{}})"));
  compare(post(kMaps + "?fieldValidation=Warn", R"({"metadata":{"name":"c"},"dota":{}})"));
  compare(post(kMaps + "?dryRun=All", map("d")));
  compare(post(kMaps + "?dryRun=Some", map("d")));
  compare(post("/api/v1/namespaces/default/endpoints", R"({"metadata":{"name":"e"}})"));
  compare(Harness::request("PUT", kMaps + "/a", map("a", "new"), "application/json"));
  compare(Harness::request("PUT", kMaps + "/zz", map("zz"), "application/json"));
  compare(Harness::request("PUT", kMaps + "/a", map("b"), "application/json"));
  compare(Harness::request("PUT", kMaps + "/a?fieldManager=somebody", map("a", "newer"), "application/json"));
  const auto patch = [](const std::string& target, std::string body, const char* type) {
    return Harness::request("PATCH", target, std::move(body), type);
  };
  const char* const merge = "application/merge-patch+json";
  compare(patch(kMaps + "/a", R"({"data":{"w":"1"}})", merge));
  compare(patch(kMaps + "/a", R"({"data":{"w":"2"}})", merge));
  compare(patch(kMaps + "/a?fieldManager=somebody", R"({"data":{"w":"3"}})", merge));
  compare(patch(kMaps + "/a?fieldValidation=Warn", R"({"dota":{"w":"3"}})", merge));
  compare(patch(kMaps + "/a?fieldValidation=Strict", R"({"dota":{"w":"3"}})", merge));
  compare(patch(kMaps + "/a?dryRun=All", R"({"data":{"w":"4"}})", merge));
  compare(patch(kMaps + "/a", R"({"metadata":{"resourceVersion":"1"}})", merge));
  compare(patch(kMaps + "/a", R"({"metadata":{"uid":"other"}})", merge));
  compare(patch(kMaps + "/a", R"([{"op":"remove","path":"/data/w"}])", "application/json-patch+json"));
  compare(patch(kMaps + "/a", R"([{"op":"remove","path":"/data/w"}])", "application/json-patch+json"));
  compare(patch(kMaps + "/zz", R"({"data":{"w":"1"}})", merge));
  compare(patch(kMaps + "/a/status", R"({"data":{"w":"1"}})", merge));
  compare(post("/api/v1/nodes", R"({"metadata":{"name":"n"},"status":{"phase":"Running"}})"));
  for (const char* ready : {"True", "False", "False"}) {
    compare(patch("/api/v1/nodes/n/status",
                  fmt::format(R"({{"status":{{"conditions":[{{"type":"Ready","status":"{}"}}]}}}})", ready),
                  "application/strategic-merge-patch+json"));
  }
  compare(Harness::request("PUT", "/api/v1/nodes/n/status", R"({"metadata":{"name":"n"},"status":{"phase":"Pending"}})",
                           "application/json"));
  for (int round = 0; round < 2; ++round) {  // the first one may find nothing published
    compare(get(kMaps + "/a"));
    compare(get(kMaps + "/zz"));
    compare(get(kMaps + "/a?pretty=1"));
    compare(get(kMaps + "/a?resourceVersion=nonsense"));
    compare(get(kMaps + "/a?timeout=nonsense"));
    compare(get(kMaps + "/a", "application/vnd.kubernetes.protobuf"));
    compare(get(kMaps + "/a", "application/yaml"));
    compare(get(kMaps + "/a", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"));
    compare(get(kMaps + "/a", "text/html"));
    compare(Harness::request("HEAD", kMaps + "/a"));
    compare(get(kMaps));
    compare(get("/api/v1/configmaps"));
    compare(get(kMaps + "?labelSelector=v%3Dother"));
    compare(get(kMaps + "?labelSelector=%3D%3D"));
    compare(get(kMaps + "?fieldSelector=metadata.name%3Da"));
    compare(get(kMaps + "?fieldSelector=data.v%3Da"));
    compare(get(kMaps + "?limit=1"));
    compare(get(kMaps + "?limit=10"));
    compare(get(kMaps + "?resourceVersion=0"));
    compare(get(kMaps + "?resourceVersion=2&resourceVersionMatch=Exact"));
    compare(get(kMaps + "?continue=nonsense"));
    compare(get("/api/v1/namespaces/default/nonsense"));
    compare(get("/api/v1/namespaces/default/pods/x/nonsense"));
    compare(get("/api/v1/nodes"));
    compare(get("/api/v1/namespaces/default/nodes"));
    compare(get("/apis/events.k8s.io/v1/namespaces/default/events"));
    compare(get("/nothing"));
    compare(Harness::request("POST", "/api/v1/nodes/x", "{}"));
  }
}

TEST(Begin, NobodyIsLetInByWhatHasBeenTakenBack) {
  StandardWorld world;
  const std::string base = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/";
  const Identity jane = StandardWorld::user("jane", {"system:authenticated"});
  ASSERT_EQ(world.post(kMaps, map("a")).status, 201);
  EXPECT_EQ(world.get(kMaps + "/a", jane).status, 403);
  ASSERT_EQ(world
                .post(base + "rolebindings", R"({"metadata":{"name":"view"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",
      "kind":"ClusterRole","name":"view"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"jane"}]})")
                .status,
            201);
  if (auto answer = at_once(world, kMaps + "/a", jane)) EXPECT_EQ(answer->status, 200);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(world.get(kMaps + "/a", jane).status, 200);  // he is let in, and then the object is asked for
  auto answer = at_once(world, kMaps + "/a", jane);
  ASSERT_TRUE(answer.has_value()) << "all of it is published";
  EXPECT_EQ(answer->status, 200);

  ASSERT_EQ(world.send(StandardWorld::request("DELETE", base + "rolebindings/view")).status, 200);
  answer = at_once(world, kMaps + "/a", jane);
  if (answer) EXPECT_EQ(answer->status, 403);
  EXPECT_EQ(world.get(kMaps + "/a", jane).status, 403);
  answer = at_once(world, kMaps + "/a", jane);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 403);
}

TEST(Begin, TokensGoWithTheirAccount) {
  StandardWorld world;
  const std::string accounts = "/api/v1/namespaces/default/serviceaccounts";
  ASSERT_EQ(world.post(accounts, R"({"metadata":{"name":"bot"}})").status, 201);
  const std::string token = world.post(accounts + "/bot/token", R"({"spec":{}})").json()["status"]["token"];
  const auto ask = [&] {
    HttpRequest request = StandardWorld::request("GET", kMaps, {}, std::nullopt);
    request.headers.add("Authorization", "Bearer " + token);
    auto answer = world.server->begin(request);
    return answer ? answer->status : 0;
  };
  EXPECT_EQ(world.with_token(kMaps, token).status, 403);
  EXPECT_EQ(ask(), 403) << "known, but not allowed";
  ASSERT_EQ(world.send(StandardWorld::request("DELETE", accounts + "/bot")).status, 200);
  EXPECT_NE(ask(), 403);
  EXPECT_EQ(world.with_token(kMaps, token).status, 401);
  EXPECT_EQ(ask(), 401);
}

TEST(Begin, WhoWantsToBeSomebodyElseAsksTheExecutor) {
  StandardWorld world;
  world.post(kMaps, map("a"));
  world.get(kMaps + "/a");
  HttpRequest request = StandardWorld::request("GET", kMaps + "/a");
  request.headers.add("Impersonate-User", "jane");
  HttpRequest begun = request;
  EXPECT_FALSE(world.server->begin(begun).has_value());
  EXPECT_EQ(world.send(std::move(begun)).status, 403);
  EXPECT_EQ(world.send(std::move(request)).status, 403);
}

// -- Updates that are made ahead

// The request as it is when it comes to the executor, with or without a draft of what it makes of the object.
HttpRequest begun(Harness& api, HttpRequest request, bool with_draft) {
  EXPECT_FALSE(api.server->begin(request).has_value());
  EXPECT_EQ(std::static_pointer_cast<Begun>(request.begun)->call.draft != nullptr, with_draft);
  return request;
}
HttpRequest labelling(const std::string& name, const std::string& value) {
  return Harness::request("PATCH", kMaps + "/a", fmt::format(R"({{"metadata":{{"labels":{{"{}":"{}"}}}}}})", name, value),
                          "application/merge-patch+json");
}

TEST(BeginUpdates, AreMadeOfWhatIsPublished) {
  Harness api;
  api.post(kMaps, map("a"));
  EXPECT_EQ(api.send(begun(api, labelling("first", "1"), false)).status, 200) << "nothing was published";
  const Answer answer = api.send(begun(api, labelling("second", "2"), true));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()["metadata"]["labels"], Json::object({{"v", "x"}, {"first", "1"}, {"second", "2"}}));
  EXPECT_EQ(api.get(kMaps + "/a").body, answer.body);
}

TEST(BeginUpdates, AreMadeAnewOfWhatHasChanged) {
  Harness api;
  api.post(kMaps, map("a"));
  api.send(labelling("v", "y"));
  HttpRequest early = begun(api, labelling("early", "1"), true);
  EXPECT_EQ(api.send(labelling("late", "2")).status, 200);
  const Answer answer = api.send(std::move(early));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()["metadata"]["labels"], Json::object({{"v", "y"}, {"early", "1"}, {"late", "2"}}));
}

TEST(BeginUpdates, OfAnotherRevisionAreRefused) {
  Harness api;
  api.post(kMaps, map("a"));
  api.send(labelling("v", "y"));
  Json object = api.get(kMaps + "/a").json();
  object["data"]["v"] = "mine";
  HttpRequest early = begun(api, Harness::request("PUT", kMaps + "/a", object.dump(), "application/json"), true);
  EXPECT_EQ(api.send(labelling("late", "2")).status, 200);
  EXPECT_EQ(api.send(std::move(early)).status, 409);
  EXPECT_EQ(api.get(kMaps + "/a").json()["data"]["v"], "x");
  // Without a revision it is what is wanted, whatever came between.
  object["metadata"].erase("resourceVersion");
  early = begun(api, Harness::request("PUT", kMaps + "/a", object.dump(), "application/json"), true);
  EXPECT_EQ(api.send(labelling("later", "3")).status, 200);
  const Answer answer = api.send(std::move(early));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()["data"]["v"], "mine");
  EXPECT_EQ(answer.json()["metadata"]["labels"], Json::object({{"v", "y"}}));
}

TEST(BeginUpdates, WhatCannotBeMadeIsTheExecutorsToRefuse) {
  Harness api;
  api.post(kMaps, map("a"));
  api.send(labelling("v", "y"));
  const auto patch = [&](std::string body, const char* type) {
    return api.send(begun(api, Harness::request("PATCH", kMaps + "/a", std::move(body), type), false)).status;
  };
  EXPECT_EQ(patch(R"([{"op":"test","path":"/data/v","value":"no"}])", "application/json-patch+json"), 422);
  EXPECT_EQ(patch(R"({"metadata":{"name":"b"}})", "application/merge-patch+json"), 400);
  EXPECT_EQ(patch("{", "application/merge-patch+json"), 400);
  EXPECT_EQ(patch("{}", "text/plain"), 415);
}

// A server on a thread of its own, as it is in a program.
struct Server {
  Server() : thread("apiserver", clock) {
    ph::testing::call_on(thread, [&] {
      store = memory_store(thread, clock);
      server = std::make_unique<ApiServer>(thread, rng, *store, Log(), quiet_options());
    });
    ph::testing::run_on(thread, server->start());
  }
  ~Server() {
    ph::testing::call_on(thread, [&] {
      server.reset();
      store.reset();
    });
  }
  // Its status and body, by whichever thread can tell.
  std::pair<int, std::string> ask(HttpRequest request) {
    auto response = server->begin(request);
    if (!response) response = ph::testing::run_on(thread, server->handle(std::move(request)));
    return {response->status, body_text(*response)};
  }

  const SystemClock clock;
  SystemRng rng;
  ThreadExecutor thread;
  std::unique_ptr<Store> store;
  std::unique_ptr<ApiServer> server;
};

// One writes, and says after each answer what it was; others read, and never find less.
TEST(BeginThreads, ReadersSeeWhatWritersWereAnswered) {
  Server server;
  ASSERT_EQ(server.ask(Harness::request("POST", kMaps, map("a", "0"), "application/json")).first, 201);
  constexpr int kWrites = 200;
  std::atomic<int> answered = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (const std::string& target : {kMaps + "/a", kMaps}) {
    readers.emplace_back([&, target] {
      while (answered < kWrites) {
        const int before = answered;
        const auto [status, body] = server.ask(Harness::request("GET", target));
        const Json json = Json::parse(body);
        const Json& object = json.contains("items") ? json["items"].at(0) : json;
        if (status != 200 || std::stoi(object["data"]["v"].get<std::string>()) < before) ++wrong;
      }
    });
  }
  for (int i = 1; i <= kWrites; ++i) {
    const auto [status, body] =
        server.ask(Harness::request("PUT", kMaps + "/a", map("a", std::to_string(i)), "application/json"));
    if (status != 200) ++wrong;
    answered = i;
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace ph::apiserver::testing
