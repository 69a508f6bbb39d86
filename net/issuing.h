// Certificates for signing requests (PKCS#10), as Kubernetes' signers write them. Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/pki.h"

namespace ph::net {

struct CertificateTerms {
  std::vector<std::string> usages;  // by Kubernetes' names: "digital signature", "client auth", …
  Time not_before, not_after;       // whole seconds, downwards
};

// A certificate for the key of the request `der`, PEM. Of its subject and alternative names there is what Kubernetes knows, of its other
// extensions nothing: who holds it may sign no others. Throws std::runtime_error when something cannot be read, or a usage is unknown.
std::string issue_for_request(const Credential& ca, std::string_view der, const CertificateTerms& terms, Rng& rng);

// Whether the key is that of the certificate. Throws std::runtime_error when either cannot be read.
bool fits(const Credential& credential);

}  // namespace ph::net
