#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <filesystem>
#include <vector>

#include "apiserver/storage/records.h"
#include "apiserver/storage/rocks_database.h"
#include "base/assert.h"

namespace ph::apiserver {
namespace {

// Changes whenever what is written could not be read by the version before.
constexpr std::string_view kFormat = "pilothouse store, format 1\n";
constexpr std::string_view kFormatAnyNumber = "pilothouse store, format ";

std::string in(const std::string& path, std::string_view name) { return path + "/" + std::string(name); }

// RocksDB's own log: warnings and errors go to ours, the rest nowhere.
class LogAdapter final : public rocksdb::Logger {
 public:
  explicit LogAdapter(Log log) : Logger(rocksdb::WARN_LEVEL), log_(std::move(log)) {}
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[512];
    std::vsnprintf(line, sizeof line, format, arguments);
    log_.warning("rocksdb", "says", std::string_view(line));
  }

 private:
  Log log_;
};

bool says(const rocksdb::Status& status, std::string_view text) { return status.ToString().find(text) != std::string::npos; }

[[noreturn]] void refuse(const std::string& path, const rocksdb::Status& status) {
  if (says(status, "LOCK") && (says(status, "lock hold by current process") || says(status, "While lock file"))) {
    throw StoreError(
        fmt::format("the data directory {} is in use by another server; stop that one, or use another directory", path));
  }
  if (says(status, "Permission denied") || says(status, "Read-only file system")) {
    throw StoreError(fmt::format("no permission to write in the data directory {} ({})", path, status.ToString()));
  }
  if (status.IsNoSpace()) {
    throw StoreError(
        fmt::format("no space is left for the data directory {} ({}); make room and start again: nothing "
                    "that was acknowledged is lost",
                    path, status.ToString()));
  }
  if (status.IsCorruption() || says(status, "No such file")) {
    throw StoreError(fmt::format("the data directory {} is damaged ({}); {}", path, status.ToString(), kDamagedRemedy));
  }
  throw StoreError(fmt::format("the data directory {} cannot be opened: {}", path, status.ToString()));
}

void check(const std::string& path, const rocksdb::Status& status) {
  if (!status.ok()) refuse(path, status);
}

void write_format(rocksdb::Env& env, const std::string& path) {
  const std::string draft = in(path, "FORMAT.new");
  check(path, rocksdb::WriteStringToFile(&env, rocksdb::Slice(kFormat.data(), kFormat.size()), draft, true));
  check(path, env.RenameFile(draft, in(path, "FORMAT")));
  std::unique_ptr<rocksdb::Directory> directory;
  check(path, env.NewDirectory(path, &directory));
  check(path, directory->Fsync());
}

std::string number_of(std::string_view format) {
  format.remove_prefix(std::min(format.size(), kFormatAnyNumber.size()));
  return std::string(format.substr(0, format.find('\n')));
}

[[noreturn]] void refuse_format(const std::string& path, const std::string& found) {
  const std::string number = number_of(found);
  const std::string needed = number_of(kFormat);
  const bool older = std::pair(number.size(), number) < std::pair(needed.size(), needed);
  throw StoreError(
      fmt::format("the data directory {} holds a pilothouse store, format {}, this version needs format {}; use the version that "
                  "wrote it{}, or another directory",
                  path, number, needed, older ? ", also to make a snapshot that this one restores" : ""));
}

// The format stands in a file of its own, so that RocksDB never touches what is not ours. False: there is no store.
bool has_our_format(rocksdb::Env& env, const std::string& path) {
  std::string format;
  const rocksdb::Status read = rocksdb::ReadFileToString(&env, in(path, "FORMAT"), &format);
  if (read.ok() && format == kFormat) return true;
  if (read.ok() && format.starts_with(kFormatAnyNumber) && !number_of(format).empty()) refuse_format(path, format);
  if (read.ok() || env.FileExists(in(path, "CURRENT")).ok()) {
    throw StoreError(
        fmt::format("the data directory {} holds something that is not a pilothouse store; use another directory", path));
  }
  if (!read.IsNotFound() && !read.IsPathNotFound()) refuse(path, read);
  return false;
}

// RocksDB would begin anew beside files that nothing points to any more. False: it has not begun yet.
bool has_database(rocksdb::Env& env, const std::string& path) {
  if (env.FileExists(in(path, "CURRENT")).ok()) return true;
  std::vector<std::string> names;
  check(path, env.GetChildren(path, &names));
  for (const std::string& name : names) {
    std::uint64_t size = 0;
    const bool table = name.ends_with(".sst");
    if (!table && !(name.ends_with(".log") && env.GetFileSize(in(path, name), &size).ok() && size > 0)) continue;
    throw StoreError(fmt::format("the data directory {} is damaged ({} is there, {} is not); {}", path, in(path, name),
                                 in(path, "CURRENT"), kDamagedRemedy));
  }
  return false;
}

// Small: the watch caches hold all values in memory already. What is measured stands in tests/perf/store_bench.cc.
rocksdb::DBOptions database_options(rocksdb::Env& env, const Log& log) {
  rocksdb::DBOptions o;
  o.env = &env;
  o.create_if_missing = true;
  o.create_missing_column_families = true;
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.avoid_flush_during_recovery = true;  // a start writes as little as it can
  o.paranoid_checks = true;
  o.max_open_files = 64;
  o.max_background_jobs = 2;
  o.max_total_wal_size = 16 << 20;
  o.max_manifest_file_size = 4 << 20;
  o.info_log = std::make_shared<LogAdapter>(log);
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.max_bgerror_resume_count = 0;  // see BackgroundErrors
  // One thread writes.
  o.allow_concurrent_memtable_write = false;
  o.enable_write_thread_adaptive_yield = false;
  return o;
}

rocksdb::ColumnFamilyOptions family_options(std::size_t memtable, rocksdb::BlockBasedTableOptions table) {
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions o;
  o.write_buffer_size = memtable;
  o.max_write_buffer_number = 2;
  o.target_file_size_base = 16 << 20;
  o.compression = rocksdb::kLZ4Compression;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

// Values are read one by one, to judge and to replace them; history only in long rows.
std::vector<rocksdb::ColumnFamilyDescriptor> families() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(4 << 20, 0);
  rocksdb::BlockBasedTableOptions values = table;
  values.block_size = 4 << 10;
  values.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  rocksdb::BlockBasedTableOptions history = table;
  history.block_size = 32 << 10;
  return {
      {rocksdb::kDefaultColumnFamilyName, family_options(256 << 10, table)},
      {"values", family_options(4 << 20, values)},
      {"history", family_options(4 << 20, history)},
  };
}

// Directories of which history was incomplete before: nothing tells where their last unrecorded change was.
void load_meta(RocksDatabase& database, const std::string& path) {
  std::string value;
  const auto number = [&](std::string_view key, Revision& into) {
    const rocksdb::Status read = database.db->Get({}, database.meta, rocksdb::Slice(key.data(), key.size()), &value);
    if (read.IsNotFound()) return;
    check(path, read);
    const auto revision = decode_revision(value);
    if (!revision) refuse(path, rocksdb::Status::Corruption("a revision is malformed"));
    into = *revision;
  };
  number(kRevisionKey, database.revision);
  number(kCompactedKey, database.compacted);

  const std::unique_ptr<rocksdb::Iterator> it(database.db->NewIterator({}, database.meta));
  for (it->Seek(rocksdb::Slice(kGapPrefix.data(), kGapPrefix.size())); it->Valid() && it->key().starts_with(kGapPrefix.data());
       it->Next()) {
    database.gaps.note_directory(it->key().ToStringView().substr(kGapPrefix.size()), database.revision);
  }
  check(path, it->status());
}

void make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return;
  if (error == std::errc::permission_denied || error == std::errc::read_only_file_system) {
    throw StoreError(fmt::format("no permission to make the data directory {}", path));
  }
  throw StoreError(fmt::format("the data directory {} cannot be made: {}", path, error.message()));
}

std::unique_ptr<RocksDatabase> unopened(const RocksOptions& options) {
  auto database = std::make_unique<RocksDatabase>();
  if (options.file_system) database->env = rocksdb::NewCompositeEnv(options.file_system);
  return database;
}

rocksdb::Env& env_of(const RocksDatabase& database) { return database.env ? *database.env : *rocksdb::Env::Default(); }

void take(RocksDatabase& database, const std::string& path, rocksdb::DB* db,
          const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
  database.db.reset(db);
  database.meta = handles[0];
  database.values = handles[1];
  database.history = handles[2];
  load_meta(database, path);
}

}  // namespace

DirectoryLock::DirectoryLock(rocksdb::Env& env, const std::string& path) : env_(env) {
  check(path, env.LockFile(in(path, "LOCK"), &lock_));
}

DirectoryLock::~DirectoryLock() { env_.UnlockFile(lock_); }

RocksDatabase::~RocksDatabase() {
  if (!db) return;
  for (rocksdb::ColumnFamilyHandle* handle : {meta, values, history}) db->DestroyColumnFamilyHandle(handle);
  db->Close();
}

std::unique_ptr<RocksDatabase> open_database(const std::string& path, const RocksOptions& options) {
  auto database = unopened(options);
  rocksdb::Env& env = env_of(*database);
  make_directory(path);
  {
    // What may be done to a directory is decided while it is ours alone.
    const DirectoryLock lock(env, path);
    if (!has_our_format(env, path)) write_format(env, path);
    has_database(env, path);
    mend_logs(env, path, options.log, Torn::Cut);
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  rocksdb::DBOptions how = database_options(env, options.log);
  how.listeners.push_back(database->errors);
  check(path, rocksdb::DB::Open(how, path, families(), &handles, &db));
  take(*database, path, db, handles);
  return database;
}

std::unique_ptr<RocksDatabase> open_database_to_read(const std::string& path, const RocksOptions& options, ViewAccess access) {
  const bool alone = access == ViewAccess::Alone;
  auto database = unopened(options);
  rocksdb::Env& env = env_of(*database);
  if (!has_our_format(env, path)) throw StoreError(fmt::format("there is no store in {}", path));
  if (alone) database->lock = std::make_unique<DirectoryLock>(env, path);
  if (!has_database(env, path)) throw StoreError(fmt::format("the store in {} has never been started", path));
  mend_logs(env, path, options.log, alone ? Torn::Cut : Torn::Leave);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  check(path, rocksdb::DB::OpenForReadOnly(database_options(env, options.log), path, families(), &handles, &db));
  take(*database, path, db, handles);
  return database;
}

}  // namespace ph::apiserver
