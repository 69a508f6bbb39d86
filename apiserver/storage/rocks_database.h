// The open database and its column families; private to this folder.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "apiserver/storage/gaps.h"
#include "apiserver/storage/rocksdb.h"

namespace ph::apiserver {

inline constexpr std::string_view kRevisionKey = "revision";
inline constexpr std::string_view kCompactedKey = "compacted";
inline constexpr std::string_view kGapPrefix = "gap/";

struct RocksDatabase {
  RocksDatabase() = default;
  ~RocksDatabase();
  RocksDatabase(const RocksDatabase&) = delete;
  RocksDatabase& operator=(const RocksDatabase&) = delete;

  std::unique_ptr<rocksdb::Env> env;  // when files are not the operating system's
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* meta = nullptr;
  rocksdb::ColumnFamilyHandle* values = nullptr;
  rocksdb::ColumnFamilyHandle* history = nullptr;

  // As they were found.
  Revision revision{1};
  Revision compacted{1};
  Gaps gaps;
};

// Throws StoreError.
std::unique_ptr<RocksDatabase> open_database(const std::string& path, const RocksOptions& options);

// Looks through the write-ahead logs in `path` before RocksDB does, which takes any damage in the last block that looks
// like a short record for the end. The end of the newest log may be torn (a crash cut the last write off): it is cut
// where its last whole record ends. Damage that a later record proves to be in the middle throws StoreError.
void mend_logs(rocksdb::Env& env, const std::string& path, const Log& log);

}  // namespace ph::apiserver
