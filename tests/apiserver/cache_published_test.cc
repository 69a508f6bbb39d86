// What other threads read of a cache: a snapshot while there is one that nothing has overtaken, and not a word else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/cache/cache.h"
#include "apiserver/storage/memory.h"
#include "base/anywhere.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using ::testing::ElementsAre;

struct PublishedTest : ::testing::Test {
  PublishedTest()
      : store(memory_store(executor, executor.time)),
        hub(*store, executor),
        pods(hub, "/registry/pods/"),
        nodes(hub, "/registry/minions/") {
    executor.run(hub.fill());
  }
  Revision put_pod(const std::string& key) {
    return executor.run(store->commit(put("/registry/pods/" + key, make_object(key, "x")))).value();
  }
  // As a thread that asks in vain, and the executor's work that it then asks.
  void publish(WatchCache& cache) {
    (void)cache.published();
    cache.publish();
  }
  static std::vector<std::string> keys(const std::optional<Snapshot>& snapshot) {
    std::vector<std::string> out;
    for (const EntryRef& entry : *snapshot->entries) out.push_back(entry->key);
    return out;
  }

  ManualExecutor executor;
  std::unique_ptr<Store> store;
  CacheHub hub;
  WatchCache pods, nodes;
};

TEST_F(PublishedTest, OnlyWhatWasAskedFor) {
  put_pod("a");
  EXPECT_FALSE(pods.published().has_value());
  pods.publish();
  ASSERT_TRUE(pods.published().has_value());
  EXPECT_THAT(keys(pods.published()), ElementsAre("a"));
  EXPECT_EQ(pods.published()->entries, pods.snapshot().entries) << "another list of the same";
  nodes.publish();
  EXPECT_FALSE(nodes.published().has_value()) << "nobody has asked for it";
}

TEST_F(PublishedTest, FollowsChangesAsLongAsSomebodyAsks) {
  publish(pods);
  put_pod("a");  // who has asked in vain will ask again
  ASSERT_TRUE(pods.published().has_value());
  EXPECT_THAT(keys(pods.published()), ElementsAre("a"));
  put_pod("b");
  put_pod("c");  // nobody has asked in between
  EXPECT_FALSE(pods.published().has_value());
  put_pod("d");
  EXPECT_THAT(keys(pods.published()), ElementsAre("a", "b", "c", "d"));
}

TEST_F(PublishedTest, IsAsNewAsTheStore) {
  publish(nodes);
  const std::uint64_t version = nodes.version();
  const Revision revision = put_pod("a");
  ASSERT_TRUE(nodes.published().has_value());
  EXPECT_EQ(nodes.published()->revision, revision) << "nothing has changed here since";
  EXPECT_EQ(nodes.version(), version);
}

TEST_F(PublishedTest, ItsVersionTellsOfEachChange) {
  std::uint64_t version = pods.version();
  for (const char* key : {"a", "b", "a"}) {
    put_pod(key);
    EXPECT_NE(std::exchange(version, pods.version()), pods.version());
  }
  executor.run(store->commit(remove("/registry/pods/a")));
  EXPECT_NE(version, pods.version());
}

TEST_F(PublishedTest, NothingIsLeftOfOneThatIsClosed) {
  publish(pods);
  pods.close();
  EXPECT_FALSE(pods.published().has_value());
  pods.publish();
  EXPECT_FALSE(pods.published().has_value());
}

TEST_F(PublishedTest, LooksWhereItMay) {
  put_pod("a");
  EXPECT_NE(*pods.look("a"), nullptr);
  EXPECT_EQ(*pods.look("b"), nullptr);
  const Anywhere anywhere;
  EXPECT_FALSE(pods.look("a").has_value());
}

TEST_F(PublishedTest, NobodyElseTouchesWhatIsTheExecutors) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const Anywhere anywhere;
        (void)pods.find("a");
      },
      "Anywhere");
  EXPECT_DEATH(
      {
        const Anywhere anywhere;
        (void)pods.snapshot();
      },
      "Anywhere");
}

}  // namespace
}  // namespace ph::apiserver
