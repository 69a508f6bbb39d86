// The write-ahead log's format (LevelDB's): blocks of 32 KiB, each a row of fragments
//   masked CRC-32C (4) of all that follows, length (2), type (1), payload
// with little-endian numbers. A record is one Full fragment, or First, Middle…, Last over several blocks; what is left
// at the end of a block and too short for a fragment is zeros.
#include <fmt/format.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "apiserver/storage/crc32c.h"
#include "apiserver/storage/rocks_database.h"

namespace ph::apiserver {
namespace {

constexpr std::size_t kBlock = 32 << 10;
constexpr std::size_t kHeader = 7;
enum Type : unsigned char { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

std::uint32_t number(std::string_view bytes, int count) {
  std::uint32_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

struct Fragment {
  std::size_t end;
  unsigned char type;
};

// The fragment that begins at `at`, if its length and type can be; its checksum is not looked at.
std::optional<Fragment> fragment_at(std::string_view log, std::size_t at) {
  const std::size_t room = std::min(log.size(), at / kBlock * kBlock + kBlock) - at;
  if (room < kHeader) return std::nullopt;
  const std::size_t length = number(log.substr(at + 4), 2);
  const auto type = static_cast<unsigned char>(log[at + 6]);
  if (type < kFull || type > kLast || kHeader + length > room) return std::nullopt;
  return Fragment{at + kHeader + length, type};
}

bool intact(std::string_view log, std::size_t at, const Fragment& fragment) {
  return number(log.substr(at), 4) == masked_crc(log.substr(at + 6, fragment.end - at - 6));
}

// Whether a record that is whole in itself begins anywhere from `from` on.
bool record_begins_after(std::string_view log, std::size_t from) {
  for (std::size_t at = from; at + kHeader <= log.size(); ++at) {
    const auto fragment = fragment_at(log, at);
    if (fragment && (fragment->type == kFull || fragment->type == kFirst) && intact(log, at, *fragment)) return true;
  }
  return false;
}

// A file system that lost the end of a write shows zeros there: at least one sector of the disk.
bool has_empty_sector(std::string_view log, std::size_t from, std::size_t to) {
  constexpr std::size_t kSector = 512;
  for (std::size_t at = from; at < to;) {
    const std::size_t end = std::min(to, at / kSector * kSector + kSector);
    if (log.substr(at, end - at).find_first_not_of('\0') == std::string_view::npos) return true;
    at = end;
  }
  return false;
}

struct Scan {
  std::size_t whole = 0;               // where the last whole record ends
  std::size_t last = 0;                // where that record begins
  std::optional<std::size_t> damaged;  // where the first whole record begins that is not what its checksums say
  std::optional<std::size_t> broken;   // where something begins that is no fragment
};

// Follows lengths and types from fragment to fragment.
Scan scan(std::string_view log) {
  Scan result;
  std::optional<std::size_t> open;  // a record that has begun
  bool good = true;                 // … and is intact so far
  for (std::size_t at = 0; at < log.size();) {
    const std::size_t room = kBlock - at % kBlock;
    if (room < kHeader && log.substr(at, room).find_first_not_of('\0') == std::string_view::npos) {
      at += room;
      continue;
    }
    const auto fragment = fragment_at(log, at);
    const bool begins = fragment && (fragment->type == kFull || fragment->type == kFirst);
    if (!fragment || begins == open.has_value()) {
      result.broken = at;
      return result;
    }
    if (begins) {
      open = at;
      good = true;
    }
    good = good && intact(log, at, *fragment);
    at = fragment->end;
    if (fragment->type == kFull || fragment->type == kLast) {
      if (!good && !result.damaged) result.damaged = open;
      result.last = *open;
      result.whole = at;
      open.reset();
    }
  }
  if (open) result.broken = log.size();
  return result;
}

[[noreturn]] void refuse(const std::string& file, std::size_t at) {
  throw StoreError(
      fmt::format("the log {} is damaged at byte {}, before its end, and writes that were acknowledged cannot be read; {}", file,
                  at, kDamagedRemedy));
}

// Where a torn end begins; nothing when the log is whole.
std::optional<std::size_t> torn_at(const std::string& file, std::string_view log) {
  const Scan found = scan(log);
  // A record was synced before the next one was begun.
  if (found.damaged && (found.broken || *found.damaged != found.last)) refuse(file, *found.damaged);
  if (found.broken) {
    if (record_begins_after(log, *found.broken + 1)) refuse(file, *found.broken);
    return found.whole;
  }
  // The first fragments of the last record arrived and its middle did not: it passes for whole.
  if (!found.damaged) return std::nullopt;
  if (!has_empty_sector(log, found.last, found.whole)) refuse(file, found.last);
  return found.last;
}

// Cuts the file and makes that durable: a torn end must not come back behind a newer log.
rocksdb::Status cut(rocksdb::Env& env, const std::string& file, std::size_t size) {
  std::unique_ptr<rocksdb::WritableFile> handle;
  if (auto status = env.ReopenWritableFile(file, &handle, rocksdb::EnvOptions()); !status.ok()) return status;
  if (auto status = handle->Truncate(size); !status.ok()) return status;
  if (auto status = handle->Fsync(); !status.ok()) return status;
  return handle->Close();
}

}  // namespace

void mend_logs(rocksdb::Env& env, const std::string& path, const Log& log, Torn torn_ends) {
  std::vector<std::string> names;
  const rocksdb::Status listed = env.GetChildren(path, &names);
  if (!listed.ok()) throw StoreError(fmt::format("the data directory {} cannot be read: {}", path, listed.ToString()));
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(".log"); });
  std::ranges::sort(names, {}, [](const std::string& name) { return std::pair(name.size(), name); });
  for (const std::string& name : names) {
    const std::string file = path + "/" + name;
    std::string bytes;
    const rocksdb::Status read = rocksdb::ReadFileToString(&env, file, &bytes);
    if (!read.ok()) throw StoreError(fmt::format("the log {} cannot be read: {}", file, read.ToString()));
    const auto torn = torn_at(file, bytes);
    if (!torn) continue;
    // Every write was synced before the next one began, and before the next log did.
    if (name != names.back()) refuse(file, *torn);
    if (torn_ends == Torn::Leave) return;
    log.warning("the last write before a crash was cut off", "log", file, "at", *torn, "bytes", bytes.size() - *torn);
    const rocksdb::Status mended = cut(env, file, *torn);
    if (!mended.ok()) throw StoreError(fmt::format("the log {} cannot be cut at {}: {}", file, *torn, mended.ToString()));
  }
}

}  // namespace ph::apiserver
