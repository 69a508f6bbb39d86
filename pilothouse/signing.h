// What the loops sign with, and how they read X.509: their interfaces (controllers/common/certificates.h) over net/. The loops' room
// knows no OpenSSL, and where keys lie is the programs' business.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "controllers/common/certificates.h"
#include "net/pki.h"

namespace ph::pilothouse {

std::shared_ptr<const controllers::Certificates> make_certificates();

// What signs at this moment.
using AuthoritySource = std::function<std::shared_ptr<const controllers::CertificateAuthority>()>;

// Throws std::runtime_error when the certificate or the key cannot be read, or they are not of each other.
AuthoritySource fixed_authority(net::Credential credential);
// Read anew for each certificate, so that a renewed one is used at once. What cannot be read then is logged, and the last good one
// stays. Throws daemon::FileError when it cannot be read now.
AuthoritySource file_authority(std::string cert_file, std::string key_file, Log log);

// Signs service account tokens. Throws std::runtime_error when the key cannot be read.
std::function<std::string(std::string_view payload)> token_signer(std::string_view key_pem);

}  // namespace ph::pilothouse
