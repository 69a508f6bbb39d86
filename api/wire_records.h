// The records of a protobuf message: the one reader of them, and the little that is written of them by hand. Header-only where it
// is hot. For those who need a few fields and not the message; whole messages are the codecs' (api/codec.h).
// Everything read is a view into the bytes. Reading damaged bytes throws DecodeError (api/codec.h). Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace ph::api::wire {

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// One value: a varint or fixed number in `number`, or the bytes of a string or message.
struct Item {
  std::uint64_t number = 0;
  std::string_view bytes;
};

[[noreturn]] void truncated();
// `owner`: the name of the message, where it is known.
[[noreturn]] void illegal_tag(std::string_view owner, std::uint64_t tag);
// A number, and where what follows it begins: by value, so that a reader's place stays in a register.
struct Read {
  std::uint64_t number;
  const char* after;
};
Read read_long_varint(const char* at, const char* end);
Read read_fixed(const char* at, const char* end, unsigned wire_type);

// Most tags have one byte, most lengths one or two.
inline std::uint64_t read_varint(const char*& at, const char* end) {
  if (at < end && static_cast<signed char>(*at) >= 0) return static_cast<std::uint64_t>(*at++);
  if (end - at >= 2 && static_cast<signed char>(at[1]) >= 0) {
    const std::uint64_t value = (static_cast<std::uint64_t>(at[0]) & 0x7f) | static_cast<std::uint64_t>(at[1]) << 7;
    at += 2;
    return value;
  }
  const Read read = read_long_varint(at, end);
  at = read.after;
  return read.number;
}

// One record's value; `at` stands after the tag.
inline Item read_item(const char*& at, const char* end, unsigned wire_type) {
  if (wire_type == kVarint) return {.number = read_varint(at, end), .bytes = {}};
  if (wire_type != kBytes) {
    const Read read = read_fixed(at, end, wire_type);
    at = read.after;
    return {.number = read.number, .bytes = {}};
  }
  const std::uint64_t size = read_varint(at, end);
  if (size > static_cast<std::uint64_t>(end - at)) truncated();
  const std::string_view bytes(at, size);
  at += size;
  return {.number = 0, .bytes = bytes};
}

// Walks the records of one message in the order they stand.
//
//   for (wire::Records in(bytes); in.next();) switch (in.field()) { case 1: name = in.text(); break; }
class Records {
 public:
  // `owner`: what errors call the message.
  explicit Records(std::string_view message, std::string_view owner = {})
      : at_(message.data()), end_(message.data() + message.size()), owner_(owner) {}

  // Moves to the next record; false at the end.
  bool next() {
    if (at_ == end_) return false;
    begin_ = at_;
    tag_ = read_varint(at_, end_);
    item_ = read_item(at_, end_, tag_ & 7);
    if (tag_ >> 3 == 0) illegal_tag(owner_, tag_);
    return true;
  }

  std::uint64_t field() const { return tag_ >> 3; }
  unsigned type() const { return tag_ & 7; }
  // Whether it is of that field, and written as that type.
  bool is(unsigned field, WireType type) const { return tag_ == (std::uint64_t{field} << 3 | type); }
  const Item& item() const { return item_; }
  // Of a length-delimited record: string, bytes or message; else empty.
  std::string_view text() const { return item_.bytes; }
  // Of a varint; zero when it is length-delimited.
  std::uint64_t number() const { return item_.number; }
  std::int64_t int64() const { return static_cast<std::int64_t>(item_.number); }
  std::int32_t int32() const { return static_cast<std::int32_t>(item_.number); }
  bool boolean() const { return item_.number != 0; }
  // The record, its tag included.
  std::string_view whole() const { return {begin_, static_cast<std::size_t>(at_ - begin_)}; }

 private:
  const char* at_;
  const char* end_;
  const char* begin_ = nullptr;
  std::uint64_t tag_ = 0;
  Item item_;
  std::string_view owner_;
};

// The last of a field's length-delimited values; empty when absent.
inline std::string_view member_of(std::string_view message, unsigned field) {
  std::string_view out;
  for (Records in(message); in.next();) {
    if (in.is(field, kBytes)) out = in.text();
  }
  return out;
}

// An entry of a map of texts: absent halves are empty.
inline std::pair<std::string_view, std::string_view> text_entry(std::string_view entry) {
  std::pair<std::string_view, std::string_view> out;
  for (Records in(entry); in.next();) {
    if (in.is(1, kBytes)) out.first = in.text();
    if (in.is(2, kBytes)) out.second = in.text();
  }
  return out;
}

// -- Writing

inline void append_varint(std::uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}
// A length-delimited record: tag, length, bytes.
inline void append_bytes(unsigned field, std::string_view bytes, std::string& out) {
  append_varint(std::uint64_t{field} << 3 | kBytes, out);
  append_varint(bytes.size(), out);
  out += bytes;
}

}  // namespace ph::api::wire
