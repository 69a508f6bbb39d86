// Bits that flip on the disk: whatever file they are in, the store is refused in words that say which and what to do,
// or it holds exactly what it held.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "apiserver/storage/rocksdb.h"
#include "apiserver/storage/store_directory.h"
#include "base/rng.h"
#include "tests/apiserver/storage_directory.h"
#include "tests/apiserver/storage_fault_fs.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::string read_all(const fs::path& name) {
  std::ifstream in(name, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
void write_all(const fs::path& name, std::string_view bytes) { std::ofstream(name, std::ios::binary | std::ios::trunc) << bytes; }

// All that a store holds, its history included, as text; what it says when it cannot.
struct Found {
  std::string all;
  std::string refusal;
};
Found read_store(const std::string& path) {
  ManualExecutor executor;
  try {
    const auto store = open_rocksdb_store(path, executor, executor.time, {.file_system = std::make_shared<FaultyFiles>()});
    std::string all = fmt::format("{}\n", store->revision().value);
    for (const Stored& stored : executor.run(store->range("/", "0", 0))) {
      all += fmt::format("{} {} {} {}\n", stored.key, stored.created.value, stored.modified.value, *stored.value);
    }
    const Recent recent = executor.run(store->recent("/", 100'000, 1 << 30));
    all += fmt::format("history after {}\n", recent.since.value);
    for (const Change& change : recent.changes) {
      all +=
          fmt::format("{} {} {} {}\n", change.revision.value, change.key, change.value ? *change.value : "gone", change.author);
    }
    return {all, ""};
  } catch (const std::exception& error) {
    return {"", error.what()};
  }
}

// Tables of values and history, and a log.
void make_store(const std::string& path) {
  {
    StoreBuilder builder(path, Revision{40}, {.file_system = std::make_shared<FaultyFiles>()});
    SeededRng rng(5);
    for (int i = 0; i < 120; ++i) builder.add("/old/" + std::to_string(i), Revision{2}, rng.text(100, kNameAlphabet));
    builder.finish();
  }
  // What each start finds in the logs it keeps there.
  for (int life = 0; life < 2; ++life) {
    ManualExecutor executor;
    const auto store = open_rocksdb_store(path, executor, executor.time, {.file_system = std::make_shared<FaultyFiles>()});
    for (int i = 0; i < 10; ++i) {
      const auto revision = executor.run(store->commit(put("/new/" + std::to_string(i), std::to_string(life))));
      ASSERT_TRUE(revision);
    }
  }
}

TEST(RocksStoreDamage, OfAnyFileIsRefusedOrHarmless) {
  TestDirectory directory, copies;
  make_store(directory.path());
  const Found whole = read_store(directory.path());
  ASSERT_EQ(whole.refusal, "");
  SeededRng rng(6);
  std::map<std::string, int> refused;
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    const std::string name = entry.path().filename();
    const std::string bytes = read_all(entry.path());
    if (name == "LOCK" || bytes.empty()) continue;
    const std::size_t step = std::max<std::size_t>(1, bytes.size() / 150);
    for (std::size_t at = rng.below(step); at < bytes.size(); at += 1 + rng.below(2 * step)) {
      fs::remove_all(copies.path());
      fs::copy(directory.path(), copies.path());
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << rng.below(8));
      write_all(copies.path() + "/" + name, damaged);
      const Found found = read_store(copies.path());
      SCOPED_TRACE(fmt::format("{} byte {} of {}: {:02x} for {:02x}", name, at, bytes.size(),
                               static_cast<unsigned char>(damaged[at]), static_cast<unsigned char>(bytes[at])));
      if (found.refusal.empty()) {
        EXPECT_EQ(found.all, whole.all) << "something else is served";
        continue;
      }
      ++refused[entry.path().extension() == ".sst" ? ".sst" : entry.path().extension() == ".log" ? ".log" : name.substr(0, 8)];
      EXPECT_THAT(found.refusal, HasSubstr(copies.path())) << "where?";
      if (name != "FORMAT") EXPECT_THAT(found.refusal, HasSubstr("pilothouse restore"));
    }
  }
  EXPECT_GT(refused[".sst"], 100);
  EXPECT_GT(refused[".log"], 100);
  EXPECT_GT(refused["MANIFEST"], 50);
  EXPECT_GT(refused["CURRENT"], 5);
  EXPECT_GT(refused["FORMAT"], 5);
}

TEST(RocksStoreDamage, ALostFileIsRefused) {
  TestDirectory directory, copies;
  make_store(directory.path());
  const Found whole = read_store(directory.path());
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    const std::string name = entry.path().filename();
    SCOPED_TRACE(name);
    // Nothing tells that there was a log: RocksDB's numbers have gaps by themselves where a write failed.
    if (name.ends_with(".log")) continue;
    fs::remove_all(copies.path());
    fs::copy(directory.path(), copies.path());
    fs::remove(copies.path() + "/" + name);
    const Found found = read_store(copies.path());
    const bool vital = name.ends_with(".sst") || name.starts_with("MANIFEST") || name == "CURRENT";
    if (vital) EXPECT_THAT(found.refusal, HasSubstr("pilothouse restore"));
    if (found.refusal.empty()) EXPECT_EQ(found.all, whole.all);
  }
}

}  // namespace
}  // namespace ph::apiserver
