// The wire form under the codecs: records of a protobuf message, read and written by tables made from Schemas.
// Internal to api/: everybody else uses api/codec.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "api/codec.h"
#include "api/schema.h"

namespace ph::api::wire {

// One value: a varint or fixed number in `number`, or the bytes of a string or message.
struct Item {
  std::uint64_t number = 0;
  std::string_view bytes;
};

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// How a value of a type stands on the wire.
WireType wire_type(Type type);

// What a field number of one message level is: a member of the struct, or an inline message (another level).
struct Step {
  unsigned number = 0;
  std::int16_t member = -1;  // index in Schema::fields
  std::int16_t level = -1;   // index in Plan::levels
  bool many = false;         // a list without a message of its own, or a map
  WireType type = kVarint;
};

struct Level {
  std::vector<Step> steps;              // ascending numbers
  std::vector<std::int16_t> by_number;  // → index in steps, -1: unknown
  const Step* find(std::uint64_t number) const {
    if (number >= by_number.size() || by_number[number] < 0) return nullptr;
    return &steps[static_cast<std::size_t>(by_number[number])];
  }
};

// The tables of a struct. Level 0 is its message, the others are the inline messages within.
struct Plan {
  const Schema* schema = nullptr;
  std::vector<Level> levels;
  std::vector<std::string> json_keys;  // `"name":`, one a member
  std::string kind_json;               // `"kind":"Pod","apiVersion":"v1"`
};

inline constexpr std::size_t kMembersMax = 80;

// Where a member was found in a message.
struct Slot {
  const char* begin = nullptr;  // of the first record, its tag
  const char* end = nullptr;    // of the last one
  Item item;                    // the last value
  std::uint32_t count = 0;      // values; records of a packed list count their items
};

// Reading. Each throws DecodeError on damage.
std::uint64_t read_long_varint(const char*& at, const char* end);
inline std::uint64_t read_varint(const char*& at, const char* end) {
  if (at < end && *at >= 0) return static_cast<std::uint64_t>(*at++);
  return read_long_varint(at, end);
}
[[noreturn]] void truncated();
Item read_fixed_item(const char*& at, const char* end, unsigned wire_type);
// One record's value; `at` stands after the tag.
inline Item read_item(const char*& at, const char* end, unsigned wire_type) {
  if (wire_type == kVarint) return {.number = read_varint(at, end)};
  if (wire_type != kBytes) return read_fixed_item(at, end, wire_type);
  const std::uint64_t size = read_varint(at, end);
  if (size > static_cast<std::uint64_t>(end - at)) truncated();
  const std::string_view bytes(at, size);
  at += size;
  return {.bytes = bytes};
}

// All members of one message, found in one pass. Views into the bytes.
class Index {
 public:
  Index(const Plan& plan, std::string_view bytes);
  const Slot& operator[](std::size_t member) const { return slots_[member]; }
  bool unknown() const { return unknown_; }  // some records are of no member
  bool merged() const { return merged_; }    // a message came in several records: they mean their union

 private:
  void scan(const Plan& plan, const Level& level, std::string_view bytes);
  union {
    Slot slots_[kMembersMax];  // only the plan's members are ever initialised
  };
  std::uint64_t levels_seen_ = 0;
  bool unknown_ = false;
  bool merged_ = false;
};

// Calls `f(Item)` for each value of a repeated field `number` among the records in `records`, in order.
template <class F>
void for_each(std::string_view records, unsigned number, WireType type, F&& f) {
  const char* at = records.data();
  const char* const end = at + records.size();
  while (at < end) {
    const std::uint64_t tag = read_varint(at, end);
    const Item item = read_item(at, end, tag & 7);
    if (tag >> 3 != number) continue;
    if ((tag & 7) != kBytes || type == kBytes) {
      f(item);
      continue;
    }
    const char* packed = item.bytes.data();
    const char* const packed_end = packed + item.bytes.size();
    while (packed < packed_end) f(read_item(packed, packed_end, type));
  }
}
template <class F>
void for_each(const Slot& slot, unsigned number, WireType type, F&& f) {
  if (slot.count) for_each(std::string_view(slot.begin, static_cast<std::size_t>(slot.end - slot.begin)), number, type, f);
}

// An entry of a map: absent halves are empty or zero.
struct Entry {
  std::string_view key;
  Item value;
  const char* at = nullptr;  // of the record: the order on the wire
};
Entry read_entry(std::string_view bytes);
// Sorted by key; of equal keys the last one stays.
void sort_entries(std::vector<Entry>& entries);
std::vector<Entry> entries_of(const Slot& slot, unsigned number);

// Go's zero time, 1 January of the year 1, is no time at all.
inline constexpr std::int64_t kZeroTime = -62'135'596'800;
// A Time or MicroTime. Nothing set: the zero time.
struct Stamp {
  bool set = false;
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
};
Stamp read_stamp(std::string_view bytes);
struct IntOrText {
  bool is_text = false;
  std::int32_t number = 0;
  std::string_view text;
};
IntOrText read_int_or_string(std::string_view bytes);
// The bytes field 1 of a small message: a Quantity's or a RawExtension's.
std::string_view read_first(std::string_view bytes);
std::int64_t read_duration(std::string_view bytes);

// Appends records. A message's length is written when it is closed.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  void tag(unsigned number, WireType type) { varint(number << 3 | type); }
  void number(unsigned field, std::uint64_t value) {
    tag(field, kVarint);
    varint(value);
  }
  void fixed64(unsigned field, std::uint64_t value) {
    tag(field, kFixed64);
    for (int i = 0; i < 8; ++i) out_.push_back(static_cast<char>(value >> (8 * i)));
  }
  void bytes(unsigned field, std::string_view value) {
    tag(field, kBytes);
    varint(value.size());
    out_.append(value);
  }
  std::size_t open(unsigned field) {
    tag(field, kBytes);
    out_.push_back(0);
    return out_.size();
  }
  void close(std::size_t mark);
  std::size_t size() const { return out_.size(); }

 private:
  std::string& out_;
};

// Messages within messages, entries of maps among them: more are refused. JSON's own limit (DecodeOptions) comes first.
inline constexpr int kDepthMax = 600;
// Clears the message and reads the bytes into it; false when they are damaged or nested too deep.
bool parse(std::string_view bytes, google::protobuf::Message& into);

// The records of field `number` that a JSON text means: one value, or all items of a list or entries of a map. None for null.
std::string records_of_json(unsigned number, const Schema& schema, std::string_view json);

// The message in upstream's form: known members only, in ascending order, zeros written, maps sorted, quantities canonical.
void normalize(const Plan& plan, std::string_view bytes, std::string& out);

}  // namespace ph::api::wire
