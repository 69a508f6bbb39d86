// Watches of versions that a webhook makes.
#include <gmock/gmock.h>

#include "tests/apiserver/conversion_world.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ConversionWatch : public ::testing::Test {
 protected:
  ConversionWatch() : api(quiet_options(), extensions(script)) {
    script.at(kConverter, [](const Json& review) { return convert(review); });
    EXPECT_EQ(api.post(kDefinitions, things().dump()).status, 201);
    api.executor.drain();
  }
  void create(const std::string& name, const std::string& host = "a:80") {
    const Json object = {
        {"apiVersion", "conv.example.com/v1"}, {"kind", "Thing"}, {"metadata", {{"name", name}}}, {"spec", {{"hostPort", host}}}};
    const Answer made = api.post(path_of("v1"), object.dump());
    ASSERT_EQ(made.status, 201) << made.body;
  }
  void move(const std::string& name, const std::string& host) {
    ASSERT_EQ(api.patch(path_of("v1", name), Json{{"spec", {{"hostPort", host}}}}.dump()).status, 200);
  }
  // "ADDED a http://…": what is told, and of which host.
  static std::vector<std::string> take(WatchLog& log) {
    std::vector<std::string> out;
    for (const std::string& frame : std::exchange(log.frames, {})) {
      const Json event = Json::parse(frame);
      const Json& object = event["object"];
      out.push_back(event["type"].get<std::string>() + " " +
                    (event["type"] == "ERROR"
                         ? object["message"].get<std::string>()
                         : object["metadata"]["name"].get<std::string>() + " " + object["spec"].value("host", "") + " " +
                               object["apiVersion"].get<std::string>()));
    }
    return out;
  }

  static Extensions extensions(ScriptedWebhooks& script) {
    Extensions out;
    out.webhooks = script.transports();
    return out;
  }

  ScriptedWebhooks script;
  Harness api;
};

TEST_F(ConversionWatch, TellTheirVersion) {
  create("a");
  const auto log = api.watch(path_of("v2") + "?watch=1");
  EXPECT_THAT(take(*log), ElementsAre("ADDED a a conv.example.com/v2"));
  create("b", "b:1");
  move("a", "c:2");
  api.remove(path_of("v1", "b"));
  EXPECT_THAT(take(*log), ElementsAre("ADDED b b conv.example.com/v2", "MODIFIED a c conv.example.com/v2",
                                      "DELETED b b conv.example.com/v2"));
}

TEST_F(ConversionWatch, AllOfOneEventAskOnce) {
  const auto one = api.watch(path_of("v2") + "?watch=1"), two = api.watch(path_of("v2") + "?watch=1"),
             stored = api.watch(path_of("v1") + "?watch=1");
  create("a");
  EXPECT_EQ(take(*one).size(), 1u);
  EXPECT_EQ(take(*two).size(), 1u);
  EXPECT_EQ(take(*stored).size(), 1u);
  EXPECT_EQ(script.reviews.size(), 1u);
}

TEST_F(ConversionWatch, SelectsByWhatIsShown) {
  create("a", "x:1");
  create("b", "y:1");
  const auto log = api.watch(path_of("v2") + "?watch=1&fieldSelector=spec.host%3Dx");
  EXPECT_THAT(take(*log), ElementsAre("ADDED a x conv.example.com/v2"));
  move("b", "x:2");
  move("a", "z:2");
  EXPECT_THAT(take(*log), ElementsAre("ADDED b x conv.example.com/v2", "DELETED a x conv.example.com/v2"));
  const auto named = api.watch(path_of("v2") + "?watch=1&fieldSelector=metadata.name%3Da");
  EXPECT_THAT(take(*named), ElementsAre("ADDED a z conv.example.com/v2"));
}

TEST_F(ConversionWatch, EndsWithTheReasonWhenItCannotBeTold) {
  create("a");
  const auto log = api.watch(path_of("v2") + "?watch=1"), stored = api.watch(path_of("v1") + "?watch=1");
  EXPECT_EQ(take(*log).size(), 1u);
  take(*stored);
  script.at(kConverter, [](const Json&) { return HookReply{.broken = "connection refused"}; });
  create("b");
  EXPECT_THAT(take(*log),
              ElementsAre("ERROR Internal error occurred: conversion webhook for conv.example.com/v1, Kind=Thing failed: Post "
                          "\"https://convert.example.com/crd?timeout=30s\": connection refused"));
  EXPECT_TRUE(log->ended);
  EXPECT_EQ(take(*stored).size(), 1u);
  EXPECT_FALSE(stored->ended);
  const auto late = api.watch(path_of("v2") + "?watch=1");
  EXPECT_EQ(take(*late).size(), 1u) << "of what exists, the same";
  EXPECT_TRUE(late->ended);
}

// The webhook's time is nobody else's.
TEST_F(ConversionWatch, ASlowWebhookDelaysItsWatchesAlone) {
  const auto log = api.watch(path_of("v2") + "?watch=1"), stored = api.watch(path_of("v1") + "?watch=1");
  script.at(kConverter, [](const Json& review) {
    HookReply reply = convert(review);
    reply.after = 3s;
    return reply;
  });
  create("a");
  EXPECT_EQ(take(*stored).size(), 1u);
  EXPECT_THAT(take(*log), IsEmpty());
  create("b");
  EXPECT_EQ(take(*stored).size(), 1u);
  api.executor.advance(6s);
  EXPECT_THAT(take(*log), ElementsAre("ADDED a a conv.example.com/v2", "ADDED b a conv.example.com/v2"));
}

}  // namespace
}  // namespace ph::apiserver::testing
