#include "apiserver/storage/snapshot.h"

#include <fmt/format.h>

#include "apiserver/storage/bytes.h"
#include "apiserver/storage/crc32c.h"

namespace ph::apiserver {
namespace {

// Changes whenever what is written could not be read by the version before.
constexpr std::string_view kFormat = "pilothouse snapshot, format 1\n";
constexpr std::string_view kFormatAnyNumber = "pilothouse snapshot, format ";

constexpr std::size_t kHeader = 9;
constexpr std::size_t kBlockBytes = 64 << 10;  // values are gathered to about this
constexpr std::size_t kPayloadMax = 64 << 20;  // what a length may say before its checksum is known
constexpr char kHead = 'h', kValues = 'v', kFile = 'f', kEnd = 'e';

std::string checksum_bytes(std::uint32_t checksum) {
  std::string out;
  append_number(out, checksum, 4);
  return out;
}

}  // namespace

void SnapshotEncoder::append_block(std::string& out, char type, std::string_view payload) {
  std::string head;
  append_number(head, payload.size(), 4);
  head += type;
  const std::string checksum = checksum_bytes(crc32c(payload, crc32c(head)));
  checksums_ = crc32c(checksum, checksums_);
  out.append(checksum).append(head).append(payload);
}

std::string SnapshotEncoder::begin(Revision revision, Time time) {
  std::string payload;
  append_number(payload, revision.value, 8);
  append_number(payload, static_cast<std::uint64_t>(time.time_since_epoch().count()), 8);
  std::string out(kFormat);
  append_block(out, kHead, payload);
  return out;
}

std::string SnapshotEncoder::value(std::string_view key, Revision created, std::string_view value) {
  append_number(gathered_, key.size(), 4);
  gathered_ += key;
  append_number(gathered_, created.value, 8);
  append_number(gathered_, value.size(), 4);
  gathered_ += value;
  ++values_;
  return gathered_.size() < kBlockBytes ? std::string() : take_gathered();
}

std::string SnapshotEncoder::take_gathered() {
  std::string out;
  if (!gathered_.empty()) append_block(out, kValues, gathered_);
  gathered_.clear();
  return out;
}

std::string SnapshotEncoder::file(std::string_view name, std::string_view text) {
  std::string out = take_gathered();
  std::string payload;
  append_number(payload, name.size(), 4);
  payload.append(name).append(text);
  append_block(out, kFile, payload);
  return out;
}

std::string SnapshotEncoder::end() {
  std::string out = take_gathered();
  std::string payload;
  append_number(payload, values_, 8);
  append_number(payload, checksums_, 4);
  append_block(out, kEnd, payload);
  return out;
}

void SnapshotDecoder::feed(std::string_view bytes) {
  waiting_ += bytes;
  while (format_seen_ ? take_block() : take_format()) {
  }
  waiting_.erase(0, at_);
  done_ += at_;
  at_ = 0;
}

void SnapshotDecoder::finish() const {
  if (end_seen_) return;
  if (!format_seen_) throw SnapshotError("it is not a snapshot of pilothouse");
  throw SnapshotError(fmt::format("it is cut off after {} bytes", done_ + waiting_.size()));
}

bool SnapshotDecoder::take_format() {
  const std::string_view bytes(waiting_);
  const auto end = bytes.find('\n');
  if (end == std::string_view::npos && bytes.size() < 100) return false;
  const std::string_view line = bytes.substr(0, end == std::string_view::npos ? 0 : end + 1);
  if (line.starts_with(kFormatAnyNumber) && line != kFormat) {
    throw SnapshotError(fmt::format("it has format {}, this version reads format 1; use the version that made it",
                                    line.substr(kFormatAnyNumber.size(), line.size() - kFormatAnyNumber.size() - 1)));
  }
  if (line != kFormat) throw SnapshotError("it is not a snapshot of pilothouse");
  at_ = line.size();
  format_seen_ = true;
  return true;
}

bool SnapshotDecoder::take_block() {
  const std::string_view bytes = std::string_view(waiting_).substr(at_);
  if (bytes.empty()) return false;
  const auto damaged = [&] { return SnapshotError(fmt::format("it is damaged at byte {}", done_ + at_)); };
  if (end_seen_) throw damaged();
  ByteReader reader(bytes);
  const auto checksum = static_cast<std::uint32_t>(reader.number(4));
  const std::size_t length = reader.number(4);
  const auto type = static_cast<char>(reader.number(1));
  if (!reader.good()) return false;
  if (length > kPayloadMax) throw damaged();
  const std::string_view payload = reader.take(length);
  if (!reader.good()) return false;
  const std::string_view whole = bytes.substr(0, kHeader + length);
  if (crc32c(whole.substr(4)) != checksum) throw damaged();
  if (head_seen_ == (type == kHead)) throw damaged();
  visit(type, payload);
  checksums_ = crc32c(checksum_bytes(checksum), checksums_);
  at_ += whole.size();
  return true;
}

void SnapshotDecoder::visit(char type, std::string_view payload) {
  const auto damaged = [&] { return SnapshotError(fmt::format("it is damaged at byte {}", done_ + at_)); };
  ByteReader reader(payload);
  if (type == kHead) {
    const Revision revision{reader.number(8)};
    const Time time(Duration(static_cast<std::int64_t>(reader.number(8))));
    if (!reader.good()) throw damaged();
    head_seen_ = true;
    visitor_.head(revision, time);
  } else if (type == kValues) {
    while (!reader.empty()) {
      const std::string_view key = reader.take(reader.number(4));
      const Revision created{reader.number(8)};
      const std::string_view value = reader.take(reader.number(4));
      if (!reader.good()) throw damaged();
      ++values_;
      visitor_.value(key, created, value);
    }
  } else if (type == kFile) {
    const std::string_view name = reader.take(reader.number(4));
    const std::string_view text = reader.rest();
    if (!reader.good()) throw damaged();
    visitor_.file(name, text);
  } else if (type == kEnd) {
    const bool all = reader.number(8) == values_ && reader.number(4) == checksums_;
    if (!all || !reader.good()) throw damaged();
    end_seen_ = true;
  } else {
    throw damaged();
  }
}

}  // namespace ph::apiserver
