// Views of stores, snapshots as bytes, and stores made from them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "apiserver/storage/memory.h"
#include "apiserver/storage/rocksdb.h"
#include "apiserver/storage/snapshot.h"
#include "apiserver/storage/store_directory.h"
#include "tests/apiserver/storage_directory.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> items(StoreView& view) {
  std::vector<std::string> out;
  while (const auto item = view.next()) {
    out.push_back(fmt::format("{}={} of {} at {}", item->key, item->value, item->created.value, item->modified.value));
  }
  return out;
}

// -- Views.

TEST(StoreView, ShowsOneMoment) {
  for (const bool rocks : {false, true}) {
    SCOPED_TRACE(rocks ? "rocksdb" : "memory");
    TestDirectory directory;
    ManualExecutor executor;
    auto store = rocks ? open_rocksdb_store(directory.path(), executor, executor.time) : memory_store(executor, executor.time);
    EXPECT_THAT(items(*executor.run(store->view())), ElementsAre());
    (void)executor.run(store->commit(put("/a", "1")));
    (void)executor.run(store->commit(put("/b", "1")));
    (void)executor.run(store->commit(put("/a", "2")));
    auto view = executor.run(store->view());
    (void)executor.run(store->commit(remove("/a")));
    (void)executor.run(store->commit(put("/c", "1")));
    EXPECT_EQ(view->revision(), Revision{4});
    EXPECT_EQ(view->history_since(), Revision{1});
    EXPECT_EQ(view->history_begins(), executor.time.now());
    // It may be read when the store has gone.
    store.reset();
    EXPECT_THAT(items(*view), ElementsAre("/a=2 of 2 at 4", "/b=1 of 3 at 3"));
    EXPECT_FALSE(view->next());
  }
}

TEST(StoreView, OfADirectory) {
  TestDirectory directory;
  ManualExecutor executor;
  const auto refusal = [&](ViewAccess access) -> std::string {
    try {
      open_store_view(directory.path(), access);
      return "";
    } catch (const StoreError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(refusal(ViewAccess::Beside), HasSubstr("there is no store in"));
  EXPECT_FALSE(std::filesystem::exists(directory.path()));
  {
    const auto store = open_rocksdb_store(directory.path(), executor, executor.time);
    (void)executor.run(store->commit(put("/a", "1")));
    EXPECT_THAT(refusal(ViewAccess::Alone), HasSubstr("in use by another server"));
    EXPECT_THROW(StoreLock(directory.path()), StoreError);
  }
  const auto view = open_store_view(directory.path(), ViewAccess::Alone);
  EXPECT_THROW(open_rocksdb_store(directory.path(), executor, executor.time), StoreError) << "it is kept off";
  EXPECT_THAT(items(*open_store_view(directory.path(), ViewAccess::Beside)), ElementsAre("/a=1 of 2 at 2"));
  EXPECT_THAT(items(*view), ElementsAre("/a=1 of 2 at 2"));
}

TEST(StoreView, OfADirectoryWithATornEnd) {
  TestDirectory directory;
  {
    ManualExecutor executor;
    const auto store = open_rocksdb_store(directory.path(), executor, executor.time);
    (void)executor.run(store->commit(put("/a", "1")));
    (void)executor.run(store->commit(put("/b", "2")));
  }
  std::string log;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) log = entry.path();
  }
  const auto torn = std::filesystem::file_size(log) - 5;
  std::filesystem::resize_file(log, torn);
  EXPECT_THAT(items(*open_store_view(directory.path(), ViewAccess::Beside)), ElementsAre("/a=1 of 2 at 2"));
  EXPECT_EQ(std::filesystem::file_size(log), torn) << "left as it was";
  EXPECT_THAT(items(*open_store_view(directory.path(), ViewAccess::Alone)), ElementsAre("/a=1 of 2 at 2"));
  EXPECT_LT(std::filesystem::file_size(log), torn) << "cut, as a start does";
}

// -- Bytes.

struct Collected final : SnapshotDecoder::Visitor {
  void head(Revision revision, Time time) override {
    all += fmt::format("{} {}\n", revision.value, time.time_since_epoch().count());
  }
  void value(std::string_view key, Revision created, std::string_view value) override {
    all += fmt::format("{} {} {}\n", key, created.value, value);
  }
  void file(std::string_view name, std::string_view text) override { all += fmt::format("file {} {}\n", name, text); }
  std::string all;
};

// Of some blocks; where each begins.
struct Made {
  Made() {
    SnapshotEncoder encoder;
    add(encoder.begin(Revision{77}, Time(Duration(5))));
    starts.insert(starts.begin(), bytes.find('\n') + 1);
    want = "77 5\n";
    for (int i = 0; i < 3; ++i) {
      const std::string value(70'000, static_cast<char>('a' + i));
      add(encoder.value("/k" + std::to_string(i), Revision{9}, value));
      want += fmt::format("/k{} 9 {}\n", i, value);
    }
    add(encoder.value("/last", Revision{1}, ""));
    add(encoder.file("pki/ca.key", "secret"));
    add(encoder.end());
    want += "/last 1 \nfile pki/ca.key secret\n";
  }
  void add(const std::string& piece) {
    bytes += piece;
    if (!piece.empty()) starts.push_back(bytes.size());
  }
  std::string bytes;
  std::vector<std::size_t> starts;
  std::string want;
};

std::string decoded(std::string_view bytes, std::size_t piece = ~0u) {
  Collected collected;
  SnapshotDecoder decoder(collected);
  try {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) decoder.feed(bytes.substr(0, piece));
    decoder.finish();
    return collected.all;
  } catch (const SnapshotError& error) {
    return std::string("refused: ") + error.what();
  }
}

TEST(Snapshot, ComesBackInPiecesOfAnySize) {
  const Made made;
  for (const std::size_t piece : {1u, 7u, 4'096u, ~0u}) EXPECT_EQ(decoded(made.bytes, piece), made.want) << piece;
}

TEST(Snapshot, CutAnywhereIsNotWhole) {
  const Made made;
  for (std::size_t size = 0; size < made.bytes.size(); size += size < 200 || size + 200 > made.bytes.size() ? 1 : 997) {
    EXPECT_THAT(decoded(std::string_view(made.bytes).substr(0, size)), HasSubstr("refused")) << size;
  }
  EXPECT_THAT(decoded(made.bytes.substr(0, 100'000)), HasSubstr("cut off after 100000 bytes"));
}

TEST(Snapshot, EveryFlippedBitIsSeen) {
  const Made made;
  for (std::size_t at = 0; at < made.bytes.size(); at += at < 300 || at + 300 > made.bytes.size() ? 1 : 499) {
    std::string bytes = made.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 1 << at % 8);
    EXPECT_THAT(decoded(bytes), HasSubstr("refused")) << at;
  }
}

TEST(Snapshot, BlocksCannotBeMovedOrLeftOut) {
  const Made made;
  const auto block = [&](std::size_t i) { return made.bytes.substr(made.starts[i], made.starts[i + 1] - made.starts[i]); };
  const std::string line = made.bytes.substr(0, made.starts[0]);
  ASSERT_EQ(made.starts.size(), 7u);  // the head, three values, the last value with the file, the end; where that ends
  std::string left_out = line, swapped = line, twice = line;
  for (std::size_t i = 0; i + 1 < made.starts.size(); ++i) {
    if (i != 2) left_out += block(i);
    swapped += block(i == 1 ? 2 : i == 2 ? 1 : i);
    twice += block(i);
    if (i == 2) twice += block(i);
  }
  EXPECT_THAT(decoded(left_out), HasSubstr("damaged"));
  EXPECT_THAT(decoded(swapped), HasSubstr("damaged"));
  EXPECT_THAT(decoded(twice), HasSubstr("damaged"));
  EXPECT_THAT(decoded(made.bytes + "x"), HasSubstr("damaged at byte " + std::to_string(made.bytes.size())));
}

TEST(Snapshot, OtherFilesAndFormatsAreRefusedInWords) {
  EXPECT_THAT(decoded(""), HasSubstr("not a snapshot"));
  EXPECT_THAT(decoded("hello\n"), HasSubstr("not a snapshot"));
  EXPECT_THAT(decoded(std::string(5'000, '\0')), HasSubstr("not a snapshot"));
  EXPECT_THAT(decoded("pilothouse snapshot, format 2\nnew"), HasSubstr("it has format 2, this version reads format 1"));
}

// -- Stores from snapshots.

TEST(StoreBuilder, BeginsANewHistoryWithWhatItIsGiven) {
  TestDirectory directory;
  {
    StoreBuilder builder(directory.path(), Revision{1'000});
    builder.add("/a", Revision{3}, "1");
    builder.add("/b", Revision{4}, std::string(2'000'000, 'b'));
    builder.add("/c", Revision{5}, "");
    builder.finish();
  }
  ManualExecutor executor;
  const auto store = open_rocksdb_store(directory.path(), executor, executor.time);
  EXPECT_EQ(store->revision(), Revision{1'000});
  const auto a = executor.run(store->get("/a"));
  ASSERT_TRUE(a);
  EXPECT_EQ(*a->value, "1");
  EXPECT_EQ(a->created, Revision{3});
  // What clients saw of it before is older than this, and watches from then on cannot go on.
  EXPECT_EQ(a->modified, Revision{1'000});
  EXPECT_FALSE(executor.run(store->history("/", Revision{999})));
  const auto none = executor.run(store->history("/", Revision{1'000}));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(executor.run(store->range("/", "0", 0)).size(), 3u);
  EXPECT_EQ(executor.run(store->commit(put("/a", "2"))), Revision{1'001});
  EXPECT_EQ(executor.run(store->history("/", Revision{1'000}))->size(), 1u);
}

TEST(StoreBuilder, DoesNotTouchAStore) {
  TestDirectory directory;
  ManualExecutor executor;
  {
    const auto store = open_rocksdb_store(directory.path(), executor, executor.time);
    (void)executor.run(store->commit(put("/a", "1")));
    EXPECT_THROW(StoreBuilder(directory.path(), Revision{5}), StoreError);
  }
  EXPECT_THROW(StoreBuilder(directory.path(), Revision{5}), StoreError);
  const auto store = open_rocksdb_store(directory.path(), executor, executor.time);
  EXPECT_EQ(store->revision(), Revision{2});
}

}  // namespace
}  // namespace ph::apiserver
