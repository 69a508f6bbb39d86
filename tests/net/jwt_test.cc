#include "net/jwt.h"

#include <gtest/gtest.h>

#include "net/encoding.h"
#include "net/openssl.h"
#include "net/pki.h"
#include "tests/base/manual_executor.h"

namespace ph::net {
namespace {

// A 2048-bit RSA key made for this test, and a token that `openssl dgst -sha256 -sign` signed with it.
#include "tests/net/rsa_vectors.inc"

struct Jwt : ::testing::Test {
  const std::string key = make_private_key();
  const JwtSigner signer{key};
  const JwtVerifier verifier{{public_key_pem(key)}};
};

TEST_F(Jwt, RoundTrip) {
  const std::string token = signer.sign(R"({"sub":"a"})");
  const auto jws = verifier.verify(token);
  ASSERT_TRUE(jws);
  EXPECT_EQ(jws->payload, R"({"sub":"a"})");
  EXPECT_EQ(jws->header, R"({"alg":"ES256","kid":")" + key_id(key) + R"("})");
  EXPECT_EQ(key_id(key), key_id(public_key_pem(key)));
  EXPECT_EQ(key_id(key).size(), 43u);
}

TEST_F(Jwt, ManySignaturesHaveTheirFixedSize) {
  // A DER signature's size depends on leading zeros; a web signature's does not.
  for (int i = 0; i < 300; ++i) {
    const std::string token = signer.sign(std::to_string(i));
    EXPECT_EQ(decode_base64url(token.substr(token.rfind('.') + 1))->size(), 64u);
    EXPECT_TRUE(verifier.verify(token));
  }
}

TEST_F(Jwt, AnyKeyOfSeveralWillDo) {
  const std::string old = make_private_key();
  const JwtVerifier both{{public_key_pem(key), old}};
  EXPECT_TRUE(both.verify(signer.sign("x")));
  EXPECT_TRUE(both.verify(JwtSigner(old).sign("x")));
  EXPECT_FALSE(verifier.verify(JwtSigner(old).sign("x")));
}

TEST_F(Jwt, EveryTamperedByteIsNoticed) {
  const std::string token = signer.sign("payload");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string tampered = token;
    tampered[i] = tampered[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verifier.verify(tampered)) << i;
    EXPECT_FALSE(verifier.verify(token.substr(0, i))) << i;
  }
}

TEST_F(Jwt, FormsThatAreNoToken) {
  const std::string token = signer.sign("payload");
  const std::string unsigned_token = base64url(R"({"alg":"none"})") + "." + base64url("payload") + ".";
  for (const std::string& text :
       {std::string(), std::string("a"), std::string(".."), token + ".", token + ".x", "." + token, unsigned_token}) {
    EXPECT_FALSE(verifier.verify(text)) << text;
  }
  EXPECT_TRUE(read_jws(unsigned_token)) << "it can be read, but not believed";
  EXPECT_FALSE(read_jws("a.b"));
}

TEST_F(Jwt, Rs256) {
  const JwtVerifier rsa{{kRsaPublicKey}};
  const auto jws = rsa.verify(kRsaToken);
  ASSERT_TRUE(jws);
  EXPECT_EQ(jws->payload, R"({"sub":"rsa"})");
  EXPECT_FALSE(verifier.verify(kRsaToken));
  EXPECT_FALSE(rsa.verify(signer.sign("x")));
  EXPECT_THROW(JwtSigner{kRsaPublicKey}, std::runtime_error);
}

TEST_F(Jwt, KeysOfRsaSignToo) {
  const ssl::Key key(EVP_RSA_gen(2048));
  const ssl::Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  const std::string pem = ssl::contents(bio.get());
  const JwtVerifier rsa{{public_key_pem(pem)}};
  const std::string token = JwtSigner(pem).sign(R"({"sub":"a"})");
  const auto jws = rsa.verify(token);
  ASSERT_TRUE(jws);
  EXPECT_EQ(jws->payload, R"({"sub":"a"})");
  EXPECT_EQ(jws->header, R"({"alg":"RS256","kid":")" + key_id(pem) + R"("})");
  EXPECT_FALSE(verifier.verify(token));
}

TEST_F(Jwt, UnreadableKeysAreRefused) {
  EXPECT_THROW(JwtSigner{"nonsense"}, std::runtime_error);
  EXPECT_THROW(JwtVerifier{{"nonsense"}}, std::runtime_error);
  EXPECT_THROW(key_id(""), std::runtime_error);
}

}  // namespace
}  // namespace ph::net
