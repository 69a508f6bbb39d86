// Disks that are full or fail while the machine goes on: the store says so and ends; what was acknowledged is there
// when the disk is well again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "apiserver/storage/rocksdb.h"
#include "base/rng.h"
#include "tests/apiserver/storage_directory.h"
#include "tests/apiserver/storage_fault_fs.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using Operation = FaultyFiles::Operation;

// A store with some clients, until they have done or it gives up.
struct Life {
  std::map<std::string, std::string> acknowledged;
  Revision newest{1};
  std::string said;  // by the store when it gave up, or would not open

  void run(const std::string& path, const std::shared_ptr<FaultyFiles>& files, std::uint64_t seed) {
    ManualExecutor executor;
    RocksOptions options{.file_system = files};
    options.fatal = [&](std::string_view message) { executor.post([this, message = std::string(message)] { said = message; }); };
    try {
      auto store = open_rocksdb_store(path, executor, executor.time, std::move(options));
      SeededRng rng(seed);
      {
        Scope scope(executor);
        for (int i = 0; i < 6; ++i) scope.spawn(write(*store, "/client" + std::to_string(i), rng, *this));
        executor.run_until([&] { return !said.empty() || scope.size() == 0; });
      }
      store.reset();
      executor.drain();
    } catch (const StoreError& error) {
      said = error.what();
    }
  }

  static Task<void> write(Store& store, std::string directory, SeededRng& rng, Life& life) {
    for (int i = 0; i < 40; ++i) {
      const std::string key = directory + "/" + std::to_string(rng.below(8));
      const std::string value = std::to_string(i) + std::string(rng.below(rng.below(4) == 0 ? 200'000 : 3'000), 'x');
      const auto revision = co_await store.commit(put(key, value));
      life.acknowledged[key] = value;
      life.newest = std::max(life.newest, *revision);
    }
  }
};

// The disk is well again.
void expect_all_there(const std::string& path, const Life& life) {
  for (int start = 0; start < 2; ++start) {
    ManualExecutor executor;
    const auto store = open_rocksdb_store(path, executor, executor.time, {.file_system = std::make_shared<FaultyFiles>()});
    EXPECT_GE(store->revision(), life.newest);
    for (const auto& [key, value] : life.acknowledged) {
      const auto found = executor.run(store->get(key));
      ASSERT_TRUE(found) << key;
      // A write that was under way may have arrived: it is then the newer one.
      if (found->modified <= life.newest) EXPECT_EQ(*found->value, value) << key;
    }
    EXPECT_TRUE(executor.run(store->commit(put("/after", "it goes on"))));
  }
}

struct Fault {
  const char* name;
  Operation kind;
  rocksdb::IOStatus status;
  const char* says;
};

const Fault kFaults[] = {
    {"full when it writes", Operation::Write, FaultyFiles::no_space(), "make room and start again"},
    {"full when it syncs", Operation::Sync, FaultyFiles::no_space(), "make room and start again"},
    {"full when it makes a file", Operation::Create, FaultyFiles::no_space(), "make room and start again"},
    {"a sync fails", Operation::Sync, rocksdb::IOStatus::IOError("While fdatasync", "Input/output error"), "Input/output error"},
    {"a write fails", Operation::Write, rocksdb::IOStatus::IOError("While appending", "Input/output error"),
     "Input/output error"},
};

// The first, the second, … operation of the kind is the one that fails, in a store that was there before.
TEST(RocksStoreDisk, FailsAtAnyOperation) {
  for (const Fault& fault : kFaults) {
    int failed = 0;
    for (std::uint64_t after = 0; after < 400; after += 1 + after / 3) {
      SCOPED_TRACE(fmt::format("{}, after {}", fault.name, after));
      TestDirectory directory;
      Life before;
      before.run(directory.path(), std::make_shared<FaultyFiles>(), 1);
      ASSERT_EQ(before.said, "");
      const auto files = std::make_shared<FaultyFiles>();
      files->fail_after(fault.kind, after, fault.status);
      Life life = before;
      life.run(directory.path(), files, 2 + after);
      if (!files->failed()) break;
      // What fails in the background, when all is done, nobody asks for.
      if (!life.said.empty()) EXPECT_THAT(life.said, HasSubstr(fault.says));
      failed += life.said.empty() ? 0 : 1;
      // After a sync that failed nobody knows what is on the disk: nothing that was not synced before.
      if (fault.kind == Operation::Sync) files->lose_unsynced(after * 1'000, after % 2 == 0);
      expect_all_there(directory.path(), life);
      if (HasFatalFailure()) return;
    }
    EXPECT_GE(failed, 4) << fault.name;
  }
}

TEST(RocksStoreDisk, FullAtAnyByte) {
  SeededRng rng(4);
  int refused_to_open = 0, gave_up = 0;
  for (int round = 0; round < 30; ++round) {
    TestDirectory directory;
    Life life;
    life.run(directory.path(), std::make_shared<FaultyFiles>(), 1);
    const auto files = std::make_shared<FaultyFiles>();
    const std::uint64_t space = round < 8 ? rng.below(4'000) : rng.below(6'000'000);
    SCOPED_TRACE(space);
    files->fill_after(space);
    life.run(directory.path(), files, 2 + round);
    ASSERT_TRUE(files->failed()) << "the clients write more than that";
    ASSERT_THAT(life.said, HasSubstr("No space left on device"));
    ASSERT_THAT(life.said, HasSubstr("make room and start again"));
    ++(life.said.starts_with("the store cannot go on") ? gave_up : refused_to_open);
    expect_all_there(directory.path(), life);
  }
  EXPECT_GT(refused_to_open, 0);
  EXPECT_GT(gave_up, 10);
}

// The first start on a disk that is full already.
TEST(RocksStoreDisk, FullFromTheBeginning) {
  for (std::uint64_t space = 0; space < 2'000; space += 37) {
    SCOPED_TRACE(space);
    TestDirectory directory;
    const auto files = std::make_shared<FaultyFiles>();
    files->fill_after(space);
    Life life;
    life.run(directory.path(), files, 1);
    ASSERT_THAT(life.said, HasSubstr("make room and start again"));
    expect_all_there(directory.path(), life);
  }
}

}  // namespace
}  // namespace ph::apiserver
