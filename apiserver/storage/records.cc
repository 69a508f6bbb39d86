#include "apiserver/storage/records.h"

namespace ph::apiserver {
namespace {

constexpr char kDeleted = 1;
constexpr char kHasPrevious = 2;

void append_number(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
}

// Takes what it reads off the front; says once and for all when there was too little.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number(int bytes) {
    std::uint64_t value = 0;
    for (const char c : take(bytes)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view take(std::size_t length) {
    if (length > rest_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }
  std::string_view rest() { return take(rest_.size()); }
  bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

void encode_value(std::string& out, Revision created, Revision modified, std::string_view value) {
  out.clear();
  out.reserve(16 + value.size());
  append_number(out, created.value, 8);
  append_number(out, modified.value, 8);
  out += value;
}

std::optional<ValueRecord> decode_value(std::string_view bytes) {
  Reader reader(bytes);
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
  Reader reader(bytes);
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

Revision revision_of_history_key(std::string_view key) { return Revision{Reader(key).number(8)}; }

std::string encode_revision(Revision revision) {
  std::string out;
  append_number(out, revision.value, 8);
  return out;
}

std::optional<Revision> decode_revision(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  return Revision{Reader(bytes).number(8)};
}

}  // namespace ph::apiserver
