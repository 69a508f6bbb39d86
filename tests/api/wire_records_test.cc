#include "api/wire_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/kinds.h"

namespace ph::api::wire {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

TEST(WireRecords, WalksWhatProtobufWrites) {
  meta::v1::ObjectMeta metadata;
  metadata.set_name("n");
  metadata.set_generation(300);
  metadata.set_uid(std::string(200, 'u'));
  (*metadata.mutable_labels())["k"] = "v";
  const std::string bytes = metadata.SerializeAsString();
  std::vector<std::uint64_t> fields;
  std::string whole;
  for (Records in(bytes); in.next();) {
    fields.push_back(in.field());
    whole += in.whole();
    if (in.field() == 1) {
      EXPECT_EQ(in.text(), "n");
      EXPECT_TRUE(in.is(1, kBytes));
      EXPECT_FALSE(in.is(1, kVarint));
    }
    if (in.field() == 5) EXPECT_EQ(in.text(), std::string(200, 'u'));
    if (in.field() == 7) {
      EXPECT_EQ(in.int64(), 300);
      EXPECT_EQ(in.text(), "");
    }
    if (in.field() == 11) EXPECT_EQ(text_entry(in.text()), (std::pair<std::string_view, std::string_view>("k", "v")));
  }
  EXPECT_THAT(fields, ElementsAre(1, 5, 7, 11));
  EXPECT_EQ(whole, bytes);
  EXPECT_EQ(member_of(bytes, 1), "n");
  EXPECT_EQ(member_of(bytes, 2).data(), nullptr);
}

// Every length of a varint, and what append_varint makes of it.
TEST(WireRecords, Varints) {
  for (unsigned bits = 0; bits < 64; ++bits) {
    for (const std::uint64_t value : {(std::uint64_t{1} << bits) - 1, std::uint64_t{1} << bits}) {
      std::string text;
      append_varint(value, text);
      const char* at = text.data();
      EXPECT_EQ(read_varint(at, text.data() + text.size()), value);
      EXPECT_EQ(at, text.data() + text.size());
      const char* cut = text.data();
      EXPECT_THROW(read_varint(cut, text.data() + text.size() - 1), DecodeError) << value;
    }
  }
}

TEST(WireRecords, Damage) {
  const auto walk = [](std::string_view bytes) {
    for (Records in(bytes, "Pod"); in.next();) {
    }
  };
  walk({});
  EXPECT_THROW(walk("\x0a"), DecodeError) << "no length";
  EXPECT_THROW(walk("\x0a\x05"
                    "ab"),
               DecodeError)
      << "too short";
  EXPECT_THROW(walk("\x0b"), DecodeError) << "a group";
  EXPECT_THROW(walk("\x09"
                    "1234567"),
               DecodeError)
      << "seven bytes of eight";
  EXPECT_THROW(walk("\x08" + std::string(11, '\x80')), DecodeError) << "no end of a number";
  try {
    walk("\x00\x01"s);
    FAIL();
  } catch (const DecodeError& error) {
    EXPECT_STREQ(error.what(), "proto: Pod: illegal tag 0 (wire type 0)");
  }
}

}  // namespace
}  // namespace ph::api::wire
