// Doors that wait: who asks, whether he may, and what the cluster makes of the object may be known later than at once. What was
// true before a wait is judged again after it.
#include <gtest/gtest.h>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

const char* const kMaps = "/api/v1/namespaces/default/configmaps";

// Where requests wait while it is shut.
struct Gate {
  bool shut = false;
  int asked = 0, waiting = 0;
  Event opened;

  Soon<> pass() {
    ++asked;
    if (!shut) return {};
    opened.reset();
    return wait(this);
  }
  void open() {
    shut = false;
    opened.set();
  }
  static Task<void> wait(Gate* gate) {
    struct Waiting {
      Gate* gate;
      ~Waiting() { --gate->waiting; }
    } here{gate};
    ++gate->waiting;
    co_await gate->opened.wait();
  }
};

// Each door asks the standard one behind it when its gate is open.
class SlowAuthenticator final : public Authenticator {
 public:
  SlowAuthenticator(Gate& gate, std::unique_ptr<Authenticator> behind) : gate_(gate), behind_(std::move(behind)) {}
  Soon<std::optional<Identity>> authenticate_soon(const HttpRequest& request) override {
    return then(gate_.pass(), [this, &request] { return behind_->authenticate_soon(request); });
  }

 private:
  Gate& gate_;
  const std::unique_ptr<Authenticator> behind_;
};

class SlowAuthorizer final : public Authorizer {
 public:
  SlowAuthorizer(Gate& gate, std::unique_ptr<Authorizer> behind) : gate_(gate), behind_(std::move(behind)) {}
  Soon<Decision> authorize_soon(Attributes attributes) override {
    return then(gate_.pass(), [this, attributes] { return behind_->authorize_soon(attributes); });
  }

 private:
  Gate& gate_;
  const std::unique_ptr<Authorizer> behind_;
};

class SlowAdmission final : public AdmissionPlugin {
 public:
  SlowAdmission(Gate& admits, Gate& validates) : admits_(admits), validates_(validates) {}
  std::string_view name() const override { return "Slow"; }
  Soon<> admit_soon(AdmissionRequest& request) override {
    return then(admits_.pass(), [&request] {
      if (request.object) (*request.object->mutable_metadata().mutable_labels())["slow"] = "seen";
    });
  }
  Soon<> validate_soon(const AdmissionRequest&) override { return validates_.pass(); }

 private:
  Gate& admits_;
  Gate& validates_;
};

struct Doors : ::testing::Test {
  Gate authentication, authorization, admission, validation;
  StandardWorld world{{}, [this](Extensions& extensions) {
                        extensions.authenticator =
                            std::make_unique<SlowAuthenticator>(authentication, std::move(extensions.authenticator));
                        extensions.authorizer = std::make_unique<SlowAuthorizer>(authorization, std::move(extensions.authorizer));
                        extensions.admission.push_back(std::make_unique<SlowAdmission>(admission, validation));
                      }};

  static HttpRequest request(std::string method, std::string target, const json& body = nullptr) {
    HttpRequest out = StandardWorld::request(method, std::move(target), body.is_null() ? std::string() : body.dump());
    if (method == "PATCH") out.headers.set("Content-Type", "application/merge-patch+json");
    return out;
  }
  static json map(const std::string& name, const std::string& value) {
    return {{"metadata", {{"name", name}}}, {"data", {{"v", value}}}};
  }
  static std::string map_at(const std::string& name) { return std::string(kMaps) + "/" + name; }
  // What is answered to `request` that has to wait at `gate` while `meanwhile` happens.
  template <class F>
  Reply delayed(Gate& gate, HttpRequest request, F meanwhile) {
    gate.shut = true;
    const auto reply = world.start(std::move(request));
    EXPECT_FALSE(*reply);
    EXPECT_EQ(gate.waiting, 1);
    gate.shut = false;
    meanwhile();
    gate.open();
    world.executor.drain();
    return reply->value_or(Reply{});
  }
};

TEST_F(Doors, EachMayWait) {
  Gate* const gates[] = {&authentication, &authorization, &admission, &validation};
  for (int i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    const std::string name = "m" + std::to_string(i);
    const Reply created = delayed(*gates[i], request("POST", kMaps, map(name, "1")),
                                  [&] { EXPECT_EQ(world.get(map_at(name)).status, 404) << "others are served meanwhile"; });
    EXPECT_EQ(created.status, 201);
    EXPECT_EQ(created.json()["metadata"]["labels"]["slow"], "seen");
    EXPECT_EQ(delayed(*gates[i], request("PATCH", map_at(name), {{"data", {{"v", "2"}}}}), [] {}).json()["data"]["v"], "2");
    if (i < 2) EXPECT_EQ(delayed(*gates[i], request("GET", map_at(name)), [] {}).json()["data"]["v"], "2");
    EXPECT_EQ(delayed(*gates[i], request("DELETE", map_at(name)), [] {}).status, 200);
    EXPECT_EQ(world.get(map_at(name)).status, 404);
  }
}

TEST_F(Doors, WhoIsRefusedIsRefusedAfterTheWait) {
  HttpRequest nobody = request("POST", kMaps, map("m", "1"));
  nobody.peer.identity = StandardWorld::user("joe");
  EXPECT_EQ(delayed(authentication, nobody, [] {}).status, 403);
  EXPECT_EQ(delayed(authorization, nobody, [] {}).status, 403);
  nobody.headers.add("Impersonate-User", "admin");
  EXPECT_EQ(delayed(authorization, nobody, [] {}).status, 403);
  HttpRequest stranger = request("POST", kMaps, map("m", "1"));
  stranger.peer.identity = std::nullopt;
  stranger.headers.add("Authorization", "Bearer nobody");
  EXPECT_EQ(delayed(authentication, stranger, [] {}).status, 401);
  EXPECT_EQ(world.get(map_at("m")).status, 404);
}

TEST_F(Doors, HeadsWaitToo) {
  const char* const kRefused = R"(authorization_attempts_total{result="denied"} 1)";
  HttpRequest head = request("POST", kMaps);
  const auto verdict = [&](HttpRequest asked) {
    authorization.shut = true;
    const auto out = world.start_judging(std::move(asked));
    EXPECT_FALSE(*out);
    authorization.open();
    world.executor.drain();
    return std::move(**out);
  };
  EXPECT_EQ(verdict(head).user, "admin");
  EXPECT_EQ(world.get("/metrics").body.find(kRefused), std::string::npos);
  head.peer.identity = StandardWorld::user("joe");
  const HeadVerdict refused = verdict(head);
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->status, 403);
  EXPECT_NE(world.get("/metrics").body.find(kRefused), std::string::npos);
}

TEST_F(Doors, WhatWaitsGoesWithItsClientOrItsServer) {
  authorization.shut = admission.shut = true;
  const auto ask = [](ApiServer* server, HttpRequest request) -> Task<void> { co_await server->handle(std::move(request)); };
  {
    Scope clients(world.executor);
    clients.spawn(ask(world.server.get(), request("GET", map_at("m"))));
    world.executor.drain();
    EXPECT_EQ(authorization.waiting, 1);
    authorization.shut = false;
    clients.spawn(ask(world.server.get(), request("POST", kMaps, map("m", "1"))));
    world.executor.drain();
    EXPECT_EQ(admission.waiting, 1);
  }
  EXPECT_EQ(authorization.waiting, 0);
  EXPECT_EQ(admission.waiting, 1) << "a write goes on without its client";
  world.server.reset();
  EXPECT_EQ(admission.waiting, 0);
}

// What another has written meanwhile is neither lost nor overlooked.
TEST_F(Doors, AWriteThatWaitedIsMadeOfWhatIsStoredThen) {
  Gate* const gates[] = {&admission, &validation};
  for (Gate* gate : gates) {
    ASSERT_EQ(world.post(kMaps, map("m", "1").dump()).status, 201);
    const auto change = [&] { EXPECT_EQ(world.send(request("PUT", map_at("m"), map("m", "2"))).status, 200); };
    const Reply added = delayed(*gate, request("PATCH", map_at("m"), {{"data", {{"w", "x"}}}}), change);
    EXPECT_EQ(added.status, 200);
    EXPECT_EQ(added.json()["data"], json({{"v", "2"}, {"w", "x"}}));

    ASSERT_EQ(world.send(request("PUT", map_at("m"), map("m", "1"))).status, 200);
    const Reply same = delayed(*gate, request("PATCH", map_at("m"), {{"data", {{"v", "1"}}}}), change);
    EXPECT_EQ(same.json()["data"]["v"], "1");
    EXPECT_EQ(world.get(map_at("m")).json()["data"]["v"], "1") << "it changed nothing when it was judged, and does now";

    const auto remove = [&] { EXPECT_EQ(world.send(request("DELETE", map_at("m"))).status, 200); };
    EXPECT_EQ(delayed(*gate, request("PATCH", map_at("m") + "?dryRun=All", {{"data", {{"v", "3"}}}}), remove).status, 404);
  }
  const auto create = [&] { EXPECT_EQ(world.post(kMaps, map("m", "1").dump()).status, 201); };
  EXPECT_EQ(delayed(validation, request("POST", std::string(kMaps) + "?dryRun=All", map("m", "2")), create).status, 409);
  const auto replace = [&] {
    EXPECT_EQ(world.send(request("DELETE", map_at("m"))).status, 200);
    create();
  };
  const std::string uid = world.get(map_at("m")).json()["metadata"]["uid"];
  const json pinned = {{"preconditions", {{"uid", uid}}}};
  EXPECT_EQ(delayed(validation, request("DELETE", map_at("m"), pinned), replace).status, 409);
  EXPECT_EQ(world.get(map_at("m")).status, 200);
}

// NamespaceLifecycle comes long before what waits.
TEST_F(Doors, NothingIsMadeInANamespaceThatHasGoneMeanwhile) {
  const std::string spaces = "/api/v1/namespaces";
  const auto make = [&](const char* name) {
    ASSERT_EQ(world.post(spaces, json{{"metadata", {{"name", name}}}}.dump()).status, 201);
  };
  make("going");
  const Reply late = delayed(validation, request("POST", spaces + "/going/configmaps", map("m", "1")),
                             [&] { EXPECT_EQ(world.send(request("DELETE", spaces + "/going")).status, 200); });
  EXPECT_EQ(late.status, 403);
  EXPECT_NE(late.message().find("because it is being terminated"), std::string::npos);

  make("gone");
  const Reply later = delayed(validation, request("POST", spaces + "/gone/configmaps", map("m", "1")), [&] {
    EXPECT_EQ(world.send(request("DELETE", spaces + "/gone")).status, 200);
    EXPECT_EQ(world
                  .send(request("PUT", spaces + "/gone/finalize",
                                {{"metadata", {{"name", "gone"}}}, {"spec", {{"finalizers", json::array()}}}}))
                  .status,
              200);
  });
  EXPECT_EQ(later.status, 404);
}

}  // namespace
}  // namespace ph::apiserver::testing
