// AES against the published vectors: the GCM specification's test cases 4 and 16, and NIST SP 800-38A, F.2.
#include <gtest/gtest.h>

#include "base/aes.h"

namespace ph {
namespace {

std::string bytes(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return out;
}

struct Gcm {
  const char *key, *sealed;
};

TEST(Aes, Gcm) {
  const std::string nonce = bytes("cafebabefacedbaddecaf888"), with = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string plain = bytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const Gcm cases[] = {
      {"feffe9928665731c6d6a8f9467308308",
       "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
       "5bc94fbc3221a5db94fae95ae7121a47"},
      {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
       "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
       "76fc6ece0f4e1768cddf8853bb2d551b"},
  };
  for (const Gcm& c : cases) {
    const std::string key = bytes(c.key), sealed = bytes(c.sealed);
    EXPECT_EQ(aes_gcm_seal(key, nonce, with, plain), sealed);
    EXPECT_EQ(aes_gcm_open(key, nonce, with, sealed), plain);
    EXPECT_FALSE(aes_gcm_open(key, nonce, "other", sealed));
    EXPECT_FALSE(aes_gcm_open(key, nonce, with, std::string_view(sealed).substr(1)));
    EXPECT_FALSE(aes_gcm_open(key, nonce, with, "short"));
    std::string changed = sealed;
    changed[3] ^= 1;
    EXPECT_FALSE(aes_gcm_open(key, nonce, with, changed));
  }
}

TEST(Aes, Cbc) {
  const std::string key = bytes("2b7e151628aed2a6abf7158809cf4f3c"), vector = bytes("000102030405060708090a0b0c0d0e0f");
  const std::string plain = bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
  const std::string encrypted = aes_cbc_encrypt(key, vector, plain);
  ASSERT_EQ(encrypted.size(), 48) << "a block of padding";
  EXPECT_EQ(encrypted.substr(0, 32), bytes("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"));
  EXPECT_EQ(aes_cbc_decrypt(key, vector, encrypted), plain);
  EXPECT_FALSE(aes_cbc_decrypt(key, vector, ""));
  EXPECT_FALSE(aes_cbc_decrypt(key, vector, encrypted.substr(1)));
}

}  // namespace
}  // namespace ph
