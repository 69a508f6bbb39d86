#include "net/jwk_set.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <nlohmann/json.hpp>

#include "base/hmac.h"
#include "net/encoding.h"
#include "net/jws_signature.h"

namespace ph::net {
namespace {

using nlohmann::json;

struct Made {
  ssl::Key key;
  json jwk;
};

std::string number_of(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  std::string out(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(out.data()));
  BN_free(number);
  return out;
}

Made rsa(const char* id, unsigned bits = 2048) {
  Made out{ssl::Key(EVP_RSA_gen(bits)), {}};
  out.jwk = {{"kty", "RSA"},
             {"kid", id},
             {"use", "sig"},
             {"n", base64url(number_of(out.key.get(), OSSL_PKEY_PARAM_RSA_N))},
             {"e", base64url(number_of(out.key.get(), OSSL_PKEY_PARAM_RSA_E))}};
  return out;
}

Made ec(const char* id, const char* curve, std::size_t bytes) {
  Made out{ssl::Key(EVP_EC_gen(curve)), {}};
  unsigned char point[256];
  std::size_t size = 0;
  EVP_PKEY_get_octet_string_param(out.key.get(), OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof point, &size);
  EXPECT_EQ(size, 1 + 2 * bytes);
  const std::string_view both(reinterpret_cast<char*>(point) + 1, size - 1);
  out.jwk = {
      {"kty", "EC"}, {"kid", id}, {"crv", curve}, {"x", base64url(both.substr(0, bytes))}, {"y", base64url(both.substr(bytes))}};
  return out;
}

std::string token_of(const json& header, const Made& by, const char* algorithm) {
  const std::string input = base64url(header.dump()) + "." + base64url(R"({"sub":"a"})");
  return input + "." + base64url(ssl::signature_of(by.key.get(), *ssl::jws_algorithm(algorithm), input));
}

JwkSet set_of(std::initializer_list<json> keys) { return *JwkSet::parse(json{{"keys", keys}}.dump()); }

std::vector<std::string> all() { return {signing_algorithms().begin(), signing_algorithms().end()}; }

TEST(JwkSet, EveryAlgorithm) {
  const Made r = rsa("r"), p256 = ec("p256", "P-256", 32), p384 = ec("p384", "P-384", 48), p521 = ec("p521", "P-521", 66);
  const JwkSet keys = set_of({r.jwk, p256.jwk, p384.jwk, p521.jwk});
  EXPECT_EQ(keys.size(), 4u);
  struct Case {
    const char* algorithm;
    const Made& by;
  };
  const Case cases[] = {{"RS256", r}, {"RS384", r},    {"RS512", r},    {"PS256", r},   {"PS384", r},
                        {"PS512", r}, {"ES256", p256}, {"ES384", p384}, {"ES512", p521}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.algorithm);
    const std::string id = c.by.jwk["kid"];
    const std::string good = token_of({{"alg", c.algorithm}, {"kid", id}}, c.by, c.algorithm);
    const auto jws = keys.verify(good, all());
    ASSERT_TRUE(jws);
    EXPECT_EQ(jws->payload, R"({"sub":"a"})");
    EXPECT_TRUE(keys.verify(token_of({{"alg", c.algorithm}}, c.by, c.algorithm), all())) << "no kid: any key";
    EXPECT_FALSE(keys.verify(token_of({{"alg", c.algorithm}, {"kid", "other"}}, c.by, c.algorithm), all()));
    EXPECT_FALSE(keys.verify(good, std::vector<std::string>{"none"})) << "an algorithm that is not wanted";
    std::string tampered = good;
    tampered[good.find('.') + 3] ^= 1;
    EXPECT_FALSE(keys.verify(tampered, all()));
    for (const Case& other : cases) {
      if (std::string_view(other.algorithm) == c.algorithm) continue;
      EXPECT_FALSE(keys.verify(token_of({{"alg", other.algorithm}, {"kid", id}}, c.by, c.algorithm), all()))
          << "says it is " << other.algorithm;
    }
  }
}

// The classic confusions: no signature at all, and the public key taken for a shared secret.
TEST(JwkSet, NoneAndSharedSecretsAreNeverBelieved) {
  const Made r = rsa("r");
  json secret = {{"kty", "oct"}, {"kid", "r"}, {"k", base64url("secret")}};
  const JwkSet keys = set_of({r.jwk, secret});
  EXPECT_EQ(keys.size(), 1u);
  for (const char* name : {"none", "None", "HS256", ""}) {
    SCOPED_TRACE(name);
    const std::string input = base64url(json{{"alg", name}, {"kid", "r"}}.dump()) + "." + base64url(R"({"sub":"a"})");
    std::vector<std::string> algorithms = all();
    algorithms.emplace_back(name);  // even where somebody wants it
    EXPECT_FALSE(keys.verify(input + ".", algorithms));
    for (const std::string& shared : {std::string("secret"), r.jwk.dump(), r.jwk["n"].get<std::string>()}) {
      EXPECT_FALSE(keys.verify(input + "." + base64url(hmac_sha256(shared, input)), algorithms));
    }
  }
  EXPECT_FALSE(keys.verify(token_of({{"alg", "RS256"}, {"kid", "r"}, {"crit", {"b64"}}}, r, "RS256"), all()));
}

TEST(JwkSet, KeysThatAreNotForThis) {
  const Made good = rsa("r"), curve = ec("e", "P-256", 32), small = rsa("s", 512);
  const auto with = [](json key, const char* member, const json& value) {
    key[member] = value;
    return key;
  };
  struct Case {
    const char* name;
    json key;
  };
  const Case cases[] = {
      {"for encryption", with(good.jwk, "use", "enc")},
      {"too small", small.jwk},
      {"an even exponent", with(good.jwk, "e", "AQAA")},
      {"an exponent of one", with(good.jwk, "e", "AQ")},
      {"no modulus", with(good.jwk, "n", "")},
      {"a modulus that is no text", with(good.jwk, "n", 7)},
      {"another curve", with(curve.jwk, "crv", "secp256k1")},
      {"a short coordinate", with(curve.jwk, "x", "AA")},
      {"a point that is not on the curve", with(curve.jwk, "x", curve.jwk["y"])},
      {"another type", with(good.jwk, "kty", "OKP")},
      {"no object", json(7)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(set_of({c.key}).size(), 0u);
    EXPECT_EQ(set_of({c.key, good.jwk}).size(), 1u) << "the others count";
  }
  EXPECT_FALSE(set_of({with(good.jwk, "alg", "RS512")}).verify(token_of({{"alg", "RS256"}}, good, "RS256"), all()));
}

TEST(JwkSet, TextsThatAreNone) {
  for (const char* text : {"", "7", "[]", "{}", R"({"keys":7})", R"({"keys":{}})", R"({"keys":[)"}) {
    EXPECT_FALSE(JwkSet::parse(text)) << text;
  }
  EXPECT_EQ(JwkSet().size(), 0u);
  EXPECT_FALSE(JwkSet().verify("a.b.c", all()));
}

}  // namespace
}  // namespace ph::net
