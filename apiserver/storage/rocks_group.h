// A group of transactions that become durable together; private to this folder.
#pragma once

#include <rocksdb/write_batch.h>

#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "apiserver/storage/rocks_database.h"
#include "apiserver/storage/store.h"

namespace ph::apiserver {

// A read or write of RocksDB that failed.
class RocksError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
void check_status(const rocksdb::Status& status, std::string_view doing);

// What a key holds.
struct Held {
  SharedBytes value;
  Revision created;
  Revision modified;
};
std::optional<Held> read_value(const RocksDatabase& database, const std::string& key);

// Judges transactions in order, each on the state that those before it would leave, and collects what they write.
class RocksGroup {
 public:
  // `revision`: the newest one before the group.
  RocksGroup(RocksDatabase& database, Revision revision, Time now) : database_(database), revision_(revision), now_(now) {}

  std::expected<Revision, Refused> apply(Transaction& transaction);

  // The newest revision, with the group's.
  Revision revision() const { return revision_; }
  rocksdb::WriteBatch& batch() { return batch_; }
  std::vector<Change>& changes() { return changes_; }

 private:
  const std::optional<Held>& held(const std::string& key);
  void change(const Mutation& mutation, Revision revision, const std::string& author, std::uint32_t& index);

  RocksDatabase& database_;
  Revision revision_;
  const Time now_;
  rocksdb::WriteBatch batch_;
  std::vector<Change> changes_;
  // Every key that was looked at, as the group leaves it so far. RocksDB is read for the others: the previous value is
  // needed anyway, and an index in memory would cost as much as the caches' own (see tests/perf/store_bench.cc).
  std::unordered_map<std::string, std::optional<Held>> seen_;
  std::string buffer_;
};

}  // namespace ph::apiserver
