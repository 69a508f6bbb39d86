// What large objects cost is paid on the helper; what comes of it is the same.
#include "apiserver/rest/aside.h"

#include <gtest/gtest.h>

#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

// Runs what it is given when it is told to.
class Helper final : public Executor {
 public:
  explicit Helper(const Clock& clock) : clock_(clock) {}
  void post(Work work) override { works.push_back(std::move(work)); }
  TimerId run_at(Steady, Work) override { return 0; }
  void cancel(TimerId) override {}
  const Clock& clock() const override { return clock_; }

  std::deque<Work> works;

 private:
  const Clock& clock_;
};

struct RestAside : ::testing::Test {
  SystemClock clock;
  Helper helper{clock};
  std::unique_ptr<Harness> api = std::make_unique<Harness>(options());
  int helped = 0;

  ServerOptions options() {
    ServerOptions out = quiet_options();
    out.helper = &helper;
    return out;
  }
  Answer send(const HttpRequest& request) {
    helped = 0;
    const auto answer = api->start(request);
    for (api->executor.drain(); !helper.works.empty(); api->executor.drain()) {
      Work work = std::move(helper.works.front());
      helper.works.pop_front();
      work();
      ++helped;
    }
    return answer->value_or(Answer{});
  }
  Answer send(std::string method, std::string target, std::string body, std::string type = "application/json") {
    return send(Harness::request(std::move(method), std::move(target), std::move(body), std::move(type)));
  }
};

std::string map(const std::string& name, std::size_t size, const std::string& key = "v") {
  return R"({"metadata":{"name":")" + name + R"("},"data":{")" + key + R"(":")" + std::string(size, 'x') + R"("}})";
}

TEST_F(RestAside, OnlyLargeObjectsGoThere) {
  EXPECT_EQ(send("POST", kMaps, map("small", 1000)).status, 201);
  EXPECT_EQ(helped, 0);
  EXPECT_EQ(send("POST", kMaps, map("large", 100'000)).status, 201);
  EXPECT_GE(helped, 4) << "decoded, its fields owned, validated, encoded";
  EXPECT_EQ(api->get(kMaps + "/large").json()["data"]["v"], std::string(100'000, 'x'));
  EXPECT_EQ(send("PUT", kMaps + "/large", map("large", 200'000)).status, 200);
  EXPECT_GE(helped, 5);
  EXPECT_EQ(send("PATCH", kMaps + "/large", R"({"data":{"w":"y"}})", "application/merge-patch+json").status, 200);
  EXPECT_GE(helped, 5) << "what is stored is large";
  const Json stored = api->get(kMaps + "/large").json();
  EXPECT_EQ(stored["data"]["v"], std::string(200'000, 'x'));
  EXPECT_EQ(stored["data"]["w"], "y");
  EXPECT_EQ(stored["metadata"]["managedFields"].size(), 1u);
}

TEST_F(RestAside, WhatIsWrongIsSaidAsEver) {
  struct Case {
    std::string body;
    int status;
  };
  const Case kCases[] = {
      {"{" + std::string(100'000, ' '), 400}, {map("large", 100'000, "bad key"), 422}, {map("large", 2'000'000), 422}};
  for (const Case& c : kCases) {
    const Answer aside = send("POST", kMaps, c.body);
    EXPECT_GE(helped, 1);
    EXPECT_EQ(aside.status, c.status) << aside.body.substr(0, 300);
    Harness plain;
    const Answer answer = plain.post(kMaps, c.body);
    EXPECT_EQ(aside.body, answer.body);
  }
}

TEST_F(RestAside, AWriteThatIsDroppedMeanwhileTakesItsWorkAlong) {
  const auto answer = api->start(Harness::request("POST", kMaps, map("large", 100'000), "application/json"));
  api->executor.drain();
  ASSERT_EQ(helper.works.size(), 1u);
  api.reset();
  helper.works.front()();
  EXPECT_FALSE(*answer);
}

TEST_F(RestAside, TheClientIsToldInTimeThoughTheWorkGoesOn) {
  HttpRequest request = Harness::request("POST", kMaps + "?timeout=1s&fieldValidation=Warn",
                                         R"({"x":1,)" + map("large", 100'000).substr(1), "application/json");
  const auto answer = api->start(request);
  api->executor.drain();
  api->executor.advance(2s);
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->status, 504);
  while (!helper.works.empty()) {
    helper.works.front()();
    helper.works.pop_front();
    api->executor.drain();
  }
  EXPECT_EQ(api->get(kMaps + "/large").status, 200);
}

}  // namespace
}  // namespace ph::apiserver::testing
