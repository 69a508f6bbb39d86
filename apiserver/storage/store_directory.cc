#include "apiserver/storage/store_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "apiserver/storage/records.h"
#include "apiserver/storage/rocks_database.h"
#include "apiserver/storage/rocks_group.h"
#include "apiserver/storage/rocks_history.h"
#include "apiserver/storage/rocks_view.h"

namespace ph::apiserver {
namespace {

constexpr std::size_t kBatchBytes = 1 << 20;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::optional<int> store_holder(const std::string& path) {
  const int file = ::open((path + "/LOCK").c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool told = ::fcntl(file, F_GETLK, &lock) == 0;
  ::close(file);
  if (!told || lock.l_type == F_UNLCK) return std::nullopt;
  return std::max<int>(lock.l_pid, 0);
}

struct StoreLock::Impl {
  std::unique_ptr<rocksdb::Env> env;
  std::optional<DirectoryLock> lock;
};

StoreLock::StoreLock(const std::string& path, const RocksOptions& options) : impl_(std::make_unique<Impl>()) {
  if (options.file_system) impl_->env = rocksdb::NewCompositeEnv(options.file_system);
  rocksdb::Env& env = impl_->env ? *impl_->env : *rocksdb::Env::Default();
  if (env.FileExists(path).ok()) impl_->lock.emplace(env, path);
}

StoreLock::~StoreLock() = default;

std::unique_ptr<StoreView> open_store_view(const std::string& path, ViewAccess access, const RocksOptions& options) {
  const std::shared_ptr<RocksDatabase> database = open_database_to_read(path, options, access);
  const RocksHistory history(*database, options);
  return std::make_unique<RocksView>(database, database->revision, history.compacted(), history.begins());
}

struct StoreBuilder::Impl {
  // Nothing is logged: all of it becomes durable at the end, or there is no store.
  void write() {
    rocksdb::WriteOptions writing;
    writing.disableWAL = true;
    check_status(database->db->Write(writing, &batch), "writing");
    batch.Clear();
  }

  std::unique_ptr<RocksDatabase> database;
  Revision revision;
  rocksdb::WriteBatch batch;
  std::string buffer;
};

StoreBuilder::StoreBuilder(const std::string& path, Revision revision, const RocksOptions& options)
    : impl_(std::make_unique<Impl>()) {
  impl_->revision = revision;
  impl_->database = open_database(path, options);
  if (impl_->database->revision != Revision{1}) throw StoreError(fmt::format("there is a store in {} already", path));
}

StoreBuilder::~StoreBuilder() = default;

void StoreBuilder::add(std::string_view key, Revision created, std::string_view value) {
  encode_value(impl_->buffer, std::min(created, impl_->revision), impl_->revision, value);
  impl_->batch.Put(impl_->database->values, slice(key), impl_->buffer);
  if (impl_->batch.GetDataSize() >= kBatchBytes) impl_->write();
}

void StoreBuilder::finish() {
  const RocksDatabase& database = *impl_->database;
  impl_->batch.Put(database.meta, slice(kRevisionKey), encode_revision(impl_->revision));
  impl_->batch.Put(database.meta, slice(kCompactedKey), encode_revision(impl_->revision));
  impl_->write();
  rocksdb::FlushOptions flushing;
  check_status(database.db->Flush(flushing, {database.values, database.history, database.meta}), "writing");
  impl_->database.reset();
}

}  // namespace ph::apiserver
