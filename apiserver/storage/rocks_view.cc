#include "apiserver/storage/rocks_view.h"

#include <fmt/format.h>

#include "apiserver/storage/records.h"
#include "apiserver/storage/rocks_group.h"

namespace ph::apiserver {

RocksView::RocksView(std::shared_ptr<const RocksDatabase> database, Revision revision, Revision history_since,
                     std::optional<Time> history_begins)
    : database_(std::move(database)),
      revision_(revision),
      history_since_(history_since),
      history_begins_(history_begins),
      snapshot_(database_->db->GetSnapshot()) {}

RocksView::~RocksView() {
  it_.reset();
  if (snapshot_) database_->db->ReleaseSnapshot(snapshot_);
}

std::optional<StoreView::Item> RocksView::next() {
  if (it_) {
    if (it_->Valid()) it_->Next();
  } else {
    rocksdb::ReadOptions reading;
    reading.snapshot = snapshot_;  // null in a database that is open for reading: nothing changes there
    reading.fill_cache = false;
    reading.readahead_size = 256 << 10;
    it_.reset(database_->db->NewIterator(reading, database_->values));
    it_->SeekToFirst();
  }
  if (!it_->Valid()) {
    check_status(it_->status(), "reading values");
    return std::nullopt;
  }
  const auto record = decode_value(it_->value().ToStringView());
  if (!record) {
    throw RocksError(fmt::format("the value of {} is malformed; {}", it_->key().ToStringView(), kDamagedRemedy));
  }
  return Item{it_->key().ToStringView(), record->value, record->created, record->modified};
}

}  // namespace ph::apiserver
