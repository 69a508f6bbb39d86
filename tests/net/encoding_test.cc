#include "net/encoding.h"

#include <gtest/gtest.h>

namespace ph::net {
namespace {

struct Case {
  const char* bytes;
  const char* standard;
  const char* url;
};

const Case kCases[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/", "-_-_"},
};

TEST(Encoding, Base64BothWays) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.standard);
    EXPECT_EQ(base64(c.bytes), c.standard);
    EXPECT_EQ(base64url(c.bytes), c.url);
    EXPECT_EQ(decode_base64(c.standard), c.bytes);
    EXPECT_EQ(decode_base64url(c.url), c.bytes);
  }
}

TEST(Encoding, Base64RefusesWhatNoEncoderWrites) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z g=", "Zm8-", "====", "Zg==\n"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
  for (const char* text : {"Z", "Zg==", "Zh", "Zm9", "Zm+v", "Zm9v\n"}) EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
}

TEST(Encoding, EveryByteSurvives) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  for (std::size_t size = 0; size <= all.size(); ++size) {
    EXPECT_EQ(decode_base64(base64(all.substr(0, size))), all.substr(0, size));
    EXPECT_EQ(decode_base64url(base64url(all.substr(0, size))), all.substr(0, size));
  }
}

TEST(Encoding, Digests) { EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); }

TEST(Encoding, Secrets) {
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "abcd"));
}

}  // namespace
}  // namespace ph::net
