// X.509 as loops need it. This room knows no OpenSSL: what is behind these is made of net/, by pilothouse/signing.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "base/time.h"

namespace ph::controllers {

// Whom a signing request wants to be certified.
struct RequestedCertificate {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names, ip_addresses, emails, uris;
};

// What is in texts of PEM. Threads: any.
class Certificates {
 public:
  virtual ~Certificates() = default;
  // Of the first block of a signing request; nothing when it is none.
  virtual std::optional<RequestedCertificate> read_request(std::string_view pem) const = 0;
  // Until when the first certificate is good; nothing when there is none that can be read.
  virtual std::optional<Time> expiry(std::string_view pem) const = 0;
};

// Under what conditions a certificate is issued.
struct IssuingTerms {
  std::vector<std::string> usages;  // as in a CertificateSigningRequest
  Time not_before, not_after;
};

// A certificate with its key, which signs others. Threads: any.
class CertificateAuthority {
 public:
  virtual ~CertificateAuthority() = default;
  // Until when it is good itself.
  virtual Time expiry() const = 0;
  // A certificate, PEM, for what the first block of `request_pem` asks for. Throws std::runtime_error.
  virtual std::string sign(std::string_view request_pem, const IssuingTerms& terms, Rng& rng) const = 0;
};

}  // namespace ph::controllers
