// The wire form under the codecs: records of a protobuf message, read and written by tables made from Schemas.
// Internal to api/: everybody else uses api/codec.h.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/codec.h"
#include "api/schema.h"
#include "api/wire_records.h"

namespace ph::api::wire {

// Whether it is made of many records: a map, or a list without a message of its own.
inline bool is_many(const Schema& schema) {
  return schema.type == Type::Map || (schema.type == Type::List && !schema.descriptor);
}

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
  for (Records in(records); in.next();) {
    if (in.field() != number) continue;
    if (in.type() != kBytes || type == kBytes) {
      f(in.item());
      continue;
    }
    const char* packed = in.text().data();
    const char* const packed_end = packed + in.text().size();
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
  bool operator==(const IntOrText& other) const {
    return is_text == other.is_text && (is_text ? text == other.text : number == other.number);
  }
};
IntOrText read_int_or_string(std::string_view bytes);
// The bytes field 1 of a small message: a Quantity's or a RawExtension's.
std::string_view read_first(std::string_view bytes);
std::int64_t read_duration(std::string_view bytes);

// A value that is no struct, list or map, as api/meaning.h asks for it.
struct Leaf {
  const Item& item;
  std::optional<bool> boolean() const { return item.number != 0; }
  std::optional<std::int64_t> integer(Type type) const {
    return type == Type::Int32 ? static_cast<std::int32_t>(item.number) : static_cast<std::int64_t>(item.number);
  }
  std::optional<double> number() const { return std::bit_cast<double>(item.number); }
  std::optional<std::string_view> text() const { return item.bytes; }
  std::optional<std::string_view> quantity() const { return read_first(item.bytes); }
  std::optional<IntOrText> int_or_text() const { return read_int_or_string(item.bytes); }
  std::optional<Stamp> stamp(Type) const { return read_stamp(item.bytes); }
  std::optional<std::int64_t> duration() const { return read_duration(item.bytes); }
  bool is_nothing(Type type) const { return type == Type::RawJson ? read_first(item.bytes).empty() : item.bytes.empty(); }
};

// Appends records. A message's length is written when it is closed.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void varint(std::uint64_t value) { append_varint(value, out_); }
  void tag(unsigned number, WireType type) { varint(number << 3 | type); }
  void number(unsigned field, std::uint64_t value) {
    tag(field, kVarint);
    varint(value);
  }
  void fixed64(unsigned field, std::uint64_t value) {
    tag(field, kFixed64);
    for (int i = 0; i < 8; ++i) out_.push_back(static_cast<char>(value >> (8 * i)));
  }
  void bytes(unsigned field, std::string_view value) { append_bytes(field, value, out_); }
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
