// A view of a RocksDB store; private to this folder.
#pragma once

#include <memory>

#include "apiserver/storage/rocks_database.h"
#include "apiserver/storage/store.h"

namespace ph::apiserver {

class RocksView final : public StoreView {
 public:
  // Of what the database holds now. Throws nothing: it is read by `next`.
  RocksView(std::shared_ptr<const RocksDatabase> database, Revision revision, Revision history_since,
            std::optional<Time> history_begins);
  ~RocksView() override;

  Revision revision() const override { return revision_; }
  Revision history_since() const override { return history_since_; }
  std::optional<Time> history_begins() const override { return history_begins_; }
  std::optional<Item> next() override;

 private:
  const std::shared_ptr<const RocksDatabase> database_;
  const Revision revision_;
  const Revision history_since_;
  const std::optional<Time> history_begins_;
  const rocksdb::Snapshot* snapshot_ = nullptr;
  std::unique_ptr<rocksdb::Iterator> it_;  // made by the first `next`
};

}  // namespace ph::apiserver
