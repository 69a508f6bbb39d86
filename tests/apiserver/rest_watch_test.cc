// Watches: where they start, what they say, and when they end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/kinds.h"
#include "apiserver/tables/tables.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

void create(Harness& api, const std::string& name, const std::string& label = "x") {
  const std::string body = R"({"metadata":{"name":")" + name + R"(","labels":{"l":")" + label + R"("}}})";
  ASSERT_EQ(api.post(kMaps, body).status, 201);
}
void relabel(Harness& api, const std::string& name, const std::string& label) {
  ASSERT_EQ(api.patch(kMaps + "/" + name, R"({"metadata":{"labels":{"l":")" + label + R"("}}})").status, 200);
}

TEST(RestWatch, StartsWithWhatExistsThenFollows) {
  for (const char* start : {"?watch=1", "?watch=1&resourceVersion=0"}) {
    SCOPED_TRACE(start);
    Harness api;
    create(api, "a");
    const auto log = api.watch(kMaps + start);
    EXPECT_THAT(log->take(), ElementsAre("ADDED a"));
    create(api, "b");
    relabel(api, "a", "y");
    api.remove(kMaps + "/b");
    EXPECT_THAT(log->take(), ElementsAre("ADDED b", "MODIFIED a", "DELETED b"));
  }
}

TEST(RestWatch, GoesOnFromARevision) {
  Harness api;
  create(api, "a");
  const std::string since = to_string(api.store->revision());
  create(api, "b");
  const auto log = api.watch(kMaps + "?watch=true&resourceVersion=" + since);
  create(api, "c");
  EXPECT_THAT(log->take(), ElementsAre("ADDED b", "ADDED c"));
}

// Who has heard of one of them may have lost the other.
TEST(RestWatch, ARevisionOfSeveralChangesIsToldAgain) {
  Harness api;
  create(api, "a");
  create(api, "b");
  Scope scope(api.executor);
  scope.spawn([](Store& store) -> Task<void> {
    Transaction both;
    for (Stored& each : co_await store.range("/registry/configmaps/", "/registry/configmaps0", 0))
      both.mutations.push_back({.key = each.key, .value = *each.value, .last_value_only = false});
    EXPECT_EQ(both.mutations.size(), 2u);
    (co_await store.commit(std::move(both))).value();
  }(*api.store));
  api.executor.drain();
  const std::string since = to_string(api.store->revision());
  EXPECT_THAT(api.watch(kMaps + "?watch=true&resourceVersion=" + since)->take(), ElementsAre("MODIFIED a", "MODIFIED b"));
  EXPECT_THAT(
      api.watch(kMaps + "?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=" + since)->take(),
      ElementsAre("MODIFIED a", "MODIFIED b"));
  create(api, "c");
  EXPECT_THAT(api.watch(kMaps + "?watch=true&resourceVersion=" + to_string(api.store->revision()))->take(), IsEmpty());
}

TEST(RestWatch, ADeletionCarriesItsOwnRevision) {
  Harness api;
  create(api, "a");
  const auto log = api.watch(kMaps + "?watch=1");
  log->take();
  api.remove(kMaps + "/a");
  ASSERT_EQ(log->frames.size(), 1u);
  EXPECT_EQ(Json::parse(log->frames[0])["object"]["metadata"]["resourceVersion"], to_string(api.store->revision()));
}

TEST(RestWatch, ObjectsEnterAndLeaveSelections) {
  Harness api;
  create(api, "a", "x");
  create(api, "b", "y");
  const auto log = api.watch(kMaps + "?watch=1&labelSelector=l%3Dx");
  EXPECT_THAT(log->take(), ElementsAre("ADDED a"));
  relabel(api, "b", "x");
  relabel(api, "a", "y");
  const std::string left = to_string(api.store->revision());
  ASSERT_EQ(log->frames.size(), 2u);
  const Json leaving = Json::parse(log->frames[1]);
  EXPECT_EQ(leaving["object"]["metadata"]["labels"]["l"], "x");
  EXPECT_EQ(leaving["object"]["metadata"]["resourceVersion"], left);
  EXPECT_THAT(log->take(), ElementsAre("ADDED b", "DELETED a"));
  relabel(api, "a", "z");
  api.remove(kMaps + "/a");
  EXPECT_THAT(log->take(), IsEmpty());
}

TEST(RestWatch, OneObjectByNameInBothForms) {
  Harness api;
  create(api, "a");
  create(api, "b");
  const auto selected = api.watch(kMaps + "?watch=1&fieldSelector=metadata.name%3Da");
  const auto deprecated = api.watch("/api/v1/watch/namespaces/default/configmaps/a");
  EXPECT_THAT(selected->take(), ElementsAre("ADDED a"));
  EXPECT_THAT(deprecated->take(), ElementsAre("ADDED a"));
}

TEST(RestWatch, TooOldIsAnEventAndTheEnd) {
  Harness api;
  create(api, "a");
  for (int i = 0; i < 300; ++i) relabel(api, "a", "l" + std::to_string(i));
  api.executor.advance(2h);
  relabel(api, "a", "last");
  const auto log = api.watch(kMaps + "?watch=1&resourceVersion=2");
  ASSERT_EQ(log->frames.size(), 1u);
  const Json event = Json::parse(log->frames[0]);
  EXPECT_EQ(event["type"], "ERROR");
  EXPECT_EQ(event["object"]["code"], 410);
  EXPECT_EQ(event["object"]["reason"], "Expired");
  EXPECT_TRUE(log->ended);
}

TEST(RestWatch, InitialEventsEndWithABookmark) {
  Harness api;
  create(api, "a");
  const auto log =
      api.watch(kMaps + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  ASSERT_EQ(log->frames.size(), 2u);
  const Json mark = Json::parse(log->frames[1]);
  EXPECT_EQ(mark["type"], "BOOKMARK");
  EXPECT_EQ(mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
  EXPECT_EQ(mark["object"]["metadata"]["resourceVersion"], to_string(api.store->revision()));
  EXPECT_EQ(mark["object"]["kind"], "ConfigMap");
  EXPECT_EQ(api.get(kMaps + "?watch=1&sendInitialEvents=true").status, 422);
}

TEST(RestWatch, BookmarksTellOfOtherPeoplesRevisions) {
  Harness api;
  const auto log = api.watch(kMaps + "?watch=1&allowWatchBookmarks=true&timeoutSeconds=600");
  const auto silent = api.watch(kMaps + "?watch=1&timeoutSeconds=600");
  api.post("/api/v1/namespaces/default/secrets", R"({"metadata":{"name":"s"}})");
  api.executor.advance(61s);
  ASSERT_EQ(log->frames.size(), 1u);
  EXPECT_EQ(Json::parse(log->frames[0])["object"]["metadata"]["resourceVersion"], to_string(api.store->revision()));
  log->take();
  api.executor.advance(2min);
  EXPECT_THAT(log->take(), IsEmpty()) << "nothing new to tell";
  EXPECT_THAT(silent->take(), IsEmpty());
  EXPECT_FALSE(log->ended);
  api.executor.advance(10min);
  EXPECT_TRUE(log->ended);
  EXPECT_TRUE(silent->ended);
}

TEST(RestWatch, ProtobufFrames) {
  Harness api;
  create(api, "a");
  const auto log = api.watch(kMaps + "?watch=1", "application/vnd.kubernetes.protobuf;stream=watch");
  ASSERT_EQ(log->frames.size(), 1u);
  const std::string& frame = log->frames[0];
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(frame[i])); };
  EXPECT_EQ(byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3), frame.size() - 4);
  EXPECT_EQ(frame.substr(4, 7),
            "\x0a\x05"
            "ADDED");
}

TEST(RestWatch, WatchersOfOneFormShareTheirFrames) {
  Harness api;
  std::vector<SharedBytes> pieces;
  Scope scope(api.executor);
  const auto read = [](ApiServer* server, std::vector<SharedBytes>* out) -> Task<void> {
    HttpResponse response = co_await server->handle(Harness::request("GET", kMaps + "?watch=1"));
    while (auto piece = co_await response.stream->next()) out->push_back(*piece);
  };
  scope.spawn(read(api.server.get(), &pieces));
  scope.spawn(read(api.server.get(), &pieces));
  api.executor.drain();
  create(api, "a");
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].get(), pieces[1].get());
}

// A watch whose frames are taken one by one.
class SlowWatch {
 public:
  SlowWatch(Harness& api, std::string query, std::string accept = {}) : api_(api), scope_(api.executor) {
    scope_.spawn(open(api.server.get(), Harness::request("GET", kMaps + query, {}, {}, std::move(accept)), &stream_));
    api.executor.drain();
  }
  // Null: it has ended, or nothing has come.
  SharedBytes next() {
    SharedBytes out;
    scope_.spawn(take(stream_.get(), &out));
    api_.executor.drain();
    return out;
  }
  std::string next_name() {
    const SharedBytes frame = next();
    if (!frame) return "nothing";
    const Json event = Json::parse(*frame);
    return event["type"].get<std::string>() + " " + event["object"]["metadata"].value("name", "");
  }
  BodyStream* stream() { return stream_.get(); }

 private:
  static Task<void> open(ApiServer* server, HttpRequest request, std::unique_ptr<BodyStream>* out) {
    HttpResponse response = co_await server->handle(std::move(request));
    *out = std::move(response.stream);
  }
  static Task<void> take(BodyStream* stream, SharedBytes* out) {
    if (auto piece = co_await stream->next()) *out = *piece;
  }

  Harness& api_;
  std::unique_ptr<BodyStream> stream_;
  Scope scope_;
};

TEST(RestWatch, WhatExistedIsToldAsItWasThenWhatBecameOfIt) {
  Harness api;
  for (const char* name : {"a", "b", "c"}) create(api, name);
  SlowWatch watch(api, "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  EXPECT_EQ(watch.next_name(), "ADDED a");
  relabel(api, "b", "y");
  api.remove(kMaps + "/c");
  create(api, "d");
  for (const char* wanted : {"ADDED b", "ADDED c", "BOOKMARK ", "MODIFIED b", "DELETED c", "ADDED d"})
    EXPECT_EQ(watch.next_name(), wanted);
}

TEST(RestWatch, WatchersShareTheFramesThatTheyStillHaveToSend) {
  Harness api;
  for (int i = 0; i < 300; ++i) create(api, "m" + std::to_string(1000 + i));
  std::vector<std::unique_ptr<SlowWatch>> watches;
  std::vector<std::vector<SharedBytes>> held;
  for (int i = 0; i < 3; ++i) {
    watches.push_back(std::make_unique<SlowWatch>(api, "?watch=1"));
    // More than are kept for their own sake.
    held.emplace_back();
    for (int k = 0; k < 200; ++k) held.back().push_back(watches.back()->next());
  }
  for (int k = 0; k < 200; ++k) {
    ASSERT_TRUE(held[0][k]);
    EXPECT_EQ(held[0][k].get(), held[1][k].get());
    EXPECT_EQ(held[0][k].get(), held[2][k].get());
  }
  // An object that has changed is another one, though its old frame is still about.
  relabel(api, "m1000", "y");
  SlowWatch later(api, "?watch=1");
  EXPECT_NE(*later.next(), *held[0][0]);
}

TEST(RestWatch, ASlowReaderIsToldEverythingThoughTheWindowMovesOn) {
  Harness api;
  create(api, "a");
  create(api, "b");
  SlowWatch watch(api, "?watch=1");
  EXPECT_EQ(watch.next_name(), "ADDED a");
  for (int i = 0; i < 300; ++i) relabel(api, "a", "l" + std::to_string(i));
  api.executor.advance(11min);
  relabel(api, "a", "last");
  EXPECT_EQ(watch.next_name(), "ADDED b");
  for (int i = 0; i < 301; ++i) {
    ASSERT_EQ(watch.next_name(), "MODIFIED a");
    api.executor.advance(1s);
    relabel(api, "b", "l" + std::to_string(i));
  }
  for (int i = 0; i < 301; ++i) ASSERT_EQ(watch.next_name(), "MODIFIED b");
}

// In each form that a watch can have: who has not read for too long is told so, and then the stream ends.
TEST(RestWatch, WhoDoesNotReadExpires) {
  const std::string protobuf = "application/vnd.kubernetes.protobuf", json = "application/json";
  const std::string table = ";as=Table;g=meta.k8s.io;v=v1", partial = ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  for (const std::string& accept : {json, json + table, json + partial, protobuf + ";stream=watch", protobuf + partial}) {
    for (const bool in_the_beginning : {true, false}) {
      SCOPED_TRACE(accept + (in_the_beginning ? " while it is told what exists" : " behind that"));
      ServerOptions options = quiet_options();
      options.cache.events_max = 3;
      Extensions extensions;
      extensions.tables = make_table_converter();
      Harness api(options, std::move(extensions));
      create(api, "a");
      create(api, "b");
      SlowWatch watch(api, "?watch=1", accept);
      ASSERT_TRUE(watch.stream());
      for (int i = in_the_beginning ? 1 : 2; i > 0; --i) ASSERT_TRUE(watch.next());
      const auto change = [&] {
        for (int i = 0; i < 10; ++i) relabel(api, "a", "l" + std::to_string(i));
      };
      change();
      api.executor.advance(61s);
      change();
      const SharedBytes frame = watch.next();
      ASSERT_TRUE(frame);
      if (accept.starts_with(json)) {
        const Json event = Json::parse(*frame);
        EXPECT_EQ(event["type"], "ERROR");
        EXPECT_EQ(event["object"]["kind"], "Status");
        EXPECT_EQ(event["object"]["code"], 410);
        EXPECT_EQ(event["object"]["reason"], "Expired");
      } else {
        EXPECT_EQ(frame->substr(4, 7),
                  "\x0a\x05"
                  "ERROR");
        meta::v1::Status status;
        api::decode_envelope(std::string_view(*frame).substr(frame->find(std::string("k8s\0", 4))), status);
        EXPECT_EQ(status.code(), 410);
        EXPECT_EQ(status.reason(), "Expired");
      }
      EXPECT_EQ(watch.next_name(), "nothing");
    }
  }
}

TEST(RestWatch, ABookmarkClaimsNothingThatWasLost) {
  Harness api;
  create(api, "a");
  SlowWatch watch(api,
                  "?watch=1&allowWatchBookmarks=true&timeoutSeconds=3000&resourceVersion=" + to_string(api.store->revision()));
  // More than a portion, so that something is left in the window when it moves on.
  for (int i = 0; i < 300; ++i) relabel(api, "a", "l" + std::to_string(i));
  api.executor.advance(61s);
  EXPECT_EQ(watch.next_name(), "MODIFIED a");
  for (int i = 0; i < 300; ++i) relabel(api, "a", "m" + std::to_string(i));
  api.executor.advance(11min);
  relabel(api, "a", "last");
  api.executor.advance(61s);
  relabel(api, "a", "more");
  std::size_t told = 1;
  for (std::string name = watch.next_name(); name != "ERROR "; name = watch.next_name(), ++told) ASSERT_EQ(name, "MODIFIED a");
  EXPECT_LT(told, 300u);
  EXPECT_EQ(watch.next_name(), "nothing");
}

TEST(RestWatch, WhoIsConcernedByNothingStaysAndCanResume) {
  Harness api;
  create(api, "a");
  const std::string since = to_string(api.store->revision());
  const std::string query =
      kMaps + "?watch=1&allowWatchBookmarks=true&timeoutSeconds=3000&fieldSelector=metadata.name%3Db&resourceVersion=";
  const auto log = api.watch(query + since);
  for (int minute = 0; minute < 30; ++minute) {
    for (int i = 0; i < 20; ++i) relabel(api, "a", "l" + std::to_string(i) + "." + std::to_string(minute));
    api.executor.advance(1min);
  }
  EXPECT_THAT(api.watch(query + since)->take(), ElementsAre("ERROR Expired")) << "what it has not said it would know";
  ASSERT_EQ(log->frames.size(), 30u) << "a bookmark a minute";
  const Json bookmark = Json::parse(log->frames.back());
  EXPECT_EQ(bookmark["type"], "BOOKMARK");
  const std::string seen = bookmark["object"]["metadata"]["resourceVersion"];
  EXPECT_EQ(seen, to_string(api.store->revision()));
  log->take();
  const auto resumed = api.watch(query + seen);
  create(api, "b");
  EXPECT_THAT(log->take(), ElementsAre("ADDED b"));
  EXPECT_THAT(resumed->take(), ElementsAre("ADDED b"));
}

TEST(RestWatch, ALongSearchLetsOthersHaveTheirTurn) {
  Harness api;
  for (int i = 0; i < 1'200; ++i) create(api, "m" + std::to_string(i));
  SlowWatch search(api, "?watch=1&labelSelector=l=y");
  std::vector<std::string> order;
  const auto take = [](BodyStream* stream, std::vector<std::string>* out) -> Task<void> {
    co_await stream->next();
    out->push_back("search");
  };
  const auto get = [](ApiServer* server, std::vector<std::string>* out) -> Task<void> {
    co_await server->handle(Harness::request("GET", kMaps + "/m1"));
    out->push_back("get");
  };
  create(api, "z", "y");
  Scope scope(api.executor);
  scope.spawn(take(search.stream(), &order));
  scope.spawn(get(api.server.get(), &order));
  api.executor.drain();
  EXPECT_THAT(order, ElementsAre("get", "search"));
}

TEST(RestWatch, StoppingTheServerEndsWatches) {
  Harness api;
  const auto log = api.watch(kMaps + "?watch=1");
  Scope scope(api.executor);
  scope.spawn(api.server->stop());
  api.executor.drain();
  EXPECT_TRUE(log->ended);
  EXPECT_EQ(api.get(kMaps).status, 503);
}

}  // namespace
}  // namespace ph::apiserver::testing
