// How long requests may take, and what becomes of writes nobody waits for any more.
#include <gmock/gmock.h>

#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

const char* const kMaps = "/api/v1/namespaces/default/configmaps";
const char* const kMap = R"({"metadata":{"name":"m"}})";

// A store whose disk takes its time.
struct SlowDisk {
  Duration takes{0};
  MemoryOptions options() {
    MemoryOptions out;
    out.fault = [this](const Transaction&, MemoryOptions::Moment moment) { return wait(takes, moment); };
    return out;
  }
  static Task<void> wait(Duration takes, MemoryOptions::Moment moment) {
    if (moment == MemoryOptions::Moment::BeforeWrite && takes > Duration::zero()) co_await sleep_for(takes);
  }
};

class RestTimeout : public ::testing::Test {
 protected:
  SlowDisk disk;
  Harness server{quiet_options(), {}, disk.options()};

  // The answer and when it came.
  std::pair<Answer, Duration> timed(HttpRequest request) {
    const Steady began = server.executor.clock().steady();
    const auto answer = server.start(std::move(request));
    server.executor.drain();
    while (!*answer) server.executor.advance(500ms);
    return {std::move(**answer), server.executor.clock().steady() - began};
  }
  HttpRequest create(std::string query) { return Harness::request("POST", kMaps + query, kMap, "application/json"); }
};

TEST_F(RestTimeout, WhatIsNoDurationIsRefused) {
  struct Case {
    const char* text;
    const char* why;
  };
  const Case cases[] = {
      {"invalid", "time: invalid duration \"invalid\""},
      {"30", "time: missing unit in duration \"30\""},
      {"5x", "time: unknown unit \"x\" in duration \"5x\""},
      {"-", "time: invalid duration \"-\""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    for (const char* method : {"GET", "POST"}) {
      const Answer answer =
          server.send(Harness::request(method, std::string(kMaps) + "?timeout=" + c.text, kMap, "application/json"));
      EXPECT_EQ(answer.status, 400);
      EXPECT_EQ(answer.message(), std::string("invalid timeout specified in the request URL - ") + c.why);
    }
  }
}

TEST_F(RestTimeout, ARefusalComesInTheFormThatWasAskedFor) {
  const Answer answer =
      server.send(Harness::request("GET", std::string(kMaps) + "?timeout=x", {}, {}, "application/vnd.kubernetes.protobuf"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.headers.get("Content-Type"), "application/vnd.kubernetes.protobuf");
}

TEST_F(RestTimeout, WritesThatTakeLonger) {
  struct Case {
    const char* name;
    const char* query;
    Duration disk, answered;
    int status;
  };
  const Case cases[] = {
      {"in time", "?timeout=5s", 3s, 3s, 201},
      {"out of time", "?timeout=2s", 3s, 2s, 504},
      {"the server's own limit", "", 70s, 60s, 504},
      {"no less than that", "", 50s, 50s, 201},
      {"nobody may ask for more", "?timeout=5m", 70s, 60s, 504},
      {"zero is no wish", "?timeout=0s", 3s, 3s, 201},
      {"nor is a negative one", "?timeout=-1s", 3s, 3s, 201},
      {"timeoutSeconds is for watches", "?timeoutSeconds=1", 3s, 3s, 201},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    disk.takes = c.disk;
    const auto [answer, after] = timed(create(c.query));
    EXPECT_EQ(answer.status, c.status);
    EXPECT_EQ(after, c.answered);
    if (c.status == 504) {
      EXPECT_EQ(answer.reason(), "Timeout");
      EXPECT_EQ(answer.message(), "Timeout: request did not complete within the allotted timeout");
    }
    // Either way it is carried out.
    server.executor.advance(c.disk);
    EXPECT_EQ(server.get(std::string(kMaps) + "/m").status, 200);
    disk.takes = Duration::zero();
    EXPECT_EQ(server.remove(std::string(kMaps) + "/m").status, 200);
  }
}

// --request-timeout
TEST(RestTimeoutOption, IsTheMostThatARequestMayTake) {
  SlowDisk disk;
  ServerOptions options = quiet_options();
  options.request_timeout = 5s;
  Harness server(options, {}, disk.options());
  disk.takes = 10s;
  for (const auto& [query, answered] : {std::pair("", 5s), std::pair("?timeout=30s", 5s), std::pair("?timeout=2s", 2s)}) {
    SCOPED_TRACE(query);
    const auto answer = server.start(
        Harness::request("POST", std::string(kMaps) + query, R"({"metadata":{"generateName":"m-"}})", "application/json"));
    server.executor.drain();
    server.executor.advance(answered - 1ms);
    EXPECT_FALSE(*answer);
    server.executor.advance(1ms);
    ASSERT_TRUE(*answer);
    EXPECT_EQ((**answer).status, 504);
  }
}

TEST_F(RestTimeout, AReadOfWhatIsStillToCome) {
  const auto [answer, after] = timed(Harness::request("GET", std::string(kMaps) + "?resourceVersion=100000&timeout=1s"));
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.message(), "Timeout: request did not complete within the allotted timeout");
  EXPECT_EQ(after, 1s);
  // The server's patience ends first.
  const auto [longer, later] = timed(Harness::request("GET", std::string(kMaps) + "?resourceVersion=100000&timeout=30s"));
  EXPECT_EQ(longer.status, 504);
  EXPECT_THAT(longer.message(), ::testing::HasSubstr("Too large resource version"));
  EXPECT_EQ(later, 3s);
}

TEST_F(RestTimeout, WatchesLast) {
  const auto log = server.watch(std::string(kMaps) + "?watch=true&timeout=1s");
  server.executor.advance(100s);
  EXPECT_FALSE(log->ended);
}

Task<void> send_and_forget(ApiServer* server, HttpRequest request) { co_await server->handle(std::move(request)); }

std::string service(const std::string& name) {
  return R"({"metadata":{"name":")" + name + R"("},"spec":{"ports":[{"port":80}]}})";
}

// What a write has taken is its own until its outcome is known, whether or not somebody waits for it.
TEST_F(RestTimeout, AnAddressIsNotGivenTwice) {
  const std::string services = "/api/v1/namespaces/default/services";
  for (const bool gone : {false, true}) {
    SCOPED_TRACE(gone ? "the client has gone" : "the client is out of time");
    const std::string name = gone ? "gone" : "late";
    disk.takes = 10s;
    if (gone) {
      Scope client(server.executor);
      client.spawn(send_and_forget(server.server.get(), Harness::request("POST", services, service(name), "application/json")));
      server.executor.advance(1s);
      client.cancel();
    } else {
      EXPECT_EQ(timed(Harness::request("POST", services + "?timeout=1s", service(name), "application/json")).first.status, 504);
    }
    disk.takes = Duration::zero();
    const Json second = server.post(services, service("second-" + name)).json();
    server.executor.advance(20s);
    const Json first = server.get(services + "/" + name).json();
    ASSERT_TRUE(first.contains("spec")) << first;
    EXPECT_NE(first["spec"]["clusterIP"], second["spec"]["clusterIP"]);
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
