#include "net/pki.h"

#include <gtest/gtest.h>

#include "tests/base/manual_executor.h"

namespace ph::net {
namespace {

using Names = std::vector<std::string>;

struct Pki : ::testing::Test {
  Pki() { clock.advance(std::chrono::days(20'000)); }
  ph::testing::ManualClock clock;
  SeededRng rng{7};
  Issuing issuing{clock, rng, std::chrono::days(10)};
};

TEST_F(Pki, CertificateAuthority) {
  const Credential ca = make_ca("kubernetes", issuing);
  const CertificateInfo info = inspect_certificate(ca.cert_pem);
  EXPECT_EQ(info.common_name, "kubernetes");
  EXPECT_TRUE(info.is_ca);
  EXPECT_EQ(info.not_after, clock.now() + std::chrono::days(10));
  EXPECT_LE(info.not_before, clock.now());
  EXPECT_EQ(info.serial_hex.size(), 40u);
}

TEST_F(Pki, ServerCertificateCarriesItsNames) {
  const Credential ca = make_ca("kubernetes", issuing);
  const Credential server = issue_server_certificate(ca,
                                                     {.common_name = "kube-apiserver",
                                                      .dns_names = {"localhost", "kubernetes.default.svc"},
                                                      .ip_addresses = {"10.0.0.1", "::1"}},
                                                     issuing);
  const CertificateInfo info = inspect_certificate(server.cert_pem);
  EXPECT_EQ(info.common_name, "kube-apiserver");
  EXPECT_EQ(info.dns_names, (Names{"localhost", "kubernetes.default.svc"}));
  EXPECT_EQ(info.ip_addresses, (Names{"10.0.0.1", "::1"}));
  EXPECT_FALSE(info.is_ca);
}

TEST_F(Pki, ClientCertificateCarriesUserAndGroups) {
  const Credential ca = make_ca("kubernetes", issuing);
  const Credential client = issue_client_certificate(ca, "system:node:a,CN=b", {"system:nodes", "ö"}, issuing);
  const CertificateInfo info = inspect_certificate(client.cert_pem);
  EXPECT_EQ(info.common_name, "system:node:a,CN=b");
  EXPECT_EQ(info.organizations, (Names{"system:nodes", "ö"}));
}

// An account's name has up to 253 characters, and "system:serviceaccount:" and its namespace before it.
TEST_F(Pki, NamesMayBeLong) {
  const std::string user = "system:serviceaccount:kube-system:" + std::string(253, 'a');
  const Credential client = issue_client_certificate(make_ca("kubernetes", issuing), user, {std::string(100, 'g')}, issuing);
  const CertificateInfo info = inspect_certificate(client.cert_pem);
  EXPECT_EQ(info.common_name, user);
  EXPECT_EQ(info.organizations, (Names{std::string(100, 'g')}));
}

TEST_F(Pki, SerialsComeFromTheGivenRng) {
  SeededRng same(7), other(8);
  const auto serial = [&](Rng& with) { return inspect_certificate(make_ca("a", {clock, with}).cert_pem).serial_hex; };
  EXPECT_EQ(serial(rng), serial(same));
  EXPECT_NE(serial(rng), serial(other));
}

TEST_F(Pki, KeysDiffer) {
  EXPECT_NE(make_private_key(), make_private_key());
  const std::string key = make_private_key();
  EXPECT_TRUE(public_key_pem(key).starts_with("-----BEGIN PUBLIC KEY-----"));
  EXPECT_EQ(public_key_pem(public_key_pem(key)), public_key_pem(key));
}

TEST_F(Pki, BadInputIsRefused) {
  const Credential ca = make_ca("kubernetes", issuing);
  EXPECT_THROW(inspect_certificate("nonsense"), std::runtime_error);
  EXPECT_THROW(public_key_pem(""), std::runtime_error);
  EXPECT_THROW(issue_server_certificate(ca, {.common_name = "a", .ip_addresses = {"not an address"}}, issuing),
               std::runtime_error);
  EXPECT_THROW(issue_client_certificate({ca.cert_pem, "nonsense"}, "a", {}, issuing), std::runtime_error);
}

}  // namespace
}  // namespace ph::net
