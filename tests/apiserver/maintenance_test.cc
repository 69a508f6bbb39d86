// What a server says about its store, and to whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/maintenance/store_counts.h"
#include "apiserver/maintenance/store_paths.h"
#include "apiserver/storage/snapshot.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using ::testing::HasSubstr;

TEST(StoreCounts, KnowsWhoseAKeyIs) {
  StoreCounts counts;
  for (const char* key : {"/registry/pods/default/a", "/registry/deployments/default/a", "/registry/services/specs/default/a",
                          "/registry/services/endpoints/default/a", "/registry/namespaces/default", "/registry/events/default/a",
                          "/registry/nonsense/a", "/else"}) {
    counts.add(key, 10);
  }
  counts.add("/registry/pods/default/b", 5);
  std::string all;
  for (const auto& [resource, count] : counts.resources) all += fmt::format("{} {} {}, ", resource, count.objects, count.bytes);
  EXPECT_EQ(all,
            "/else 1 10, deployments.apps 1 10, endpoints 1 10, events 1 10, namespaces 1 10, nonsense 1 10, pods 2 "
            "15, services 1 10, ");
  EXPECT_EQ(counts.all.objects, 9u);
  EXPECT_EQ(counts.all.bytes, 85u);
}

struct Collected final : SnapshotDecoder::Visitor {
  void head(Revision at, Time) override { revision = at; }
  void value(std::string_view key, Revision, std::string_view value) override { values.emplace(key, value); }
  Revision revision;
  std::map<std::string, std::string> values;
};

class StorePathsTest : public ::testing::Test {
 protected:
  StorePathsTest() {
    Extensions extensions;
    extensions.paths.push_back(store_paths(*world.store, world.executor.clock()));
    world.server->install(std::move(extensions));
    world.post("/api/v1/namespaces", R"({"metadata":{"name":"default"}})");
    for (int i = 0; i < 3; ++i) create(i);
  }
  void create(int i) {
    const Answer answer =
        world.post("/api/v1/namespaces/default/configmaps",
                   fmt::format(R"({{"metadata":{{"name":"m{}"}},"data":{{"a":"{}"}}}})", i, std::string(90'000, 'x')));
    ASSERT_EQ(answer.status, 201) << answer.body;
  }

  Harness world;
};

TEST_F(StorePathsTest, Status) {
  const Json status = world.get("/pilothouse/status").json();
  EXPECT_EQ(status["revision"], world.store->revision().value);
  EXPECT_EQ(status["history"]["since"], 1);
  EXPECT_EQ(status["history"]["begins"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(status["objects"]["configmaps"]["count"], 3);
  EXPECT_GT(status["objects"]["configmaps"]["bytes"], 270'000);
  EXPECT_EQ(status["objects"]["namespaces"]["count"], 1);
}

TEST_F(StorePathsTest, SnapshotWhileWritesGoOn) {
  HttpResponse response;
  Scope scope(world.executor);
  struct Tasks {
    static Task<void> begin(ApiServer& server, HttpResponse& out) {
      out = co_await server.handle(Harness::request("GET", "/pilothouse/snapshot"));
    }
    static Task<void> read(BodyStream& stream, std::string& out, int pieces, bool& ended) {
      while (pieces-- > 0) {
        const auto piece = co_await stream.next();
        ended = !piece;
        if (ended) break;
        out += **piece;
      }
    }
  };
  scope.spawn(Tasks::begin(*world.server, response));
  world.executor.drain();
  ASSERT_TRUE(response.stream);
  const Revision then = world.store->revision();
  std::string bytes;
  bool ended = false;
  scope.spawn(Tasks::read(*response.stream, bytes, 1, ended));
  world.executor.drain();
  EXPECT_FALSE(ended) << "it comes in pieces";
  // Neither what comes nor what goes now is in it.
  for (int i = 3; i < 9; ++i) create(i);
  world.remove("/api/v1/namespaces/default/configmaps/m2");
  scope.spawn(Tasks::read(*response.stream, bytes, 100, ended));
  world.executor.drain();
  EXPECT_TRUE(ended);

  Collected collected;
  SnapshotDecoder decoder(collected);
  decoder.feed(bytes);
  decoder.finish();
  EXPECT_EQ(collected.revision, then);
  std::vector<std::string> keys;
  for (const auto& [key, value] : collected.values) {
    if (key.starts_with("/registry/configmaps/")) keys.push_back(key.substr(key.rfind('/') + 1));
  }
  EXPECT_THAT(keys, ::testing::ElementsAre("m0", "m1", "m2"));
}

TEST_F(StorePathsTest, OnlyForMasters) {
  for (const char* path : {"/pilothouse/status", "/pilothouse/snapshot"}) {
    for (const Identity& user :
         {Identity{.name = "eve", .groups = {"system:authenticated"}}, Identity{.name = "system:masters"}}) {
      HttpRequest request = Harness::request("GET", path);
      request.peer.identity = user;
      const Answer answer = world.send(std::move(request));
      EXPECT_EQ(answer.status, 403);
      EXPECT_THAT(answer.message(), HasSubstr(fmt::format("User \"{}\" cannot get path \"{}\": only the group system:masters may",
                                                          user.name, path)));
    }
    EXPECT_EQ(world.post(path, "{}").status, 405);
  }
  EXPECT_EQ(world.get("/pilothouse").status, 404);
  EXPECT_EQ(world.get("/pilothouse/status/more").status, 404);
}

}  // namespace
}  // namespace ph::apiserver
