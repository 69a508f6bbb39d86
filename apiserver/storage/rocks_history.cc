#include "apiserver/storage/rocks_history.h"

#include <fmt/format.h>
#include <rocksdb/convenience.h>

#include <algorithm>
#include <unordered_map>

#include "apiserver/storage/records.h"
#include "apiserver/storage/rocks_group.h"

namespace ph::apiserver {
namespace {

// The first key of history after `revision`.
std::string after(Revision revision) { return history_key(Revision{revision.value + 1}, 0); }

constexpr std::size_t kAll = static_cast<std::size_t>(-1);

}  // namespace

std::optional<std::vector<Change>> RocksHistory::since(const std::string& prefix, Revision since) const {
  if (since < compacted_ || since < database_.gaps.newest(prefix)) return std::nullopt;
  std::vector<Change> changes;
  if (walk(prefix, since, kAll, kAll, changes) > since) return std::nullopt;
  std::ranges::reverse(changes);
  return changes;
}

Recent RocksHistory::recent(const std::string& prefix, std::size_t records_max, std::size_t bytes_max, Revision newest) const {
  Recent recent;
  recent.since = walk(prefix, compacted_, records_max, bytes_max, recent.changes);
  std::ranges::reverse(recent.changes);
  recent.gaps = database_.gaps.after(prefix, recent.since);
  recent.until = newest;
  return recent;
}

Revision RocksHistory::walk(const std::string& prefix, Revision floor, std::size_t records_max, std::size_t bytes_max,
                            std::vector<Change>& newest_first) const {
  // What a change made is what the next one of its key found, or what is there now.
  std::unordered_map<std::string, Held> found_by_next;
  const std::string lowest = after(floor);
  const rocksdb::Slice lower(lowest);
  rocksdb::ReadOptions reading;
  reading.iterate_lower_bound = &lower;
  reading.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(database_.db->NewIterator(reading, database_.history));
  std::size_t records = 0;
  std::size_t bytes = 0;
  const auto stop_at = [&](Revision revision) {
    // A revision is given whole or not at all.
    std::erase_if(newest_first, [&](const Change& change) { return change.revision == revision; });
    return revision;
  };
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    const Revision revision = revision_of_history_key(it->key().ToStringView());
    bytes += it->value().size();
    if (++records > records_max || bytes > bytes_max) return stop_at(revision);
    const auto record = decode_history(it->value().ToStringView());
    if (!record) throw RocksError(fmt::format("a record of history is malformed; {}", kDamagedRemedy));
    if (!record->key.starts_with(prefix)) continue;

    Change change{.revision = revision,
                  .key = std::string(record->key),
                  .created = record->created,
                  .time = record->time,
                  .author = std::string(record->author),
                  .previous_modified = record->previous_modified};
    const auto next = found_by_next.find(change.key);
    if (!record->deleted) {
      const auto made = next != found_by_next.end() ? std::optional(next->second) : read_value(database_, change.key);
      // A later change was not recorded, and took with it what this one made.
      if (!made || made->modified != revision) return stop_at(revision);
      change.value = made->value;
    }
    if (record->previous) change.previous = share(std::string(*record->previous));
    found_by_next[change.key] = Held{change.previous, change.created, change.previous_modified};
    newest_first.push_back(std::move(change));
  }
  check_status(it->status(), "reading history");
  return floor;
}

std::optional<Time> RocksHistory::time_of_first_after(Revision revision) const {
  const std::unique_ptr<rocksdb::Iterator> it(database_.db->NewIterator({}, database_.history));
  it->Seek(after(revision));
  check_status(it->status(), "reading history");
  if (!it->Valid()) return std::nullopt;
  const auto record = decode_history(it->value().ToStringView());
  if (!record) throw RocksError(fmt::format("a record of history is malformed; {}", kDamagedRemedy));
  return record->time;
}

std::uint64_t RocksHistory::bytes_after(Revision revision) const {
  const std::string from = after(revision);
  const std::string to(12, '\xff');
  const rocksdb::Range range(from, to);
  rocksdb::SizeApproximationOptions sizes;
  sizes.include_memtables = true;
  sizes.include_files = true;
  std::uint64_t bytes = 0;
  check_status(database_.db->GetApproximateSizes(sizes, database_.history, &range, 1, &bytes), "measuring history");
  return bytes;
}

// The last revision in [from, to] for which `must_go` holds, if it holds for a beginning of the range; `from` when for
// none.
template <class MustGo>
Revision RocksHistory::last(Revision from, Revision to, MustGo must_go) const {
  while (from < to) {
    const Revision middle{from.value + (to.value - from.value + 1) / 2};
    if (must_go(middle)) {
      from = middle;
    } else {
      to.value = middle.value - 1;
    }
  }
  return from;
}

void RocksHistory::trim(rocksdb::WriteBatch& batch, Revision newest, std::size_t wrote, Time now) {
  wrote_ += wrote;
  if (now - looked_ < options_.history_duration / 20 && wrote_ < options_.history_bytes / 16) return;
  looked_ = now;
  wrote_ = 0;
  const Time oldest = now - options_.history_duration;
  Revision keep_after = last(compacted_, newest, [&](Revision revision) {
    const auto next = time_of_first_after(Revision{revision.value - 1});
    return next && *next < oldest;
  });
  keep_after = last(keep_after, newest,
                    [&](Revision revision) { return bytes_after(Revision{revision.value - 1}) > options_.history_bytes; });
  if (keep_after == compacted_) return;
  compacted_ = keep_after;
  batch.DeleteRange(database_.history, history_key(Revision{0}, 0), after(compacted_));
  batch.Put(database_.meta, rocksdb::Slice(kCompactedKey.data(), kCompactedKey.size()), encode_revision(compacted_));
  reclaim_ = true;
}

void RocksHistory::reclaim() {
  if (!std::exchange(reclaim_, false)) return;
  const std::string from = history_key(Revision{0}, 0);
  const std::string to = after(compacted_);
  const rocksdb::Slice begin(from);
  const rocksdb::Slice end(to);
  check_status(rocksdb::DeleteFilesInRange(database_.db.get(), database_.history, &begin, &end, false), "trimming history");
}

}  // namespace ph::apiserver
