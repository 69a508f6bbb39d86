// The directory of a RocksDB store as tools see it: who holds it, what is in it, and how a new one is filled.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/storage/rocksdb.h"
#include "apiserver/storage/store.h"

namespace ph::apiserver {

// The process that has the store at `path` open (0: one that cannot be seen from here); nothing when none has, or when
// there is no store. Not for stores that this process has open.
std::optional<int> store_holder(const std::string& path);

// Keeps servers off the store at `path`, if there is one, as long as this lives. Throws StoreError when a server has
// it.
class StoreLock {
 public:
  explicit StoreLock(const std::string& path, const RocksOptions& options = {});
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

enum class ViewAccess {
  Alone,   // servers are kept off while the view lives; a torn end is cut off, as a start does
  Beside,  // nothing is changed, nobody is kept off: reading fails when a server starts meanwhile
};

// What the store of no running server holds. Throws StoreError: there is none, it is in use, of another format, or
// damaged.
std::unique_ptr<StoreView> open_store_view(const std::string& path, ViewAccess access, const RocksOptions& options = {});

// Fills a new store with the values of a snapshot. All of them are then as if the store had written them at `revision`,
// and there is no history before it.
class StoreBuilder {
 public:
  // Makes the directory, which must not hold a store. Throws StoreError.
  StoreBuilder(const std::string& path, Revision revision, const RocksOptions& options = {});
  ~StoreBuilder();
  StoreBuilder(const StoreBuilder&) = delete;
  StoreBuilder& operator=(const StoreBuilder&) = delete;

  // Throws std::runtime_error when it cannot be written.
  void add(std::string_view key, Revision created, std::string_view value);
  // Makes everything durable and closes the store; nothing may be added after it.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::apiserver
