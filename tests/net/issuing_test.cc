#include "net/issuing.h"

#include <gtest/gtest.h>

#include "net/signing_request.h"
#include "net/x509.h"
#include "tests/base/manual_executor.h"
#include "tests/net/certificate_reader.h"

namespace ph::net {
namespace {

using ph::testing::chain_error, ph::testing::extension_text, ph::testing::subject_text;
using Names = std::vector<std::string>;

ssl::Key make_key(const char* kind) { return ssl::Key(std::string_view(kind) == "RSA" ? EVP_RSA_gen(2048) : EVP_EC_gen(kind)); }
std::string key_pem(EVP_PKEY* key) {
  const ssl::Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return ssl::contents(bio.get());
}

// DER. Parts of the subject are given one by one, as several of one kind may be.
std::string request(const std::vector<std::pair<const char*, const char*>>& subject, const char* alt_names = nullptr,
                    const char* basic_constraints = nullptr) {
  const ssl::Request out(X509_REQ_new());
  for (const auto& [field, value] : subject) {
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(out.get()), field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(value), -1, -1, 0);
  }
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  if (alt_names) sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alt_names));
  if (basic_constraints)
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, basic_constraints));
  X509_REQ_add_extensions(out.get(), extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  const ssl::Key key = make_key("P-256");
  X509_REQ_set_pubkey(out.get(), key.get());
  X509_REQ_sign(out.get(), key.get(), EVP_sha256());
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_REQ(out.get(), &bytes);
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

struct IssuingForRequests : ::testing::Test {
  Credential authority() { return make_ca("kubernetes", {clock, rng, std::chrono::days(1000)}); }
  IssuingForRequests() {
    clock.advance(std::chrono::days(20'000));
    ca = authority();
  }
  ph::testing::ManualClock clock;
  SeededRng rng{7};
  Credential ca;

  CertificateTerms terms(Names usages) {
    return {.usages = std::move(usages), .not_before = clock.now() - 5min, .not_after = clock.now() + 10min};
  }
};

TEST_F(IssuingForRequests, AClientCertificateIsBelievedWhileItIsGoodAndForNothingElse) {
  const std::string cert =
      issue_for_request(ca, request({{"O", "devs"}, {"CN", "bob"}}), terms({"digital signature", "client auth"}), rng);
  EXPECT_EQ(chain_error(cert, ca.cert_pem, clock.now(), X509_PURPOSE_SSL_CLIENT), "");
  EXPECT_EQ(chain_error(cert, ca.cert_pem, clock.now() - 5min, X509_PURPOSE_SSL_CLIENT), "");
  EXPECT_EQ(chain_error(cert, ca.cert_pem, clock.now() - 5min - 1s, X509_PURPOSE_SSL_CLIENT), "certificate is not yet valid");
  EXPECT_EQ(chain_error(cert, ca.cert_pem, clock.now() + 10min + 1s, X509_PURPOSE_SSL_CLIENT), "certificate has expired");
  EXPECT_NE(chain_error(cert, ca.cert_pem, clock.now(), X509_PURPOSE_SSL_SERVER), "");
  const Credential other = authority();
  EXPECT_NE(chain_error(cert, other.cert_pem, clock.now(), X509_PURPOSE_SSL_CLIENT), "");
  EXPECT_EQ(subject_text(cert), "O=devs,CN=bob");
}

TEST_F(IssuingForRequests, WhatIsAskedForIsWrittenAsUpstreamDoes) {
  const std::string der =
      request({{"CN", "first"}, {"O", "b"}, {"O", "a"}, {"OU", "unit"}, {"C", "CH"}, {"title", "king"}, {"CN", "ö"}},
              "URI:spiffe://x/y,IP:10.0.0.1,email:a@b.c,DNS:n1,RID:1.2.3,IP:::1,DNS:n2", "critical,CA:TRUE");
  const std::string cert = issue_for_request(ca, der, terms({"server auth"}), rng);
  EXPECT_EQ(subject_text(cert), "C=CH,O=a+O=b,OU=unit,CN=\\C3\\B6") << "known kinds, values of one in a set";
  EXPECT_EQ(extension_text(cert, NID_subject_alt_name),
            "DNS:n1, DNS:n2, email:a@b.c, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://x/y");
  EXPECT_EQ(extension_text(cert, NID_basic_constraints), "critical: CA:FALSE");
  EXPECT_EQ(extension_text(cert, NID_subject_key_identifier), "");
  EXPECT_NE(extension_text(cert, NID_authority_key_identifier), "");
  EXPECT_FALSE(inspect_certificate(cert).is_ca);
}

TEST_F(IssuingForRequests, NamesAreCriticalWhereThereIsNoSubject) {
  const std::string cert = issue_for_request(ca, request({}, "DNS:n1"), terms({"server auth"}), rng);
  EXPECT_EQ(extension_text(cert, NID_subject_alt_name), "critical: DNS:n1");
  EXPECT_EQ(subject_text(cert), "");
}

TEST_F(IssuingForRequests, Usages) {
  struct Case {
    const char* name;
    Names usages;
    const char *key, *extended;
  };
  const Case cases[] = {
      {"of a client", {"client auth"}, "", "TLS Web Client Authentication"},
      {"of a key alone", {"key encipherment", "digital signature"}, "critical: Digital Signature, Key Encipherment", ""},
      {"twice the same",
       {"signing", "digital signature", "s/mime", "email protection"},
       "critical: Digital Signature",
       "E-mail Protection"},
      {"in an order of their own",
       {"client auth", "server auth", "any"},
       "",
       "Any Extended Key Usage, TLS Web Server Authentication, TLS Web Client Authentication"},
      {"all of a key",
       {"digital signature", "content commitment", "key encipherment", "data encipherment", "key agreement", "cert sign",
        "crl sign", "encipher only", "decipher only"},
       "critical: Digital Signature, Non Repudiation, Key Encipherment, Data Encipherment, Key Agreement, Certificate Sign, "
       "CRL Sign, Encipher Only, Decipher Only",
       ""},
      {"all others",
       {"code signing", "ipsec end system", "ipsec tunnel", "ipsec user", "timestamping", "ocsp signing", "microsoft sgc",
        "netscape sgc"},
       "",
       "Code Signing, IPSec End System, IPSec Tunnel, IPSec User, Time Stamping, OCSP Signing, Microsoft Server Gated Crypto, "
       "Netscape Server Gated Crypto"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string cert = issue_for_request(ca, request({{"CN", "a"}}), terms(c.usages), rng);
    EXPECT_EQ(extension_text(cert, NID_key_usage), c.key);
    EXPECT_EQ(extension_text(cert, NID_ext_key_usage), c.extended);
  }
  EXPECT_THROW(issue_for_request(ca, request({{"CN", "a"}}), terms({"flying"}), rng), std::runtime_error);
}

TEST_F(IssuingForRequests, AuthoritiesMayHaveKeysOfOtherKinds) {
  for (const char* kind : {"RSA", "P-256", "P-384", "P-521"}) {
    SCOPED_TRACE(kind);
    const ssl::Key key = make_key(kind);
    const ssl::Cert cert = ssl::begin_certificate(rng, clock.now() - 1h, clock.now() + 1h);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>("x"), -1, -1, 0);
    X509_set_pubkey(cert.get(), key.get());
    ssl::set_issuer(cert.get(), cert.get());
    ssl::add_extension(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:TRUE");
    ssl::add_extension(cert.get(), cert.get(), NID_key_usage, "critical,keyCertSign");
    ssl::add_extension(cert.get(), cert.get(), NID_subject_key_identifier, "hash");
    ssl::sign(cert.get(), key.get());
    const Credential authority{.cert_pem = ssl::to_pem(cert.get()), .key_pem = key_pem(key.get())};
    ASSERT_TRUE(fits(authority));
    EXPECT_FALSE(fits({.cert_pem = authority.cert_pem, .key_pem = ca.key_pem}));
    const std::string issued = issue_for_request(authority, request({{"CN", "a"}}), terms({"client auth"}), rng);
    EXPECT_EQ(chain_error(issued, authority.cert_pem, clock.now(), X509_PURPOSE_SSL_CLIENT), "");
  }
}

TEST_F(IssuingForRequests, WhatCannotBeReadIsRefused) {
  EXPECT_THROW(issue_for_request(ca, "nonsense", terms({"client auth"}), rng), std::runtime_error);
  EXPECT_THROW(issue_for_request({"", ca.key_pem}, request({{"CN", "a"}}), terms({"client auth"}), rng), std::runtime_error);
  EXPECT_THROW(issue_for_request({ca.cert_pem, ""}, request({{"CN", "a"}}), terms({"client auth"}), rng), std::runtime_error);
}

TEST(SigningRequests, SayWhatTheyAskFor) {
  const auto info = inspect_request(request({{"O", "system:nodes"}, {"CN", "system:node:a"}},
                                            "DNS:n1,IP:10.0.0.1,IP:fd00::1,email:a@b.c,URI:spiffe://x,RID:1.2.3"));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->common_name, "system:node:a");
  EXPECT_EQ(info->organizations, (Names{"system:nodes"}));
  EXPECT_EQ(info->dns_names, (Names{"n1"}));
  EXPECT_EQ(info->ip_addresses, (Names{"10.0.0.1", "fd00::1"}));
  EXPECT_EQ(info->emails, (Names{"a@b.c"}));
  EXPECT_EQ(info->uris, (Names{"spiffe://x"}));
  const auto bare = inspect_request(request({}));
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->common_name, "");
  EXPECT_TRUE(bare->dns_names.empty());
  EXPECT_FALSE(inspect_request("nonsense"));
  EXPECT_FALSE(inspect_request(""));
  EXPECT_FALSE(inspect_request(request({{"CN", "a"}}) + "x")) << "something stands behind it";
}

}  // namespace
}  // namespace ph::net
