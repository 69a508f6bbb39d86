// Reading and trimming history; private to this folder.
#pragma once

#include <optional>
#include <string>

#include "apiserver/storage/rocks_database.h"
#include "apiserver/storage/store.h"

namespace ph::apiserver {

class RocksHistory {
 public:
  RocksHistory(RocksDatabase& database, const RocksOptions& options)
      : database_(database), options_(options), compacted_(database.compacted) {}

  // As Store's. `newest`: the store's revision.
  std::optional<std::vector<Change>> since(const std::string& prefix, Revision since) const;
  Recent recent(const std::string& prefix, std::size_t records_max, std::size_t bytes_max, Revision newest) const;

  // From where on history is kept, and when its first change was made.
  Revision compacted() const { return compacted_; }
  std::optional<Time> begins() const { return time_of_first_after(compacted_); }

  // Adds to a group's batch what removes the history that is too old or too much. Looks only now and then: `wrote` is
  // how much the group adds.
  void trim(rocksdb::WriteBatch& batch, Revision newest, std::size_t wrote, Time now);
  // After that batch was written: gives the space back.
  void reclaim();

 private:
  struct Walk;
  // Walks back from the newest record to `floor`, or to where a limit or a gap ends it; returns since when it is
  // complete.
  Revision walk(const std::string& prefix, Revision floor, std::size_t records_max, std::size_t bytes_max,
                std::vector<Change>& newest_first) const;
  std::optional<Time> time_of_first_after(Revision revision) const;
  std::uint64_t bytes_after(Revision revision) const;
  template <class TooOld>
  Revision last(Revision from, Revision to, TooOld too_old) const;

  RocksDatabase& database_;
  const RocksOptions& options_;
  Revision compacted_;  // everything after this is kept
  Time looked_{};
  std::size_t wrote_ = 0;
  bool reclaim_ = false;
};

}  // namespace ph::apiserver
