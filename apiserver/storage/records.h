// How values and history lie in RocksDB. Private to this folder. Numbers are big-endian, so that keys sort by them.
//
//   values   key                        -> created, modified, value
//   history  revision (8), index (4)    -> what one change of a key *found*: see HistoryRecord
//   meta     "revision", "compacted", "gap/<directory>"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/revision.h"
#include "base/time.h"

namespace ph::apiserver {

struct ValueRecord {
  Revision created;
  Revision modified;
  std::string_view value;
};

// History is an undo log: the value that a change made is what the next change of the key found, or what is there now.
// So each value is stored once, and both sides of every change are known however much has been trimmed.
struct HistoryRecord {
  std::string_view key;
  bool deleted = false;                      // the change removed the key
  std::optional<std::string_view> previous;  // what the key held
  Revision previous_modified;
  Revision created;
  Time time;
  std::string_view author;
};

// Decoding gives views into `bytes`; nothing when they are not a record.
void encode_value(std::string& out, Revision created, Revision modified, std::string_view value);
std::optional<ValueRecord> decode_value(std::string_view bytes);

std::string encode_history(const HistoryRecord& record);
std::optional<HistoryRecord> decode_history(std::string_view bytes);

std::string history_key(Revision revision, std::uint32_t index);
Revision revision_of_history_key(std::string_view key);

std::string encode_revision(Revision revision);
std::optional<Revision> decode_revision(std::string_view bytes);

}  // namespace ph::apiserver
