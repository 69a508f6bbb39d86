// The store of a single server: an embedded RocksDB in a directory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "apiserver/storage/store.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"

namespace rocksdb {
class FileSystem;
}

namespace ph::apiserver {

struct RocksOptions {
  // History is kept this long, and while its files are smaller than this.
  Duration history_duration = std::chrono::minutes(10);
  std::uint64_t history_bytes = 1ull << 30;

  // False: the operating system decides when writes reach the disk. A crash of the process loses nothing then, one of
  // the machine may lose the last seconds: for clusters that are thrown away.
  bool sync = true;

  Log log;
  Metrics* metrics = nullptr;  // outlives the store; null: nothing is counted

  // Called on the store's thread, or one of RocksDB's, when a write, a sync or a read has failed, maybe once by each;
  // nothing is answered after that. The default writes `message` to standard error and ends the process with code 74. For
  // tests, which may return.
  std::function<void(std::string_view message)> fatal;

  // In place of the operating system's files; for tests.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

// A directory that cannot be served from; `what()` says why and what to do about it.
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Opens the directory, or makes it. Blocks. Throws StoreError: it belongs to a running server, may not be written,
// holds something else or another format, or is damaged anywhere but in the torn end of the last write before a crash.
//
// One thread of its own does all reading and writing: it judges the transactions that wait in their order, writes them
// as one batch with one sync, and then hands changes and answers to `executor`. Destroying the store first finishes
// what was asked of it; `executor` must live longer.
std::unique_ptr<Store> open_rocksdb_store(std::string path, Executor& executor, const Clock& clock, RocksOptions options = {});

}  // namespace ph::apiserver
