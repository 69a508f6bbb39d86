#include "apiserver/storage/records.h"

#include "apiserver/storage/bytes.h"

namespace ph::apiserver {
namespace {

constexpr char kDeleted = 1;
constexpr char kHasPrevious = 2;

}  // namespace

void encode_value(std::string& out, Revision created, Revision modified, std::string_view value) {
  out.clear();
  out.reserve(16 + value.size());
  append_number(out, created.value, 8);
  append_number(out, modified.value, 8);
  out += value;
}

std::optional<ValueRecord> decode_value(std::string_view bytes) {
  ByteReader reader(bytes);
  ValueRecord record;
  record.created.value = reader.number(8);
  record.modified.value = reader.number(8);
  record.value = reader.rest();
  if (!reader.good()) return std::nullopt;
  return record;
}

std::string encode_history(const HistoryRecord& record) {
  std::string out;
  out.reserve(33 + record.key.size() + record.author.size() + (record.previous ? record.previous->size() : 0));
  out += static_cast<char>((record.deleted ? kDeleted : 0) | (record.previous ? kHasPrevious : 0));
  append_number(out, record.previous_modified.value, 8);
  append_number(out, record.created.value, 8);
  append_number(out, record.time.time_since_epoch().count(), 8);
  append_number(out, record.key.size(), 4);
  out += record.key;
  append_number(out, record.author.size(), 4);
  out += record.author;
  if (record.previous) out += *record.previous;
  return out;
}

std::optional<HistoryRecord> decode_history(std::string_view bytes) {
  ByteReader reader(bytes);
  HistoryRecord record;
  const auto flags = static_cast<char>(reader.number(1));
  record.deleted = (flags & kDeleted) != 0;
  record.previous_modified.value = reader.number(8);
  record.created.value = reader.number(8);
  record.time = Time(Duration(static_cast<std::int64_t>(reader.number(8))));
  record.key = reader.take(reader.number(4));
  record.author = reader.take(reader.number(4));
  if ((flags & kHasPrevious) != 0) record.previous = reader.rest();
  if (!reader.good()) return std::nullopt;
  return record;
}

std::string history_key(Revision revision, std::uint32_t index) {
  std::string key;
  append_number(key, revision.value, 8);
  append_number(key, index, 4);
  return key;
}

Revision revision_of_history_key(std::string_view key) { return Revision{ByteReader(key).number(8)}; }

std::string encode_revision(Revision revision) {
  std::string out;
  append_number(out, revision.value, 8);
  return out;
}

std::optional<Revision> decode_revision(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  return Revision{ByteReader(bytes).number(8)};
}

}  // namespace ph::apiserver
