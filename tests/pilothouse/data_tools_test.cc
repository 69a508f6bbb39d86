#include "pilothouse/data_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "apiserver/storage/store_directory.h"
#include "daemon/data_dir.h"
#include "daemon/files.h"
#include "pilothouse/snapshot_file.h"
#include "tests/sim/executor.h"

namespace ph::pilothouse {
namespace {

namespace fs = std::filesystem;
using daemon::DataDir, daemon::make_directory, daemon::read_file, daemon::write_file, daemon::kDataDirRestoring;
using ::testing::HasSubstr;

class DataToolsTest : public testing::Test {
 protected:
  DataToolsTest() {
    std::string pattern = (fs::temp_directory_path() / "ph-tools-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~DataToolsTest() override { fs::remove_all(root_); }

  fs::path at(const char* name) const { return root_ / name; }

  // A data directory as `up` leaves it. No server listens where its kubeconfigs point.
  fs::path make(const char* name, Revision revision = Revision{50}) {
    DataDir dir({.path = at(name)}, clock_, rng_);
    dir.write_kubeconfigs("https://127.0.0.1:1");
    apiserver::StoreBuilder store(dir.store_path().string(), revision);
    store.add("/registry/configmaps/default/a", Revision{2}, std::string("of ") + name);
    store.add("/registry/pods/default/b", Revision{3}, std::string(100'000, 'b'));
    store.finish();
    return at(name);
  }
  static std::map<std::string, std::string> values(const fs::path& dir) {
    std::map<std::string, std::string> out;
    const auto view = apiserver::open_store_view((dir / "store").string(), apiserver::ViewAccess::Beside);
    while (const auto item = view->next()) out.emplace(item->key, item->value);
    return out;
  }
  static std::string text(const fs::path& path) { return read_file(path).value_or("absent"); }
  static int mode(const fs::path& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : -1;
  }
  template <class F>
  static std::string refusal(F what) {
    try {
      what();
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  std::string restore_refusal(const fs::path& file, const fs::path& into, bool force = false) {
    return refusal([&] { restore_snapshot(file, into, {.force = force}, clock_); });
  }

  fs::path root_;
  sim::SimClock clock_;
  SeededRng rng_{1};
};

TEST_F(DataToolsTest, ASnapshotRestoresObjectsAndKeys) {
  const fs::path from = make("from");
  const SnapshotDone done = take_snapshot(from, at("file"), false, clock_);
  EXPECT_EQ(done.revision, Revision{50});
  EXPECT_EQ(done.all.objects, 2u);
  EXPECT_FALSE(done.through_server);
  EXPECT_EQ(done.file_bytes, fs::file_size(at("file")));
  EXPECT_EQ(mode(at("file")), 0600);

  const SnapshotFacts facts = inspect_snapshot(at("file"));
  EXPECT_EQ(facts.revision, Revision{50});
  EXPECT_EQ(facts.time, clock_.now());
  EXPECT_EQ(facts.counts.resources.at("pods").objects, 1u);

  const RestoreDone restored = restore_snapshot(at("file"), at("deep/er/to"), {}, clock_);
  EXPECT_EQ(restored.objects, 2u);
  EXPECT_TRUE(restored.keys);
  EXPECT_EQ(values(at("deep/er/to")), values(from));
  for (const char* file :
       {"format", "pki/ca.crt", "pki/ca.key", "pki/sa.key", "pki/sa.pub", "pki/apiserver.crt", "pki/apiserver.key"}) {
    EXPECT_EQ(text(at("deep/er/to") / file), text(from / file)) << file;
    EXPECT_EQ(mode(at("deep/er/to") / file), mode(from / file)) << file;
  }
  EXPECT_FALSE(fs::exists(at("deep/er/to/store.restored")));
  const DataDirStatus status = data_dir_status(at("deep/er/to"), clock_);
  ASSERT_TRUE(status.store);
  EXPECT_EQ(status.store->revision, restored.revision);
  EXPECT_EQ(status.store->history_since, restored.revision);
  EXPECT_EQ(status.store->counts.all.objects, 2u);
  EXPECT_FALSE(status.server.is());
  EXPECT_GT(status.table_bytes, 0u);
}

TEST(RevisionAfterRestore, IsNewToEveryClient) {
  const Time now = sim::SimClock::kStart;
  EXPECT_EQ(revision_after_restore(Revision{50}, 1'000'000'000, {}, Time{}), Revision{1'000'000'050});
  const Revision first = revision_after_restore(Revision{50}, 1'000'000'000, {}, now);
  EXPECT_GT(first, Revision{1'000'000'050});
  // The same snapshot again, a minute later: what was written in between does not come back with other objects behind
  // it.
  EXPECT_GE(revision_after_restore(Revision{50}, 1'000'000'000, {}, now + 1min).value, first.value + 600'000);
  // Over a store that was restored in the same moment and has written since.
  EXPECT_EQ(revision_after_restore(Revision{50}, 1'000'000'000, Revision{first.value + 40}, now).value, first.value + 41);
  // A snapshot of a restored cluster, with a clock that stands still.
  EXPECT_EQ(revision_after_restore(first, 7, {}, now).value, first.value + 7);
  // JSON's numbers hold it.
  EXPECT_LT(first.value, std::uint64_t{1} << 53);
}

TEST_F(DataToolsTest, ASecondRestoreInTheSameMomentBeginsAfterTheFirst) {
  const fs::path from = make("from");
  take_snapshot(from, at("file"), false, clock_);
  const Revision first = restore_snapshot(at("file"), at("to"), {}, clock_).revision;
  const Revision second = restore_snapshot(at("file"), at("to"), {.force = true}, clock_).revision;
  EXPECT_GT(second, first);
  // What cannot be read is replaced all the same.
  fs::remove(at("to/store/CURRENT"));
  EXPECT_NO_THROW(restore_snapshot(at("file"), at("to"), {.force = true}, clock_));
}

TEST_F(DataToolsTest, WhereASnapshotIsNotRestored) {
  const fs::path from = make("from"), other = make("other", Revision{90});
  take_snapshot(from, at("file"), false, clock_);
  EXPECT_THAT(restore_refusal(at("file"), other), HasSubstr("is not empty: --force replaces what it holds"));
  make_directory(at("foreign"));
  write_file(at("foreign/letter"), "dear", false);
  EXPECT_THAT(restore_refusal(at("file"), at("foreign"), true), HasSubstr("is not a data directory of pilothouse"));
  EXPECT_THAT(restore_refusal(at("file"), at("foreign/letter"), true), HasSubstr("is not a data directory of pilothouse"));
  write_file(other / "format", "9\n", false);
  EXPECT_THAT(restore_refusal(at("file"), other, true), HasSubstr("has format 9, this program knows format 1"));
  write_file(other / "format", "1\n", false);
  {
    const apiserver::StoreLock lock((other / "store").string());
    EXPECT_THAT(restore_refusal(at("file"), other, true), HasSubstr("in use by another server"));
  }
  EXPECT_EQ(values(other)["/registry/configmaps/default/a"], "of other");

  restore_snapshot(at("file"), other, {.force = true}, clock_);
  EXPECT_EQ(values(other), values(from));
  EXPECT_EQ(text(other / "pki/ca.key"), text(from / "pki/ca.key"));
  EXPECT_FALSE(fs::exists(other / "store.replaced"));
}

TEST_F(DataToolsTest, ADamagedSnapshotChangesNothing) {
  const fs::path from = make("from"), other = make("other");
  take_snapshot(from, at("file"), false, clock_);
  const std::string bytes = text(at("file"));
  for (std::size_t at_byte = 0; at_byte < bytes.size(); at_byte += 1 + bytes.size() / 40) {
    std::string damaged = bytes;
    damaged[at_byte] = static_cast<char>(damaged[at_byte] ^ 4);
    write_file(at("damaged"), damaged, true);
    EXPECT_THAT(restore_refusal(at("damaged"), other, true),
                HasSubstr("the snapshot " + at("damaged").string() + " cannot be used"));
    EXPECT_NE(restore_refusal(at("damaged"), at("new")), "");
  }
  write_file(at("cut"), bytes.substr(0, bytes.size() / 2), true);
  EXPECT_THAT(restore_refusal(at("cut"), other, true), HasSubstr("it is cut off after"));
  EXPECT_THAT(restore_refusal(at("none"), other, true), HasSubstr("cannot read"));
  EXPECT_EQ(values(other)["/registry/configmaps/default/a"], "of other");
  EXPECT_FALSE(fs::exists(at("new")));
}

TEST_F(DataToolsTest, OnlyKeysAreWritten) {
  for (const char* name : {"../evil", "pki/../../evil", "/etc/evil", "pki/", "pki/.hidden", "format", "pki/a/b"}) {
    apiserver::SnapshotEncoder encoder;
    std::string bytes = encoder.begin(Revision{5}, clock_.now());
    bytes += encoder.file(name, "x");
    bytes += encoder.end();
    write_file(at("file"), bytes, true);
    EXPECT_THAT(restore_refusal(at("file"), at("new")), HasSubstr("which is no key")) << name;
    EXPECT_FALSE(fs::exists(at("new")));
  }
}

TEST_F(DataToolsTest, ARestoreThatDidNotEndIsNotStarted) {
  const fs::path dir = make("dir");
  take_snapshot(dir, at("file"), false, clock_);
  write_file(dir / "format", kDataDirRestoring, false);
  fs::rename(dir / "store", dir / "store.replaced");
  EXPECT_THAT(refusal([&] { DataDir({.path = dir}, clock_, rng_); }), HasSubstr("a restore into"));
  EXPECT_THAT(refusal([&] { take_snapshot(dir, at("other"), false, clock_); }), HasSubstr("was not finished"));
  EXPECT_THAT(refusal([&] { data_dir_status(dir, clock_); }), HasSubstr("was not finished"));
  restore_snapshot(at("file"), dir, {.force = true}, clock_);
  EXPECT_EQ(refusal([&] { DataDir({.path = dir}, clock_, rng_); }), "");
  EXPECT_FALSE(fs::exists(dir / "store.replaced"));
  EXPECT_EQ(values(dir)["/registry/configmaps/default/a"], "of dir");
}

TEST_F(DataToolsTest, ASnapshotIsWholeOrNotThere) {
  const fs::path dir = make("dir");
  write_file(at("file"), "precious", false);
  EXPECT_THAT(refusal([&] { take_snapshot(dir, at("file"), false, clock_); }), HasSubstr("exists: --force replaces it"));
  EXPECT_THAT(refusal([&] { take_snapshot(dir, at("no/where"), false, clock_); }), HasSubstr("cannot create"));
  EXPECT_THAT(refusal([&] { take_snapshot(at("absent"), at("x"), false, clock_); }), HasSubstr("there is no data directory"));
  // A table of the store is damaged.
  for (const auto& entry : fs::directory_iterator(dir / "store")) {
    if (entry.path().extension() != ".sst" || entry.file_size() < 1'500) continue;
    std::string bytes = text(entry.path());
    for (std::size_t i = 0; i < bytes.size(); i += 50) bytes[i] = static_cast<char>(~bytes[i]);
    write_file(entry.path(), bytes, false);
  }
  EXPECT_THAT(refusal([&] { take_snapshot(dir, at("file"), true, clock_); }), HasSubstr("pilothouse restore"));
  EXPECT_EQ(text(at("file")), "precious");
  EXPECT_FALSE(fs::exists(at("file.new")));
  EXPECT_FALSE(fs::exists(at("x")));
  EXPECT_THAT(data_dir_status(dir, clock_).problem, HasSubstr("pilothouse restore"));
}

TEST_F(DataToolsTest, ResetRemovesWhatUpMade) {
  const fs::path dir = make("dir");
  fs::create_directory(dir / "hardened");
  write_file(dir / "hardened" / "audit.log", "", true);
  EXPECT_TRUE(reset_data_dir(dir, clock_).empty());
  EXPECT_FALSE(fs::exists(dir));
  EXPECT_TRUE(reset_data_dir(dir, clock_).empty()) << "nothing is there: nothing to do";

  make("dir");
  write_file(dir / "notes", "mine", false);
  EXPECT_EQ(reset_data_dir(dir, clock_), std::vector<std::string>{"notes"});
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 1);
  EXPECT_THAT(refusal([&] { reset_data_dir(dir, clock_); }), HasSubstr("is not a data directory of pilothouse"));
  EXPECT_EQ(text(dir / "notes"), "mine");
}

TEST_F(DataToolsTest, ResetLeavesWhatIsUsedOrAnothers) {
  const fs::path dir = make("dir");
  {
    const apiserver::StoreLock lock((dir / "store").string());
    EXPECT_THAT(refusal([&] { reset_data_dir(dir, clock_); }), HasSubstr("in use by another server"));
  }
  write_file(dir / "format", "2\n", false);
  EXPECT_THAT(refusal([&] { reset_data_dir(dir, clock_); }), HasSubstr("has format 2"));
  EXPECT_EQ(values(dir).size(), 2u);
  EXPECT_EQ(text(dir / "pki/ca.key").substr(0, 5), "-----");
}

}  // namespace
}  // namespace ph::pilothouse
