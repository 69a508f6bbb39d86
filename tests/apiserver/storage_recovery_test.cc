// What is on the disk after crashes and damage: acknowledged writes are there, or the store says loudly that it cannot
// know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "apiserver/storage/rocksdb.h"
#include "base/rng.h"
#include "tests/apiserver/storage_directory.h"
#include "tests/apiserver/storage_fault_fs.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::string read_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
void write_file(const std::string& name, std::string_view bytes) {
  std::ofstream(name, std::ios::binary | std::ios::trunc) << bytes;
}

// What open says; "" when it opens. Nothing is really synced: tests that open hundreds of times would take long.
std::string refusal(const std::string& path, std::shared_ptr<rocksdb::FileSystem> files = std::make_shared<FaultyFiles>()) {
  ManualExecutor executor;
  RocksOptions options{.file_system = std::move(files)};
  try {
    open_rocksdb_store(path, executor, executor.time, std::move(options));
    return "";
  } catch (const StoreError& error) {
    return error.what();
  }
}

// -- Machines that stop.

class CrashSeeds : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, CrashSeeds, ::testing::Range<std::uint64_t>(1, 25));

struct Client {
  std::string directory;
  int asked = 0;
  int acknowledged = 0;

  // Both keys always hold the same number.
  static Task<void> run(Store& store, Client& client, SeededRng& rng, Revision& newest) {
    for (int i = 0; i < 60; ++i) {
      const std::string value =
          std::to_string(++client.asked) + " " + std::string(rng.below(rng.below(8) == 0 ? 90'000 : 3'000), 'x');
      Transaction t{{}, {{client.directory + "a", value}, {client.directory + "b", value, rng.below(2) == 0}}, ""};
      const auto revision = co_await store.commit(std::move(t));
      client.acknowledged = client.asked;
      newest = std::max(newest, *revision);
    }
  }
};

TEST_P(CrashSeeds, WhatWasAcknowledgedIsThere) {
  SeededRng rng(GetParam());
  TestDirectory directory;
  std::vector<Client> clients(1 + rng.below(12));
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].directory = "/client" + std::to_string(i) + "/";
  Revision newest{1};

  // Several lives in one directory; each ends somewhere in the middle.
  for (int life = 0; life < 4; ++life) {
    SCOPED_TRACE(life);
    const auto files = std::make_shared<FaultyFiles>();
    ManualExecutor executor;
    bool failed = false;
    // Most of the time between two syncs, sometimes while opening.
    if (life > 0) files->crash_after(rng.below(rng.below(4) == 0 ? 60 : 700));
    try {
      RocksOptions options{.file_system = files};
      options.fatal = [&](std::string_view) { executor.post([&failed] { failed = true; }); };
      auto store = open_rocksdb_store(directory.path(), executor, executor.time, std::move(options));
      store->follow([&](std::span<const Change> changes) { newest = std::max(newest, changes.back().revision); });
      {
        Scope scope(executor);
        for (Client& client : clients) scope.spawn(Client::run(*store, client, rng, newest));
        executor.run_until([&] { return failed || scope.size() == 0; });
      }
      store.reset();
    } catch (const StoreError&) {
      ASSERT_TRUE(files->crashed()) << "refused without a reason";
    }
    files->lose_unsynced(rng.below(200'000) * rng.below(2), rng.below(2) == 0);

    ManualExecutor after;
    const auto store = open_rocksdb_store(directory.path(), after, after.time);
    EXPECT_GE(store->revision(), newest) << "something was shown that is not there";
    for (Client& client : clients) {
      const auto a = after.run(store->get(client.directory + "a"));
      const auto b = after.run(store->get(client.directory + "b"));
      const int number = a ? std::stoi(*a->value) : 0;
      EXPECT_EQ(number, b ? std::stoi(*b->value) : 0) << "half a transaction";
      EXPECT_GE(number, client.acknowledged) << client.directory;
      EXPECT_LE(number, client.asked) << client.directory;
    }
  }
}

// Fails as a disk does, without the machine stopping.
TEST(RocksStoreFaults, AFailedSyncAnswersNobody) {
  TestDirectory directory;
  const auto files = std::make_shared<FaultyFiles>();
  ManualExecutor executor;
  std::string message;
  RocksOptions options{.file_system = files};
  options.fatal = [&](std::string_view text) { executor.post([&message, text = std::string(text)] { message = text; }); };
  auto store = open_rocksdb_store(directory.path(), executor, executor.time, std::move(options));
  ASSERT_TRUE(executor.run(store->commit(put("/a", "1"))));
  std::vector<Change> fed;
  store->follow([&](std::span<const Change> changes) { fed.assign(changes.begin(), changes.end()); });
  struct Tasks {
    static Task<void> commit(Store& store, Transaction t, int& answers) {
      (void)co_await store.commit(std::move(t));
      ++answers;
    }
  };
  int answers = 0;
  Scope scope(executor);
  files->crash_after(1);  // the write succeeds, its sync does not
  scope.spawn(Tasks::commit(*store, put("/a", "2"), answers));
  scope.spawn(Tasks::commit(*store, {{{"/a", Precondition::Kind::Absent, {}}}, {{"/a", "3"}}, ""}, answers));
  executor.run_until([&] { return !message.empty(); });
  executor.drain();
  EXPECT_THAT(message, HasSubstr("the store cannot go on"));
  EXPECT_EQ(answers, 0);
  EXPECT_TRUE(fed.empty());
  EXPECT_EQ(store->revision(), Revision{2});
}

TEST(RocksStoreFaultsDeathTest, AFailedWriteEndsTheProcess) {
  TestDirectory directory;
  const auto die = [&] {
    const auto files = std::make_shared<FaultyFiles>();
    ManualExecutor executor;
    auto store = open_rocksdb_store(directory.path(), executor, executor.time, {.file_system = files});
    files->crash_after(0);
    (void)executor.run(store->commit(put("/a", "1")));
  };
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(die(), "the store cannot go on: writing: ");
}

TEST(RocksStoreFaults, WhoWaitsSharesASync) {
  TestDirectory directory;
  const auto files = std::make_shared<FaultyFiles>();
  ManualExecutor executor;
  auto store = open_rocksdb_store(directory.path(), executor, executor.time, {.file_system = files});
  struct Tasks {
    static Task<void> commit(Store& store, int i) { (void)co_await store.commit(put("/" + std::to_string(i), "x")); }
  };
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 1000; ++i) tasks.push_back(Tasks::commit(*store, i));
  const std::uint64_t before = files->log_syncs();
  executor.run(all(std::move(tasks)));
  EXPECT_EQ(store->revision(), Revision{1001});
  EXPECT_GE(files->log_syncs(), before + 1);
  EXPECT_LT(files->log_syncs(), before + 500);
}

// -- Logs that are cut or damaged.

// A store that wrote some transactions, and its log: where each record ends.
struct Logged {
  explicit Logged(const std::vector<std::size_t>& sizes) {
    ManualExecutor executor;
    const auto store = open_rocksdb_store(directory.path(), executor, executor.time);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      (void)executor.run(store->commit(put("/" + std::to_string(i), std::string(sizes[i], 'v'))));
      ends.push_back(fs::file_size(log()));
    }
    bytes = read_file(log());
    bytes.resize(ends.back());
  }

  std::string log() const {
    std::string newest;
    for (const auto& entry : fs::directory_iterator(directory.path())) {
      if (entry.path().extension() == ".log") newest = std::max(newest, entry.path().string());
    }
    return newest;
  }

  // A copy of the directory with another log in the newest one's place.
  void with_log(const std::string& copy, std::string_view bytes) const {
    fs::remove_all(copy);
    fs::copy(directory.path(), copy);
    write_file(copy + "/" + fs::path(log()).filename().string(), bytes);
  }

  // How many of the transactions are there; -1 when there is anything but a beginning of them.
  static int count(const std::string& path) {
    ManualExecutor executor;
    const auto store = open_rocksdb_store(path, executor, executor.time, {.file_system = std::make_shared<FaultyFiles>()});
    const auto found = executor.run(store->range("/", "0", 0));
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i].key != "/" + std::to_string(i)) return -1;
    }
    const auto history = executor.run(store->history("", Revision{1}));
    if (!history || history->size() != found.size() || store->revision().value != found.size() + 1) return -1;
    // It must go on from there, and remember that.
    if (!executor.run(store->commit(put("/z", "z")))) return -1;
    return static_cast<int>(found.size());
  }

  TestDirectory directory;
  std::vector<std::size_t> ends;
  std::string bytes;
};

TEST(RocksStoreLog, CutAtEveryByteOfItsLastRecord) {
  const Logged logged({10, 20, 5});
  TestDirectory copies;
  for (std::size_t size = logged.ends[1]; size <= logged.ends[2]; ++size) {
    SCOPED_TRACE(size);
    logged.with_log(copies.path(), std::string_view(logged.bytes).substr(0, size));
    ASSERT_EQ(Logged::count(copies.path()), size == logged.ends[2] ? 3 : 2);
    ASSERT_EQ(refusal(copies.path()), "") << "the second time";
  }
}

TEST(RocksStoreLog, CutInARecordOfManyBlocks) {
  const Logged logged({10, 20, 150'000});
  TestDirectory copies;
  for (std::size_t size = logged.ends[1] + 1; size < logged.ends[2]; size += 4'093) {
    for (const bool zeros : {false, true}) {
      SCOPED_TRACE(fmt::format("{} of {}, {}", size, logged.ends[2], zeros ? "then zeros" : "cut"));
      std::string bytes = logged.bytes.substr(0, size);
      if (zeros) bytes.resize(logged.ends[2], '\0');
      logged.with_log(copies.path(), bytes);
      // The last pieces may be zeros by themselves only when they are shorter than a sector: then nothing tells.
      if (zeros && logged.ends[2] - size < 1'024) continue;
      ASSERT_EQ(Logged::count(copies.path()), 2);
    }
  }
  // Pages of one write arrive in any order: the first ones missing, the last ones there.
  std::string bytes = logged.bytes;
  std::fill(bytes.begin() + logged.ends[1], bytes.begin() + logged.ends[1] + 8'192, '\0');
  logged.with_log(copies.path(), bytes);
  EXPECT_EQ(Logged::count(copies.path()), 2);
}

TEST(RocksStoreLog, DamageBeforeTheEndIsRefused) {
  const Logged logged({10, 20, 30, 40, 50});
  TestDirectory copies;
  const std::size_t last = logged.ends[logged.ends.size() - 2];
  for (const int change : {0x01, 0x80, 0xff}) {
    for (std::size_t at = change % 7; at < last; at += 7) {
      SCOPED_TRACE(fmt::format("byte {} ^ {:x}", at, change));
      std::string bytes = logged.bytes;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      logged.with_log(copies.path(), bytes);
      const std::string said = refusal(copies.path());
      ASSERT_THAT(said, HasSubstr("damaged"));
      ASSERT_THAT(said, HasSubstr("pilothouse restore FILE --force"));
      ASSERT_THAT(said, HasSubstr(fs::path(logged.log()).filename().string())) << "which file?";
    }
  }
  // Whole headers and whole records gone.
  for (std::size_t i = 0; i + 2 < logged.ends.size(); ++i) {
    for (const std::size_t length : {std::size_t{7}, logged.ends[i + 1] - logged.ends[i]}) {
      std::string bytes = logged.bytes;
      std::fill_n(bytes.begin() + logged.ends[i], length, '\0');
      logged.with_log(copies.path(), bytes);
      ASSERT_THAT(refusal(copies.path()), HasSubstr("damaged at byte " + std::to_string(logged.ends[i])));
    }
  }
}

TEST(RocksStoreLog, DamageOfTheLastRecordIsNeverTakenForAnother) {
  const Logged logged({10, 20, 30});
  TestDirectory copies;
  for (std::size_t at = logged.ends[1]; at < logged.ends[2]; at += 3) {
    SCOPED_TRACE(at);
    std::string bytes = logged.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    logged.with_log(copies.path(), bytes);
    if (refusal(copies.path()).empty()) {
      // A length that points behind the end looks like a cut.
      EXPECT_GE(at, logged.ends[1] + 4);
      EXPECT_LT(at, logged.ends[1] + 7);
      EXPECT_EQ(Logged::count(copies.path()), 2);
    }
  }
}

TEST(RocksStoreLog, ATornOlderLogIsRefused) {
  Logged logged({10, 20});
  TestDirectory copies;
  logged.with_log(copies.path(), std::string_view(logged.bytes).substr(0, logged.ends[1] - 3));
  write_file(copies.path() + "/999999.log", "");
  EXPECT_THAT(refusal(copies.path()), HasSubstr("damaged at byte " + std::to_string(logged.ends[0])));
}

// -- Directories that are not ours to open.

TEST(RocksStoreDirectory, IsServedOnce) {
  TestDirectory directory;
  ManualExecutor executor;
  const auto store = open_rocksdb_store(directory.path(), executor, executor.time);
  EXPECT_THAT(refusal(directory.path()), HasSubstr("in use by another server"));
  ASSERT_TRUE(executor.run(store->commit(put("/a", "1")))) << "the refused one must not have done harm";
}

TEST(RocksStoreDirectory, MustHoldAStoreOfThisFormat) {
  struct Case {
    const char* name;
    const char* file;
    const char* text;
    const char* says;
  };
  for (const Case& c : {
           Case{"a newer version's", "FORMAT", "pilothouse store, format 7\n",
                "holds a pilothouse store, format 7, this version needs format 1; use the version that wrote it, or another"},
           Case{"an older version's", "FORMAT", "pilothouse store, format 0\n",
                "format 0, this version needs format 1; use the version that wrote it, also to make a snapshot that this one"},
           Case{"a version's far away", "FORMAT", "pilothouse store, format 10\n", "use the version that wrote it, or another"},
           Case{"no version's", "FORMAT", "pilothouse store, format \n", "is not a pilothouse store"},
           Case{"an empty file", "FORMAT", "", "is not a pilothouse store"},
           Case{"anything", "FORMAT", "jpeg\n", "is not a pilothouse store"},
           Case{"somebody's RocksDB", "CURRENT", "MANIFEST-000001\n", "is not a pilothouse store"},
       }) {
    SCOPED_TRACE(c.name);
    TestDirectory directory;
    fs::create_directories(directory.path());
    write_file(directory.path() + "/" + c.file, c.text);
    EXPECT_THAT(refusal(directory.path()), HasSubstr(c.says));
    EXPECT_EQ(read_file(directory.path() + "/" + c.file), c.text) << "left as it was";
    EXPECT_FALSE(fs::exists(directory.path() + "/IDENTITY"));
  }
}

TEST(RocksStoreDirectory, MustBeADirectory) {
  TestDirectory directory;
  write_file(directory.path(), "a file");
  EXPECT_THAT(refusal(directory.path()), HasSubstr("cannot be made"));
}

TEST(RocksStoreDirectory, MustBeWritable) {
  // Files of a user who may not write: root, whom permissions do not stop, tests it through the file system.
  class Locked final : public rocksdb::FileSystemWrapper {
   public:
    Locked() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
    const char* Name() const override { return "Locked"; }
    rocksdb::IOStatus LockFile(const std::string& name, const rocksdb::IOOptions&, rocksdb::FileLock**,
                               rocksdb::IODebugContext*) override {
      return rocksdb::IOStatus::IOError("While open a file for lock: " + name, "Permission denied");
    }
  };
  TestDirectory directory;
  EXPECT_THAT(refusal(directory.path(), std::make_shared<Locked>()), HasSubstr("no permission to write"));
}

TEST(RocksStoreDirectory, ADamagedTableIsNotServed) {
  TestDirectory directory;
  {
    ManualExecutor executor;
    const auto store = open_rocksdb_store(directory.path(), executor, executor.time, {.sync = false});
    SeededRng rng(3);
    for (int i = 0; i < 3000; ++i)
      (void)executor.run(store->commit(put("/" + std::to_string(i), rng.text(4'000, kNameAlphabet))));
  }
  int damaged = 0;
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    if (entry.path().extension() != ".sst") continue;
    std::string bytes = read_file(entry.path());
    for (std::size_t at = 1000; at + 1000 < bytes.size(); at += 5000) bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    write_file(entry.path(), bytes);
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  try {
    ManualExecutor executor;
    const auto store = open_rocksdb_store(directory.path(), executor, executor.time);
    executor.run(store->range("/", "0", 0));
    FAIL() << "served damaged values";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), ::testing::ContainsRegex("[Cc]orrupt|damaged"));
  }
}

}  // namespace
}  // namespace ph::apiserver
