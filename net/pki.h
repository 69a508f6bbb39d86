// Keys and certificates: ECDSA P-256, as PEM text. Keys draw on OpenSSL's own generator; serial numbers and times come
// from what is given. Everything throws std::runtime_error on what cannot be read or made. Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "base/time.h"

namespace ph::net {

// A certificate (or a chain, the leaf first) and its private key.
struct Credential {
  std::string cert_pem;
  std::string key_pem;
};

std::string make_private_key();
// The public half of a private or public key.
std::string public_key_pem(std::string_view key_pem);

struct Issuing {
  const Clock& clock;
  Rng& rng;
  Duration validity = std::chrono::days(365);
};

// Self-signed, fit to sign certificates.
Credential make_ca(std::string_view common_name, Issuing issuing);

struct ServerNames {
  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};
Credential issue_server_certificate(const Credential& ca, const ServerNames& names, Issuing issuing);

// Kubernetes reads the common name as the user, the organizations as groups.
Credential issue_client_certificate(const Credential& ca, std::string_view common_name,
                                    const std::vector<std::string>& organizations, Issuing issuing);

struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  Time not_before;
  Time not_after;
  bool is_ca = false;
  std::string serial_hex;
  std::string user_uid;    // what Kubernetes reads as the user's UID; empty: none
  std::string sha256_hex;  // of the whole certificate
};
CertificateInfo inspect_certificate(std::string_view cert_pem);

}  // namespace ph::net
