// Requests for certificates, and an authority that signs them: the same bytes in every run, which keys of elliptic curves would not give.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "certificates/v1.pb.h"
#include "net/pki.h"

namespace ph::sim {

// "CN=bob,O=devs", "DNS:a,IP:10.0.0.1": a request in PEM, signed by a key that is always the same. Spaces around commas may be.
std::string signing_request(std::string_view subject, std::string_view alt_names = {});

// A CertificateSigningRequest for `request`, of one of the built-in signers or another.
certificates::v1::CertificateSigningRequest make_signing_request(const std::string& name, const std::string& signer,
                                                                 const std::string& request,
                                                                 const std::vector<std::string>& usages);

// Good from 2020 to 2120, with a key of Ed25519.
const net::Credential& simulated_authority();

}  // namespace ph::sim
