// The reflector's protocol, against a server that is a script.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "informers/informer.h"
#include "tests/informers/scripted_server.h"

namespace ph::informers {
namespace {

using core::v1::ConfigMap, core::v1::ConfigMapList;
using testing::ElementsAre, testing::IsEmpty;

std::string text_of(const Ref<ConfigMap>& object) {
  if (!object) return "-";
  return object->metadata().name() + "@" + object->metadata().resource_version();
}

class ReflectorTest : public testing::Test {
 protected:
  ~ReflectorTest() override { informers_.stop(); }

  // What a new follower has seen, as "before>after" (or "snapshot").
  struct Following {
    Following(sim::SimExecutor& executor, Informer<ConfigMap>& informer) : scope(executor) {
      scope.spawn(follow(informer.events(), this));
    }
    static Task<void> follow(Stream<ConfigMap> events, Following* self) {
      while (const auto event = co_await events.next()) {
        self->seen.push_back(event->kind == Event<ConfigMap>::Snapshot ? "snapshot"
                                                                       : text_of(event->before) + ">" + text_of(event->after));
        if (self->gate) co_await self->gate->wait();
      }
      self->ended = true;
    }
    std::vector<std::string> take() { return std::exchange(seen, {}); }
    std::vector<std::string> seen;
    bool ended = false;
    std::shared_ptr<ph::Event> gate;  // closed: the follower is slow
    Scope scope;
  };

  // Brings the informer to a copy of `objects` at `revision`, by a streamed list.
  ScriptedServer::Watch synced(const std::vector<ConfigMap>& objects, std::uint64_t revision) {
    server_.expect();
    auto watch = server_.accept_watch();
    for (const ConfigMap& object : objects) watch.send("ADDED", object);
    watch.send("BOOKMARK", bookmark(revision, true));
    executor_.drain();
    EXPECT_TRUE(informer_.synced());
    return watch;
  }

  std::vector<std::string> copy() {
    std::vector<std::string> out;
    for (const auto& object : informer_.list()) out.push_back(text_of(object));
    return out;
  }

  sim::SimExecutor executor_;
  ScriptedServer server_{executor_};
  Client client_{server_, "test"};
  SeededRng rng_{1};
  Informers informers_{executor_, client_, rng_, Log()};
  Informer<ConfigMap>& informer_ = informers_.informer<ConfigMap>();
};

TEST_F(ReflectorTest, StreamsItsFirstList) {
  const HttpRequest request = server_.expect();
  EXPECT_EQ(request.path(), "/api/v1/configmaps");
  EXPECT_EQ(query(request, "watch"), "true");
  EXPECT_EQ(query(request, "sendInitialEvents"), "true");
  EXPECT_EQ(query(request, "resourceVersionMatch"), "NotOlderThan");
  EXPECT_EQ(query(request, "resourceVersion"), "");
  EXPECT_EQ(query(request, "allowWatchBookmarks"), "true");
  const int timeout = std::stoi(query(request, "timeoutSeconds"));
  EXPECT_GE(timeout, 300);
  EXPECT_LT(timeout, 600);

  auto watch = server_.accept_watch();
  watch.send("ADDED", config_map("b/x", 3));
  watch.send("ADDED", config_map("a/y", 4));
  watch.send("ADDED", config_map("a/z", 5));
  watch.send("DELETED", config_map("a/z", 6));  // changes may mix in
  watch.send("BOOKMARK", bookmark(7));          // does not end the list
  executor_.drain();
  EXPECT_FALSE(informer_.synced());
  EXPECT_THAT(copy(), IsEmpty()) << "nothing shows before everything does";
  watch.send("BOOKMARK", bookmark(8, true));
  executor_.drain();
  EXPECT_TRUE(informer_.synced());
  EXPECT_THAT(copy(), ElementsAre("y@4", "x@3"));
  EXPECT_EQ(informer_.revision(), Revision{8});
  watch.send("MODIFIED", config_map("a/y", 9));
  executor_.drain();
  EXPECT_THAT(copy(), ElementsAre("y@9", "x@3"));
  EXPECT_EQ(informers_.stats().lists, 1u);
}

TEST_F(ReflectorTest, ListsWhereStreamedListsAreRefused) {
  server_.refuse(422, "Invalid");
  const HttpRequest list = server_.expect();
  EXPECT_EQ(list.target, "/api/v1/configmaps");
  ConfigMapList answer;
  answer.mutable_metadata()->set_resource_version("20");
  *answer.add_items() = config_map("a/x", 3);
  server_.answer(answer);
  EXPECT_THAT(copy(), ElementsAre("x@3"));
  const HttpRequest watch = server_.expect();
  EXPECT_EQ(query(watch, "watch"), "true");
  EXPECT_EQ(query(watch, "resourceVersion"), "20");
  EXPECT_EQ(query(watch, "sendInitialEvents"), "");
}

TEST_F(ReflectorTest, ResumesACutWatchWithoutReadingAgain) {
  auto watch = synced({config_map("a/x", 3)}, 8);
  watch.send("BOOKMARK", bookmark(50));
  watch.cut();
  executor_.drain();
  EXPECT_TRUE(server_.quiet()) << "the first pause is 0.8 s or more";
  executor_.advance(1600ms);
  const HttpRequest again = server_.expect();
  EXPECT_EQ(query(again, "resourceVersion"), "50");
  EXPECT_EQ(query(again, "sendInitialEvents"), "");
  auto resumed = server_.accept_watch();
  resumed.send("MODIFIED", config_map("a/x", 8));  // repeated: older than what is known
  resumed.send("MODIFIED", config_map("a/x", 51));
  executor_.drain();
  EXPECT_THAT(copy(), ElementsAre("x@51"));
  EXPECT_EQ(informers_.stats().lists, 1u);
  EXPECT_EQ(informers_.stats().resumes, 1u);
}

TEST_F(ReflectorTest, SeveralObjectsMayChangeAtOneRevision) {
  auto watch = synced({config_map("a/x", 3), config_map("a/y", 4)}, 8);
  watch.send("MODIFIED", config_map("a/x", 9));
  watch.send("MODIFIED", config_map("a/y", 9));
  watch.send("ADDED", config_map("a/z", 9));
  executor_.drain();
  EXPECT_THAT(copy(), ElementsAre("x@9", "y@9", "z@9"));
  watch.cut();
  executor_.advance(2s);
  EXPECT_EQ(query(server_.expect(), "resourceVersion"), "9");
  auto resumed = server_.accept_watch();
  for (const char* name : {"a/x", "a/y", "a/z"}) resumed.send("MODIFIED", config_map(name, 9));
  executor_.drain();
  EXPECT_EQ(informers_.stats().repeats, 3u);
}

TEST_F(ReflectorTest, ACutWithinAnEventLosesNothing) {
  auto watch = synced({config_map("a/x", 3)}, 8);
  const std::string bytes = frame("MODIFIED", config_map("a/x", 9));
  watch.bytes(bytes.substr(0, bytes.size() / 2));
  watch.end();
  executor_.advance(2s);
  EXPECT_THAT(copy(), ElementsAre("x@3"));
  EXPECT_EQ(query(server_.expect(), "resourceVersion"), "8");
}

TEST_F(ReflectorTest, ResumesAtOnceAfterAnOrderlyEnd) {
  auto watch = synced({}, 8);
  executor_.advance(10s);
  watch.end();
  executor_.drain();
  EXPECT_EQ(query(server_.expect(), "resourceVersion"), "8");
}

TEST_F(ReflectorTest, PausesWhenWatchesEndAtOnce) {
  auto watch = synced({}, 8);
  watch.end();
  executor_.drain();
  EXPECT_TRUE(server_.quiet());
  executor_.advance(1600ms);
  server_.expect();
}

TEST_F(ReflectorTest, DeliversTheDifferenceAfterLosingHistory) {
  auto watch = synced(
      {config_map("a/gone", 1), config_map("a/same", 2), config_map("a/changed", 3), config_map("a/replaced", 4, "old")}, 8);
  Following follower(executor_, informer_);
  executor_.drain();
  EXPECT_THAT(follower.take(), ElementsAre("->changed@3", "->gone@1", "->replaced@4", "->same@2", "snapshot"));

  watch.send("ERROR", failure(410, "Expired"));
  executor_.drain();
  const HttpRequest again = server_.expect();
  EXPECT_EQ(query(again, "sendInitialEvents"), "true");
  EXPECT_EQ(query(again, "resourceVersion"), "8") << "not older than what was seen";
  synced({config_map("a/same", 2), config_map("a/changed", 90), config_map("a/replaced", 91, "new"), config_map("a/new", 92)},
         99);
  EXPECT_THAT(follower.take(), ElementsAre("gone@1>-", "changed@3>changed@90", "->new@92", "replaced@4>-", "->replaced@91"));
  EXPECT_EQ(informer_.revision(), Revision{99});
}

TEST_F(ReflectorTest, AWatchRefusedAsExpiredReadsAgain) {
  auto watch = synced({config_map("a/x", 3)}, 8);
  executor_.advance(10s);
  watch.end();
  executor_.drain();
  EXPECT_EQ(query(server_.expect(), "resourceVersion"), "8");
  server_.refuse(410, "Expired");
  EXPECT_EQ(query(server_.expect(), "sendInitialEvents"), "true");
}

TEST_F(ReflectorTest, FollowsARestoredServer) {
  auto watch = synced({config_map("a/x", 300)}, 800);
  executor_.advance(10s);
  watch.end();
  executor_.drain();
  server_.expect();
  meta::v1::Status status = failure(504, "Timeout", "Too large resource version: 800, current: 90");
  status.mutable_details()->add_causes()->set_reason("ResourceVersionTooLarge");
  server_.answer(504, envelope(status));
  executor_.advance(2s);
  EXPECT_EQ(query(server_.expect(), "resourceVersion"), "");
  synced({config_map("a/y", 80)}, 90);
  EXPECT_THAT(copy(), ElementsAre("y@80"));
  EXPECT_EQ(informer_.revision(), Revision{90});
}

TEST_F(ReflectorTest, BacksOffLongerAndLongerAndForgetsWhenWell) {
  std::vector<double> pauses;
  for (int i = 0; i < 8; ++i) {
    server_.lose();
    const Steady lost = executor_.clock().steady();
    executor_.advance(*executor_.next_timer() - lost);
    pauses.push_back(std::chrono::duration<double>(executor_.clock().steady() - lost).count());
  }
  double base = 0.8;
  for (const double pause : pauses) {
    EXPECT_GE(pause, base);
    EXPECT_LE(pause, 2 * base);
    base = std::min(30.0, base * 2);
  }
  auto watch = synced({}, 8);
  watch.cut();
  executor_.drain();
  executor_.advance(1600ms);
  EXPECT_FALSE(server_.quiet());
}

TEST_F(ReflectorTest, AStreamedListCutInTheMiddleStartsOver) {
  server_.expect();
  auto watch = server_.accept_watch();
  watch.send("ADDED", config_map("a/x", 3));
  watch.cut();
  executor_.advance(2s);
  EXPECT_FALSE(informer_.synced());
  synced({config_map("a/y", 4)}, 9);
  EXPECT_THAT(copy(), ElementsAre("y@4"));
}

TEST_F(ReflectorTest, AnObjectThatCannotBeReadBreaksTheWatch) {
  auto watch = synced({config_map("a/x", 3)}, 8);
  std::string bytes = frame("MODIFIED", config_map("a/x", 9));
  bytes[bytes.size() - 1] = '\x7f';
  watch.bytes(bytes);
  executor_.advance(2s);
  EXPECT_THAT(copy(), ElementsAre("x@3"));
  EXPECT_EQ(query(server_.expect(), "resourceVersion"), "8") << "the event is asked for again";
}

TEST_F(ReflectorTest, DeletionsWithTheObjectsLastRevisionCount) {
  auto watch = synced({config_map("a/x", 8), config_map("a/y", 7)}, 8);
  watch.send("DELETED", config_map("a/x", 8));   // the revision of its last change
  watch.send("DELETED", config_map("a/y", 12));  // of its end
  executor_.drain();
  EXPECT_THAT(copy(), IsEmpty());
  watch.send("ADDED", config_map("a/x", 13, "second"));
  watch.send("DELETED", config_map("a/x", 8));  // a late repetition
  executor_.drain();
  EXPECT_THAT(copy(), ElementsAre("x@13"));
}

TEST_F(ReflectorTest, WaitersResumeWithBookmarksToo) {
  Call<bool> waiting(executor_, [](Informer<ConfigMap>& informer) -> Task<bool> {
    co_await informer.wait_for(Revision{60});
    co_return true;
  }(informer_));
  auto watch = synced({}, 8);
  watch.send("ADDED", config_map("a/x", 59));
  executor_.drain();
  EXPECT_FALSE(waiting.done());
  watch.send("BOOKMARK", bookmark(61));
  executor_.drain();
  EXPECT_TRUE(waiting.done());
}

TEST_F(ReflectorTest, StopEndsEverything) {
  auto watch = synced({config_map("a/x", 3)}, 8);
  Following follower(executor_, informer_);
  Call<bool> waiting(executor_, [](Informer<ConfigMap>& informer) -> Task<bool> {
    co_await informer.wait_for(Revision{60});
    co_return true;
  }(informer_));
  informers_.stop();
  executor_.drain();
  EXPECT_TRUE(watch.dropped());
  EXPECT_TRUE(follower.ended);
  EXPECT_TRUE(waiting.done());
  EXPECT_THAT(copy(), ElementsAre("x@3")) << "what was read stays readable";
}

// -- Followers

TEST_F(ReflectorTest, AFollowerFromTheStartSeesTheSnapshotOnce) {
  Following early(executor_, informer_);
  executor_.drain();
  EXPECT_THAT(early.take(), IsEmpty());
  auto watch = synced({config_map("a/x", 3)}, 8);
  EXPECT_THAT(early.take(), ElementsAre("->x@3", "snapshot"));
  Following late(executor_, informer_);
  watch.send("MODIFIED", config_map("a/x", 9));
  executor_.drain();
  EXPECT_THAT(early.take(), ElementsAre("x@3>x@9"));
  EXPECT_THAT(late.take(), ElementsAre("->x@3", "snapshot", "x@3>x@9"));
}

TEST_F(ReflectorTest, ASlowFollowerSeesTheNewestAndHoldsUpNobody) {
  auto watch = synced({config_map("a/x", 3)}, 8);
  Following slow(executor_, informer_), quick(executor_, informer_);
  executor_.drain();
  slow.take();
  quick.take();
  slow.gate = std::make_shared<ph::Event>();
  watch.send("MODIFIED", config_map("a/x", 9));
  executor_.drain();
  EXPECT_THAT(slow.take(), ElementsAre("x@3>x@9"));
  // Now it is stuck with that one.
  watch.send("MODIFIED", config_map("a/x", 10));
  watch.send("ADDED", config_map("a/brief", 11));
  watch.send("DELETED", config_map("a/brief", 12));
  watch.send("ADDED", config_map("a/y", 13));
  watch.send("MODIFIED", config_map("a/x", 14));
  watch.send("DELETED", config_map("a/y", 15));
  watch.send("ADDED", config_map("a/y", 16, "second"));
  watch.send("DELETED", config_map("a/x", 17));
  watch.send("ADDED", config_map("a/x", 18, "second"));
  executor_.drain();
  EXPECT_THAT(quick.seen, testing::Contains("->x@18"));
  slow.gate->set();
  executor_.drain();
  EXPECT_THAT(slow.take(), ElementsAre("x@9>-", "->x@18", "->y@16"));
}

// -- Indexes

TEST_F(ReflectorTest, IndexesFollowChanges) {
  const auto by_label = [](const ConfigMap& object) -> std::vector<std::string> {
    const auto found = object.metadata().labels().find("app");
    if (found == object.metadata().labels().end()) return {};
    return {found->second};
  };
  const auto labelled = [](std::string key, std::uint64_t revision, std::string app) {
    ConfigMap out = config_map(std::move(key), revision);
    (*out.mutable_metadata()->mutable_labels())["app"] = std::move(app);
    return out;
  };
  const auto names = [&](std::string_view index, std::string_view value) {
    std::vector<std::string> out;
    for (const auto& object : informer_.by_index(index, value)) out.push_back(text_of(object));
    return out;
  };
  informer_.add_index("app", by_label);
  auto watch = synced({labelled("b/x", 3, "web"), labelled("a/y", 4, "web"), config_map("a/z", 5)}, 8);
  EXPECT_THAT(names("app", "web"), ElementsAre("y@4", "x@3"));
  EXPECT_THAT(names("namespace", "a"), ElementsAre("y@4", "z@5"));
  EXPECT_THAT(names("app", "db"), IsEmpty());
  watch.send("MODIFIED", labelled("a/y", 9, "db"));
  watch.send("DELETED", labelled("b/x", 10, "web"));
  executor_.drain();
  EXPECT_THAT(names("app", "web"), IsEmpty());
  EXPECT_THAT(names("app", "db"), ElementsAre("y@9"));
  informer_.add_index("late", by_label);
  EXPECT_THAT(names("late", "db"), ElementsAre("y@9"));
}

TEST_F(ReflectorTest, OneWatchATypeHoweverManyAsk) {
  EXPECT_EQ(&informers_.informer<ConfigMap>(), &informer_);
  executor_.drain();
  EXPECT_EQ(server_.requests, 1);
}

TEST_F(ReflectorTest, FollowsMetadataAlone) {
  server_.expect();
  server_.accept_watch();
  const auto resource = std::make_shared<const api::Resource>(*api::Scheme::builtin().resource("apps", "v1", "deployments"));
  const auto informer = informers_.follow(resource);
  const HttpRequest request = server_.expect();
  EXPECT_EQ(request.path(), "/apis/apps/v1/deployments");
  EXPECT_EQ(request.headers.get("accept"), "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
  auto watch = server_.accept_watch();
  watch.send("ADDED", object_of<meta::v1::PartialObjectMetadata>("a/d", 5));
  watch.send("BOOKMARK", bookmark<meta::v1::PartialObjectMetadata>(6, true));
  executor_.drain();
  ASSERT_TRUE(informer->find({"a", "d"}));
}

// A look at what the server has serves all who asked before it began, and comes in chunks.
TEST_F(ReflectorTest, CatchingUpIsShared) {
  auto watch = synced({config_map("a/x", 3), config_map("a/y", 4)}, 8);
  int done = 0;
  Scope scope(executor_);
  const auto catch_up = [&]() -> Task<void> {
    co_await informer_.catch_up();
    ++done;
  };
  scope.spawn(catch_up());
  scope.spawn(catch_up());
  EXPECT_EQ(query(server_.expect(), "limit"), "2000");
  scope.spawn(catch_up());
  const int requests = server_.requests;
  executor_.drain();
  EXPECT_EQ(server_.requests, requests) << "who asks meanwhile waits for the next";

  meta::v1::PartialObjectMetadataList chunk;
  chunk.mutable_metadata()->set_resource_version("50");
  chunk.mutable_metadata()->set_continue_("more");
  *chunk.add_items()->mutable_metadata() = config_map("a/x", 3).metadata();
  server_.answer(chunk);
  EXPECT_EQ(query(server_.expect(), "continue"), "more");
  chunk.Clear();
  chunk.mutable_metadata()->set_resource_version("50");
  *chunk.add_items()->mutable_metadata() = config_map("a/z", 20).metadata();
  server_.answer(chunk);
  EXPECT_EQ(done, 0) << "z is still to come, and y is still to go";
  watch.send("ADDED", config_map("a/z", 20));
  executor_.drain();
  EXPECT_EQ(done, 0);
  watch.send("DELETED", config_map("a/y", 21));
  executor_.drain();
  EXPECT_EQ(done, 2);

  chunk.Clear();
  server_.expect();
  server_.answer(chunk);
  EXPECT_EQ(done, 3);
}

}  // namespace
}  // namespace ph::informers
