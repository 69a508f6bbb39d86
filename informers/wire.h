// A reader of protobuf bytes for those who need a few fields of a message and not the message; and a writer of such parts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/codec.h"

namespace ph::informers {

// Walks the fields of one message in the order they stand. Views into the bytes. Throws api::DecodeError on damage.
//
//   for (WireReader in(bytes); in.next();) switch (in.field()) { case 1: name = in.text(); break; }
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // Moves to the next field; false at the end.
  bool next() {
    if (at_ == end_) return false;
    begin_ = at_;
    const std::uint64_t tag = varint();
    field_ = static_cast<int>(tag >> 3);
    if (field_ == 0) fail();
    number_ = 0;
    text_ = {};
    is_bytes_ = (tag & 7) == 2;
    switch (tag & 7) {
      case 0: number_ = varint(); break;
      case 1: text_ = take(8); break;
      case 2: text_ = take(varint()); break;
      case 5: text_ = take(4); break;
      default: fail();
    }
    return true;
  }

  int field() const { return field_; }
  // Of a length-delimited field: string, bytes or message.
  std::string_view text() const { return text_; }
  // It is length-delimited.
  bool is_bytes() const { return is_bytes_; }
  // The field as it stands, with its number.
  std::string_view whole() const { return {begin_, static_cast<std::size_t>(at_ - begin_)}; }
  // Of a varint field.
  std::uint64_t number() const { return number_; }
  std::int64_t int64() const { return static_cast<std::int64_t>(number_); }
  std::int32_t int32() const { return static_cast<std::int32_t>(number_); }
  bool boolean() const { return number_ != 0; }

 private:
  [[noreturn]] static void fail() { throw api::DecodeError("proto: illegal wireType or truncated message"); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) fail();
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }
  std::string_view take(std::uint64_t length) {
    if (length > static_cast<std::uint64_t>(end_ - at_)) fail();
    const std::string_view out(at_, length);
    at_ += length;
    return out;
  }

  const char* at_;
  const char* end_;
  const char* begin_ = nullptr;  // of the field
  int field_ = 0;
  bool is_bytes_ = false;
  std::uint64_t number_ = 0;
  std::string_view text_;
};

// Appends a field: a string, bytes or a message.
inline void append_field(std::string& out, int number, std::string_view bytes) {
  const auto append_varint = [&out](std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
    out.push_back(static_cast<char>(value));
  };
  append_varint(static_cast<std::uint64_t>(number) << 3 | 2);
  append_varint(bytes.size());
  out += bytes;
}

// One entry of a map<string, string>.
inline std::pair<std::string_view, std::string_view> wire_entry(std::string_view bytes) {
  std::pair<std::string_view, std::string_view> out;
  for (WireReader in(bytes); in.next();) {
    if (in.field() == 1) out.first = in.text();
    if (in.field() == 2) out.second = in.text();
  }
  return out;
}

// Field `number` of a message, as bytes; empty when absent.
inline std::string_view wire_member(std::string_view bytes, int number) {
  std::string_view out;
  for (WireReader in(bytes); in.next();) {
    if (in.field() == number) out = in.text();
  }
  return out;
}

}  // namespace ph::informers
