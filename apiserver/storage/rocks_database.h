// The open database and its column families; private to this folder.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "apiserver/storage/gaps.h"
#include "apiserver/storage/rocks_errors.h"
#include "apiserver/storage/rocksdb.h"
#include "apiserver/storage/store_directory.h"

namespace ph::apiserver {

inline constexpr std::string_view kRevisionKey = "revision";
inline constexpr std::string_view kCompactedKey = "compacted";
inline constexpr std::string_view kGapPrefix = "gap/";

// What to do about damage.
inline constexpr const char* kDamagedRemedy =
    "bring back a snapshot with `pilothouse restore FILE --force`, or give the objects up with `pilothouse reset`";

// Has the directory to itself, as an open store has. Throws StoreError when somebody else has it.
class DirectoryLock {
 public:
  DirectoryLock(rocksdb::Env& env, const std::string& path);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  rocksdb::Env& env_;
  rocksdb::FileLock* lock_ = nullptr;
};

struct RocksDatabase {
  RocksDatabase() = default;
  ~RocksDatabase();
  RocksDatabase(const RocksDatabase&) = delete;
  RocksDatabase& operator=(const RocksDatabase&) = delete;

  std::unique_ptr<rocksdb::Env> env;    // when files are not the operating system's
  std::unique_ptr<DirectoryLock> lock;  // when it is open for reading, alone
  const std::shared_ptr<BackgroundErrors> errors = std::make_shared<BackgroundErrors>();
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* meta = nullptr;
  rocksdb::ColumnFamilyHandle* values = nullptr;
  rocksdb::ColumnFamilyHandle* history = nullptr;

  // As they were found.
  Revision revision{1};
  Revision compacted{1};
  Gaps gaps;
};

// Opens the store, or makes it. Throws StoreError.
std::unique_ptr<RocksDatabase> open_database(const std::string& path, const RocksOptions& options);

// Opens a store that is there, for reading: see open_store_view. Throws StoreError.
std::unique_ptr<RocksDatabase> open_database_to_read(const std::string& path, const RocksOptions& options, ViewAccess access);

enum class Torn { Cut, Leave };

// Looks through the write-ahead logs in `path` before RocksDB does, which takes any damage in the last block that looks
// like a short record for the end. The end of the newest log may be torn (a crash cut the last write off): it is cut
// where its last whole record ends, unless it shall be left. Damage that a later record proves to be in the middle throws
// StoreError.
void mend_logs(rocksdb::Env& env, const std::string& path, const Log& log, Torn torn_ends);

}  // namespace ph::apiserver
