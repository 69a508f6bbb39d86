// A snapshot: everything a store holds at one revision, in one stream of bytes that proves to be whole.
//
// The stream is a line that names the format, then blocks: checksum (CRC-32C of the rest, 4), length of the payload
// (4), type (1), payload; numbers are big-endian.
//   'h'  revision (8), time (8, nanoseconds since 1970)        first
//   'v'  key length (4), key, created (8), value length (4), value; again and again
//   'f'  name length (4), name, text                           a file that goes with it: a key of the cluster
//   'e'  number of values (8), checksum of all checksums (4)   last
// It holds no history and no revisions of single keys: whoever restores it begins a new history (StoreBuilder).
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "apiserver/storage/store.h"
#include "base/time.h"

namespace ph::apiserver {

class SnapshotError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Makes a snapshot piece by piece: `begin`, then the others as they come, `end` last. Each returns the bytes to write
// next; values are gathered, most of them return nothing.
class SnapshotEncoder {
 public:
  std::string begin(Revision revision, Time time);
  std::string value(std::string_view key, Revision created, std::string_view value);
  std::string file(std::string_view name, std::string_view text);
  std::string end();

 private:
  void append_block(std::string& out, char type, std::string_view payload);
  std::string take_gathered();

  std::string gathered_;
  std::uint64_t values_ = 0;
  std::uint32_t checksums_ = 0;
};

// Takes a snapshot apart as it arrives, in pieces of any size.
class SnapshotDecoder {
 public:
  class Visitor {
   public:
    virtual ~Visitor() = default;
    virtual void head(Revision, Time) {}
    virtual void value(std::string_view /*key*/, Revision /*created*/, std::string_view /*value*/) {}
    virtual void file(std::string_view /*name*/, std::string_view /*text*/) {}
  };

  // `visitor` must outlive it.
  explicit SnapshotDecoder(Visitor& visitor) : visitor_(visitor) {}

  // Throws SnapshotError when the bytes are none of a snapshot of this format, or not as they were written; and what
  // the visitor throws.
  void feed(std::string_view bytes);
  // All has been fed. Throws SnapshotError when that is not all there was.
  void finish() const;

  std::uint64_t values() const { return values_; }

 private:
  bool take_format();
  bool take_block();
  void visit(char type, std::string_view payload);

  Visitor& visitor_;
  std::string waiting_;     // what has arrived and is not a whole block yet
  std::size_t at_ = 0;      // how much of that is done with
  std::uint64_t done_ = 0;  // bytes before `waiting_`, for messages
  bool format_seen_ = false;
  bool head_seen_ = false;
  bool end_seen_ = false;
  std::uint64_t values_ = 0;
  std::uint32_t checksums_ = 0;
};

}  // namespace ph::apiserver
