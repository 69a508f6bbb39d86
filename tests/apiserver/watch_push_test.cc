// Watches whose frames are put into a sink while their reader waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/kinds.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

std::string name_in(const SharedBytes& frame) {
  const Json event = Json::parse(*frame);
  return event["type"].get<std::string>() + " " + event["object"]["metadata"].value("name", "");
}

// Takes so many pieces, and then no more until it is emptied.
class Box final : public PieceSink {
 public:
  explicit Box(std::size_t room) : room_(room) {}
  bool has_room() const override { return pieces_.size() < room_; }
  void put(SharedBytes piece) override { pieces_.push_back(std::move(piece)); }
  std::vector<std::string> take() {
    std::vector<std::string> out;
    for (const SharedBytes& piece : std::exchange(pieces_, {})) out.push_back(name_in(piece));
    return out;
  }

 private:
  const std::size_t room_;
  std::vector<SharedBytes> pieces_;
};

// A reader who asks for the next piece only when he is told to.
class Reader {
 public:
  Reader(Harness& api, const std::string& query, std::size_t room) : api_(api), box(room), scope_(api.executor) {
    scope_.spawn(open(api.server.get(), Harness::request("GET", kMaps + query), this));
    api.executor.drain();
  }
  void ask() {
    scope_.spawn(take(this));
    api_.executor.drain();
  }
  // What `next` has returned.
  std::vector<std::string> take_returned() { return std::exchange(returned_, {}); }

 private:
  static Task<void> open(ApiServer* server, HttpRequest request, Reader* reader) {
    HttpResponse response = co_await server->handle(std::move(request));
    reader->stream_ = std::move(response.stream);
    reader->stream_->push_to(reader->box);
  }
  static Task<void> take(Reader* reader) {
    if (auto piece = co_await reader->stream_->next()) reader->returned_.push_back(name_in(*piece));
    else reader->returned_.push_back("end");
  }

  Harness& api_;
  std::vector<std::string> returned_;

 public:
  Box box;

 private:
  std::unique_ptr<BodyStream> stream_;
  Scope scope_;
};

void create(Harness& api, const std::string& name, const std::string& label = "x") {
  const Answer answer = api.post(kMaps, fmt::format(R"({{"metadata":{{"name":"{}","labels":{{"l":"{}"}}}}}})", name, label));
  ASSERT_EQ(answer.status, 201) << answer.body;
}

TEST(WatchPush, WhileItsReaderWaits) {
  Harness api;
  create(api, "a");
  Reader reader(api, "?watch=1", 100);
  reader.ask();
  EXPECT_THAT(reader.take_returned(), ElementsAre("ADDED a")) << "of what exists the reader is told when he asks";
  create(api, "b");
  EXPECT_THAT(reader.box.take(), IsEmpty()) << "he does not wait";
  reader.ask();
  EXPECT_THAT(reader.take_returned(), ElementsAre("ADDED b"));
  reader.ask();
  create(api, "c");
  create(api, "d");
  api.remove(kMaps + "/c");
  EXPECT_THAT(reader.box.take(), ElementsAre("ADDED c", "ADDED d", "DELETED c"));
  EXPECT_THAT(reader.take_returned(), IsEmpty()) << "he still waits";
}

TEST(WatchPush, OnlyWhatIsSelected) {
  Harness api;
  Reader reader(api, "?watch=1&resourceVersion=0&labelSelector=l%3Dx", 100);
  Reader of_one(api, "?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Db", 100);
  reader.ask(), of_one.ask();
  create(api, "a");
  create(api, "b", "y");
  EXPECT_THAT(reader.box.take(), ElementsAre("ADDED a"));
  EXPECT_THAT(of_one.box.take(), ElementsAre("ADDED b"));
  api.patch(kMaps + "/a", R"({"metadata":{"labels":{"l":"y"}}})");
  EXPECT_THAT(reader.box.take(), ElementsAre("DELETED a"));
}

TEST(WatchPush, NotBeyondItsRoom) {
  Harness api;
  Reader reader(api, "?watch=1&resourceVersion=0", 2);
  reader.ask();
  for (const char* name : {"a", "b", "c", "d"}) create(api, name);
  EXPECT_THAT(reader.box.take(), ElementsAre("ADDED a", "ADDED b"));
  EXPECT_THAT(reader.take_returned(), ElementsAre("ADDED c")) << "the wait has ended with the one that did not fit";
  create(api, "e");
  EXPECT_THAT(reader.box.take(), IsEmpty());
  for (const char* wanted : {"ADDED d", "ADDED e"}) {
    reader.ask();
    EXPECT_THAT(reader.take_returned(), ElementsAre(wanted));
  }
}

TEST(WatchPush, ARevisionIsNotCutInTwo) {
  Harness api;
  Reader reader(api, "?watch=1&resourceVersion=0", 2);
  reader.ask();
  create(api, "a");
  // One transaction of three.
  Transaction transaction;
  for (const char* name : {"b", "c", "d"}) {
    core::v1::ConfigMap object;
    object.mutable_metadata()->set_name(name);
    object.mutable_metadata()->set_namespace_("default");
    transaction.mutations.push_back(
        {.key = fmt::format("/registry/configmaps/default/{}", name), .value = api::encode_envelope(object)});
  }
  Scope scope(api.executor);
  const auto commit = [](Store* store, Transaction what) -> Task<void> { (void)co_await store->commit(std::move(what)); };
  scope.spawn(commit(api.store.get(), std::move(transaction)));
  api.executor.drain();
  EXPECT_THAT(reader.box.take(), ElementsAre("ADDED a", "ADDED b", "ADDED c", "ADDED d"));
  EXPECT_THAT(reader.take_returned(), IsEmpty());
}

TEST(WatchPush, ManyWatchersOfOneChange) {
  Harness api;
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < 2'000; ++i) {
    readers.push_back(std::make_unique<Reader>(api, "?watch=1&resourceVersion=0", 100));
    readers.back()->ask();
  }
  create(api, "a");
  readers[700].reset();  // one goes in the middle
  create(api, "b");
  for (const auto& reader : readers) {
    if (reader) EXPECT_THAT(reader->box.take(), ElementsAre("ADDED a", "ADDED b"));
  }
}

TEST(WatchPush, EndsAsOthersDo) {
  Harness api;
  Reader reader(api, "?watch=1&resourceVersion=0&timeoutSeconds=5", 100);
  reader.ask();
  create(api, "a");
  EXPECT_THAT(reader.box.take(), ElementsAre("ADDED a"));
  api.executor.advance(6s);
  EXPECT_THAT(reader.take_returned(), ElementsAre("end"));
}

}  // namespace
}  // namespace ph::apiserver::testing
