// secretbox against the example of "Cryptography in NaCl", section 10.
#include <gtest/gtest.h>

#include "base/secretbox.h"

namespace ph {
namespace {

std::string bytes(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return out;
}

TEST(Secretbox, IsNaCls) {
  const std::string key = bytes("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
  const std::string nonce = bytes("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
  const std::string plain = bytes(
      "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce"
      "314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040"
      "e082f937763848645e0705");
  const std::string sealed = bytes(
      "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011"
      "ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de"
      "56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5");
  EXPECT_EQ(secretbox_seal(key, nonce, plain), sealed);
  EXPECT_EQ(secretbox_open(key, nonce, sealed), plain);
  for (const std::size_t at : {std::size_t{0}, std::size_t{15}, std::size_t{16}, sealed.size() - 1}) {
    std::string changed = sealed;
    changed[at] ^= 1;
    EXPECT_FALSE(secretbox_open(key, nonce, changed)) << at;
  }
  EXPECT_FALSE(secretbox_open(key, nonce, "short"));
  EXPECT_EQ(secretbox_open(key, nonce, secretbox_seal(key, nonce, "")), "");
}

}  // namespace
}  // namespace ph
