#include "apiserver/storage/rocks_group.h"

#include <fmt/format.h>

#include "apiserver/storage/judge.h"
#include "apiserver/storage/records.h"

namespace ph::apiserver {

void check_status(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return;
  std::string message = fmt::format("{}: {}", doing, status.ToString());
  if (status.IsNoSpace()) message += "; make room and start again: nothing that was acknowledged is lost";
  if (status.IsCorruption()) message += fmt::format("; {}", kDamagedRemedy);
  throw RocksError(message);
}

std::optional<Held> read_value(const RocksDatabase& database, const std::string& key) {
  rocksdb::PinnableSlice bytes;
  const rocksdb::Status read = database.db->Get({}, database.values, key, &bytes);
  if (read.IsNotFound()) return std::nullopt;
  check_status(read, "reading a value");
  const auto record = decode_value(bytes.ToStringView());
  if (!record) throw RocksError(fmt::format("the value of {} is malformed; {}", key, kDamagedRemedy));
  return Held{share(std::string(record->value)), record->created, record->modified};
}

const std::optional<Held>& RocksGroup::held(const std::string& key) {
  if (const auto found = seen_.find(key); found != seen_.end()) return found->second;
  return seen_.emplace(key, read_value(database_, key)).first->second;
}

std::expected<Revision, Refused> RocksGroup::apply(Transaction& transaction) {
  assert_distinct_keys(transaction);
  const auto unmet = first_unmet(transaction.preconditions, [&](const std::string& key) -> std::optional<Revision> {
    const auto& found = held(key);
    if (!found) return std::nullopt;
    return found->modified;
  });
  if (unmet) {
    const std::string& key = transaction.preconditions[*unmet].key;
    const auto& found = held(key);
    if (!found) return std::unexpected(Refused{*unmet, std::nullopt});
    return std::unexpected(Refused{*unmet, Stored{key, found->value, found->created, found->modified}});
  }
  const Revision next{revision_.value + 1};
  const std::size_t before = changes_.size();
  std::uint32_t index = 0;
  for (const Mutation& mutation : transaction.mutations) change(mutation, next, transaction.author, index);
  if (changes_.size() == before) return revision_;
  revision_ = next;
  return next;
}

void RocksGroup::change(const Mutation& mutation, Revision revision, const std::string& author, std::uint32_t& index) {
  const auto& found = held(mutation.key);
  if (!mutation.value && !found) return;
  Change change{.revision = revision, .key = mutation.key, .created = revision, .time = now_, .author = author};
  if (found) {
    change.previous = found->value;
    change.previous_modified = found->modified;
    change.created = found->created;
  }

  if (mutation.last_value_only) {
    // That history has a gap here must be known after a restart, too; one mark a directory is enough.
    if (database_.gaps.note(mutation.key, revision)) {
      batch_.Put(database_.meta, std::string(kGapPrefix) + std::string(directory_of(mutation.key)), "");
    }
  } else {
    const HistoryRecord record{.key = change.key,
                               .deleted = !mutation.value,
                               .previous = change.previous ? std::optional<std::string_view>(*change.previous) : std::nullopt,
                               .previous_modified = change.previous_modified,
                               .created = change.created,
                               .time = now_,
                               .author = author};
    batch_.Put(database_.history, history_key(revision, index++), encode_history(record));
  }

  if (mutation.value) {
    change.value = share(*mutation.value);
    encode_value(buffer_, change.created, revision, *change.value);
    batch_.Put(database_.values, mutation.key, buffer_);
    seen_[mutation.key] = Held{change.value, change.created, revision};
  } else {
    batch_.Delete(database_.values, mutation.key);
    seen_[mutation.key] = std::nullopt;
  }
  changes_.push_back(std::move(change));
}

}  // namespace ph::apiserver
